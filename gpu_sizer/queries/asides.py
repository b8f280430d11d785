"""What a question asks or mentions that no answer covers: refused where it is the point, noted where it is not."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.queries.sentence import Sentence

_TRAINING = word_set(
    "train training retrain finetune finetuning pretrain pretraining posttrain posttraining rlhf sft qlora grpo"
)
_TRAINING_PAIRS = (
    *(("fine", "tune"), ("fine", "tuning"), ("pre", "train"), ("pre", "training"), ("post", "training")),
    *(("full", "finetune"), ("continued", "pretraining")),
)
_SPEED = word_set("throughput latency ttft tps fast speed")
_ASKS = word_set("what whats which how expected expect max maximum much many estimate calculate best")
_RATED = word_set(
    "token tokens tok toks t request requests req reqs query queries call calls prompt prompts message messages r q"
)
_TIMES = word_set("second seconds sec s minute minutes min day days hour hours hr h month")
_RATES = word_set("rps qps rpm rpd tps")
_VAGUE = word_set("quantized quantised quantize quantise quant quants gguf ggml")
_NEGATIONS = word_set("not no non never without un isnt dont")
#: What an answer leaves out, by the words that mention it.
_NOTES: tuple[tuple[frozenset[str], str], ...] = (
    (word_set("lora loras adapter adapters"), "the memory of LoRA adapters is not counted"),
    (
        word_set("speculative speculation decoding draft drafter eagle eagle3 medusa mtp ngram"),
        "speculative decoding is not counted: a draft model and its cache take more",
    ),
    (
        word_set("offload offloading offloaded cpu swap"),
        "nothing is offloaded to the CPU: all weights and caches are counted on the GPUs",
    ),
    (
        word_set("ollama"),
        "Ollama's own default is 4-bit weights; these are the weights as released, unless the question says otherwise",
    ),
    (word_set("mig vgpu fractional"), "whole GPUs are counted, no slices of one"),
)
#: Function words that tell a language; each is none of English. Two of them, or letters of another script.
_ELSEWHERE = word_set(
    "wie viele wieviele wieviel brauche brauchen brauch ich für läuft laeuft passt welche welches kann reicht reichen"
    " combien pour avec quel quelle quelles faut besoin puis peut cuántas cuántos cuantas cuantos necesito para cuál"
    " cual puedo puede ejecutar quante quanti quanta servono che posso modello quantas quantos preciso rodar hoeveel"
    " heb nodig voor welke ile kaç potrzebuję potrzeba dla hur många behöver jag för hvor mange trenger jeg kuinka"
    " monta tarvitsen kolik potřebuji berapa untuk butuh bao nhiêu cần"
)


def _refusal(message: str, about: str = "question", kind: str = "invalid") -> RequestError:
    error = RequestError(message, about=about)
    error.kind = kind
    return error


def refuse_other_language(text: str, s: Sentence) -> None:
    """Questions are read in English alone; half an answer to another language would be a guess.

    Raises:
        RequestError: words of another language, or letters of another script than Latin.
    """
    words = {w.text for w in s.words}
    foreign = len(words & _ELSEWHERE) >= 2
    if not foreign and not text.isascii():
        letters = [c for w in words for c in w if c.isalpha()]
        # Latin letters end at U+024F; the other scripts begin behind.
        other = sum(ord(c) > 0x24F for c in letters)
        foreign = other >= 2 and 4 * other >= len(letters)
    if foreign:
        raise _refusal(
            'questions are understood in English only; ask for example "how many A6000s for Mixtral 8x7b"',
            kind="unknown",
        )


def _rates(s: Sentence) -> Iterator[tuple[int, int]]:
    """Stretches such as ``20 requests per second``, ``1000 tok/s`` and ``50 rps``."""
    for i in s.free():
        word, start = s.at(i), i - (s.number_at(i - 1) is not None)
        if word in _RATES and (start < i or s.at(i - 1) in _ASKS):
            yield start, i + 1
        if word not in _RATED:
            continue
        j = i + 1
        if s.at(j) in ("per", "a", "each", "every") and s.at(j + 1) in _TIMES - {"s", "h"}:
            yield start, j + 2
        elif s.at(j) in _TIMES and "/" in s.words[j].before:
            yield start, j + 1


def refuse_other_subjects(s: Sentence) -> None:
    """Training and speed are other questions than memory; an answer to what is left would mislead.

    Raises:
        RequestError: the question is about training, about speed, or about a load told as a rate.
    """
    if any(w.text in _TRAINING for w in s.words) or s.has(_TRAINING_PAIRS):
        raise _refusal("training and fine-tuning are not sized, only serving: ask how many GPUs it takes to serve")
    for start, stop in _rates(s):
        if s.number_at(start) is not None and s.at(start + 1) not in ("token", "tokens", "tok", "toks", "t", "tps"):
            said = " ".join(s.words[i].text for i in range(start, stop))
            raise _refusal(
                f"{said!r} is a rate: say how many requests run at the same time, as in '20 users'", about="users"
            )
        raise _refusal("speed is not modelled, only memory: ask how many GPUs, users or tokens of context fit")
    for i, word in enumerate(s.words):
        if word.text in _SPEED and (i == 0 or s.said(i - 1) in _ASKS or (i == 1 and s.said(2) in ("of", "for"))):
            raise _refusal("speed is not modelled, only memory: ask how many GPUs, users or tokens of context fit")


def refuse_vague_formats(s: Sentence, dtype: str | None) -> None:
    """``quantized`` alone says no format; where it goes with one, or is denied, it says nothing more.

    Raises:
        RequestError: weights are wanted quantized, and nothing tells how.
    """
    for i in list(s.free()):
        if s.at(i) not in _VAGUE:
            continue
        denied = not _NEGATIONS.isdisjoint((s.said(i - 1), s.said(i - 2)))
        if not denied and dtype is None:
            raise _refusal(
                "quantized to what? say for example 'in fp8', 'in nvfp4' or 'in 4-bit'; without it, the weights as"
                " released are sized",
                kind="incomplete",
            )
        s.take(i)


def read_notes(s: Sentence) -> tuple[str, ...]:
    """What an answer must say that it leaves out; the words that mention it are taken."""
    found: dict[str, None] = {}
    for words, note in _NOTES:
        for i, word in enumerate(s.words):
            if word.text in words and (i not in s.taken or word.text == "ollama"):
                found[note] = None
                s.take(i)
    return tuple(found)
