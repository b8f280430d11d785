"""Questions in other languages mean what they mean in English, and are refused where too little is understood."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import ask
from gpu_sizer.queries.languages import LANGUAGES, SIGNS, in_english
from gpu_sizer.queries.stopwords import STOP_WORDS
from tests.queries.test_questions import PARAPHRASES

ALIKE = [
    ("部署qwen3-32b需要几张4090", "how many 4090 for qwen3-32b"),
    ("想知道做推理显存要多大用几张A100 Intern-S1", "how many A100 for Intern-S1"),
    ("两张h100能部署mixtral 8x7b吗", "does mixtral 8x7b fit on 2 h100"),
    ("需要多少张H100才能运行DeepSeek V3", "how many h100 for DeepSeek V3"),
    ("8卡H20（96G）能不能行 MiniMax-M1", "does MiniMax-M1 fit on 8 H20 96GB"),
    ("wie viele A100 brauche ich für Llama 3 70B", "how many A100 for Llama 3 70B"),
    ("passt Mixtral 8x7b auf zwei A6000?", "does mixtral 8x7b fit on two a6000"),
    ("¿cuántas H100 necesito para DeepSeek V3?", "how many h100 for deepseek v3"),
    ("combien de A100 pour Llama 3 70B avec 16 utilisateurs", "how many a100 for llama 3 70b with 16 users"),
    ("llama 3 70b には H100 は何枚必要ですか", "how many h100 for llama 3 70b"),
    ("llama3 70b を 4090 2枚で動かせますか", "does llama3 70b fit on 2 4090"),
    ("llama 3.3 70b int4 a10g 4枚", "llama 3.3 70b int4 4 a10g"),
    ("qué gpu necesito para correr llama 3.3 70b a 8 bits", "which gpu for llama 3.3 70b at 8 bit"),
    ("小米 mimo 7b 4090 能跑吗", "does mimo 7b fit on a 4090"),
    ("сколько A6000 нужно для mixtral 8x7b", "how many A6000 for mixtral 8x7b"),
    ("потянет ли 2x 4090 mixtral 8x7b?", "does mixtral 8x7b fit on 2x 4090"),
    ("Quantas A100 preciso para rodar Llama 3.1 405B?", "how many A100 for Llama 3.1 405B"),
    ("quante A100 servono per llama 3 70b che posso usare", "how many A100 for llama 3 70b"),
    ("Ist eine RTX 5090 schneller als eine 4090 für Qwen3 14B?", "is a 5090 faster than a 4090 for qwen3 14b"),
    ("Was kostet es, Llama 3.3 70B auf H100 zu betreiben?", "what does llama 3.3 70b on h100 cost"),
    ("Wie viel Arbeitsspeicher brauche ich für DeepSeek R1?", "how much system ram do i need for deepseek r1"),
    ("Quelle est la vitesse de Llama 3.1 8B sur une L4 ?", "what is the throughput of llama 3.1 8b on one l4"),
    ("¿Qué GPU me recomiendas para Mistral Small 24B?", "which gpu for mistral small 24b"),
    ("Llama 3.1 8BをL4で動かすと何トークン/秒？", "how many tokens per second does llama 3.1 8b get on l4"),
    ("qwen3-32b在4090上每秒多少token", "how many tokens per second does qwen3 32b get on 4090"),
    ("4090和3090跑qwen3-14b哪个快", "4090 or 3090 for qwen3 14b, which is faster"),
    ("4090能跑qwen3-32b吗", "does qwen3 32b fit on a 4090"),
    ("16G显存能跑gpt-oss-20b吗", "does gpt-oss-20b fit in 16gb of vram"),
    ("单张H20 96G能部署qwen3-32b吗", "does qwen3 32b fit on 1 H20 96GB"),
    ("3090可以跑哪些模型", "what models can i run on a 3090"),
    ("qwen3 32b 最大上下文 4090", "max context for qwen3 32b on a 4090"),
    ("¿cabe mixtral 8x7b en dos 3090?", "does mixtral 8x7b fit on two 3090"),
    ("cuánto cuesta alojar deepseek r1", "how much does it cost to host deepseek r1"),
    ("tengo 24gb de vram, ¿qué modelo me recomiendan?", "i have 24gb of vram, which model do you recommend"),
    ("wie viel vram braucht qwen3 32b", "how much vram does qwen3 32b need"),
    ("welche gpu soll ich für gemma 3 27b kaufen", "which gpu should i buy for gemma 3 27b"),
    ("maximaler kontext für qwen3 8b auf einer 4070", "max context for qwen3 8b on one 4070"),
    ("quels modèles tournent sur une 3060 12gb", "which models run on one 3060 12gb"),
    ("H100何枚でdeepseek v3が動く？", "how many h100 for deepseek v3"),
    ("RTX 4090で動かせるモデルは？", "what can i run on an rtx 4090"),
    ("mixtral 8x7b cabe em duas 3090?", "does mixtral 8x7b fit on two 3090"),
    ("quanta vram precisa o llama 3 70b", "how much vram does llama 3 70b need"),
    ("какие модели пойдут на 3060 12gb", "which models run on a 3060 12gb"),
    ("qual è il miglior modello per una 4090", "what is the best model for a 4090"),
    ("cosa posso far girare su una 3060 12gb", "what can i run on a 3060 12gb"),
    ("reichen 2 3090er für gpt-oss-120b?", "are 2 3090s enough for gpt-oss-120b"),
    ("que puis-je faire tourner sur une 3060 12 Go", "what can i run on one 3060 12gb"),
    ("双3090能跑llama3 70b吗", "does llama3 70b fit on 2 3090"),
    ("хватит ли двух 3090 для llama 3.3 70b q4", "are two 3090 enough for llama 3.3 70b q4"),
    ("влезет ли gemma 3 27b в 24 гб", "does gemma 3 27b fit in 24 gb"),
    ("basta una 4090 per qwen3 30b a3b in q4?", "is one 4090 enough for qwen3 30b a3b in q4"),
    ("qual placa de vídeo para qwen3 30b a3b", "which gpu for qwen3 30b a3b"),
    ("llama 3.3 70b를 돌리려면 4090 몇 장 필요해?", "how many 4090 for llama 3.3 70b"),
    ("RTX 3090에서 qwen3 14b 돌아가나요", "does qwen3 14b fit on rtx 3090"),
    ("H100 8장으로 deepseek v3 가능?", "does deepseek v3 fit on 8 h100"),
    ("4090으로 돌릴 수 있는 모델", "what can i run on a 4090"),
    ("qwen3 32b vram 얼마나 필요해", "how much vram does qwen3 32b need"),
    ("4090에서 qwen3 8b 최대 컨텍스트", "max context for qwen3 8b on a 4090"),
    ("a100 한 장에 mistral 7b 동시 사용자 몇 명", "how many users for mistral 7b on 1 a100"),
    ("hat jemand llama 3.1 8b auf einer 3060 12gb laufen?", "does llama 3.1 8b fit on one 3060 12gb"),
]


@pytest.mark.parametrize(("question", "english"), ALIKE, ids=[q for q, _ in ALIKE])
def test_a_question_in_another_language(question: str, english: str) -> None:
    assert ask(question).understood.split("; ignored")[0] == ask(english).understood


@pytest.mark.parametrize(
    "question",
    [
        "ile A6000 potrzebuję na mixtral 8x7b",
        "πόσες A100 χρειάζομαι για το mixtral 8x7b",
        "请帮忙分析这段话里面隐藏着怎样的情绪并写成诗歌 llama 3 8b",
    ],
)
def test_what_is_not_understood_is_refused(question: str) -> None:
    with pytest.raises(GpuSizerError, match="in English") as error:
        ask(question)
    assert error.value.kind == "unknown"


@pytest.mark.parametrize("question", ["how many A6000s for Mixtral 8x7b", "modèle", "naïve question about mixtral"])
def test_english_stays_as_it_is(question: str) -> None:
    assert in_english(question) == question


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_is_one_file_of_words(name: str) -> None:
    from importlib import import_module

    module = import_module(f"gpu_sizer.queries.languages.{name}")
    lines = module.WORDS.strip().splitlines()
    foreign = [line.partition("=")[0].strip() for line in lines]
    assert all("=" in line for line in lines)
    assert len(set(foreign)) == len(foreign), [f for f in foreign if foreign.count(f) > 1]


def test_english_is_left_as_it_is() -> None:
    english = (q for q, _ in PARAPHRASES if q.isascii())
    assert [q for q in english if in_english(q) != q] == []


def test_no_sign_of_a_language_is_a_word_of_english_questions() -> None:
    signs = {word for words in SIGNS.values() for word in words.split()}
    assert signs & STOP_WORDS == set()
