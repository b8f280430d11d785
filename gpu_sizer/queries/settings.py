"""The engine and its settings in a question: its name and version, layouts, utilisation, data types, flags."""

from __future__ import annotations

from itertools import pairwise

from gpu_sizer.cards.families import is_size
from gpu_sizer.cards.names import normal
from gpu_sizer.engines.registry import engine, engine_words
from gpu_sizer.errors import RequestError
from gpu_sizer.load import OPTIONS, WEIGHTS
from gpu_sizer.queries.options import GPU_NOUNS, LINKS, USERS, Options
from gpu_sizer.queries.words import is_decimal, word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.load import Setting
    from gpu_sizer.queries.sentence import Sentence

_DTYPES = {
    "bf16": "bfloat16",
    "bfloat16": "bfloat16",
    "fp16": "float16",
    "float16": "float16",
    "f16": "float16",
    "fp32": "float32",
    "float32": "float32",
    "fp8": "float8",
    "float8": "float8",
    "f8": "float8",
    "e4m3": "float8",
    "mxfp4": "mxfp4",
    "mxfp8": "mxfp8",
    "nvfp4": "nvfp4",
    "fp4": "nvfp4",
    "int4": "int4-group128",
    "w4a16": "int4-group128",
    "awq": "int4-group128",
    "gptq": "int4-group128",
    "4bit": "int4-group128",
    "int8": "int8",
    "8bit": "int8",
    "w8a8": "int8",
    "nf4": "nf4",
    "bnb": "bitsandbytes",
    "bitsandbytes": "bitsandbytes",
    "exl2": "exl2",
    "exl3": "exl3",
    "hqq": "hqq",
    "w8a16": "int8",
    "w4a8": "w4a8",
    "aqlm": "aqlm",
    "quip": "quip",
    "torchao": "torchao",
    "quanto": "quanto",
    "eetq": "eetq",
    "int3": "int3",
    "int2": "int2",
}
_DTYPE_PHRASES = {
    ("4", "bit"): "int4-group128",
    ("8", "bit"): "int8",
    ("16", "bit"): "bfloat16",
    ("half", "precision"): "float16",
    ("single", "precision"): "float32",
    ("float", "8"): "float8",
    ("bfloat", "16"): "bfloat16",
    ("float", "16"): "float16",
    ("fp", "8"): "float8",
    ("fp", "16"): "float16",
    ("bf", "16"): "bfloat16",
}
_Q_TYPES = word_set("q1 q2 q3 q4 q5 q6 q8")
_Q_PARTS = word_set("k 0 1 s m l xs xxs nl")
_VAGUE = word_set("quantized quantised quantize quantise quant quants quantization quantisation gguf ggml")
_SOUGHT = word_set("which what whats best largest biggest highest")
_HOW_FAR = word_set("low far small heavily hard aggressively")
_KINDS = word_set("gguf ggml llama cpp level type size is the kind of")
#: Types of llama.cpp's files that are usual, the largest first.
USUAL_FILES = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m", "q2_k")
_NEGATIONS = word_set("not no non never without un isnt dont")
_BESIDE = word_set("vs versus or and weights better worse faster than")
_CACHE = frozenset(("kv", "cache", "kvcache"))
_BEFORE_DTYPES = word_set("in at of as to dtype type precision with is = k v")
#: What files of llama.cpp's hold for the bits that people tell.
_AS_GGUF = {"int4-group128": "q4_k_m", "int8": "q8_0"}
#: The engine whose own types are meant where no engine is named.
_OF_GGUF = "llama.cpp"
_PARALLEL = word_set("parallel parallelism parallelization size degree only alone just of =")
_REPLICAS = ("replicas", "replica")
_EXPERT = (("expert", "parallel"), ("expert", "parallelism"), ("ep",), ("enable", "expert", "parallel"))
#: Words that deny what follows.
NOT = word_set("no without not avoid never dont cannot cant excluding exclude except disable")
_DENIED = word_set("not disabled off disallowed forbidden excluded impossible")
_FREE = word_set("headroom free spare margin buffer reserve reserved slack unused")


def _is_version(word: str) -> bool:
    """``0.11``, ``0.9.1``: two to four short numbers."""
    numbers = word.split(".")
    return 2 <= len(numbers) <= 4 and all(n.isdigit() and len(n) <= 4 for n in numbers)


def read_engine(s: Sentence, o: Options) -> None:
    """``with sglang``, ``vllm@0.11``, ``vLLM v0.11``."""
    for phrase, name in engine_words():
        for i in s.free():
            if not s.starts(i, phrase):
                continue
            after = i + len(phrase)
            s.take(i, after)
            o.engine = name
            j = s.skip(after, ("version", "v"))
            word = s.at(j).removeprefix("v")
            marked = j > after or "@" in s.words[j].before or word != s.at(j) if word else False
            named = normal(" ".join(phrase)) == normal(name) and not is_size(s.at(j + 1))
            if _is_version(word) and (marked or named) and not s.at(j + 1).startswith("util"):
                s.take(after, j + 1)
                o.engine = f"{name}@{word}"
            o.engines_more = _another_engine(s, name)
            return


def _another_engine(s: Sentence, name: str) -> bool:
    """Whether another engine is named beside one; its words are taken."""
    for phrase, other in engine_words():
        for i in list(s.free()):
            if other != name and s.starts(i, phrase):
                s.take(i, i + len(phrase))
                return True
    return False


def read_copies(s: Sentence, o: Options) -> None:
    """``4 copies of``, ``two instances of``: copies of a model, not machines of a GPU."""
    for i in s.free():
        number = s.number_at(i)
        of = s.at(i + 2) == "of" or s.at(i + 1) in ("copies", "copy")
        if number is not None and s.at(i + 1) in ("copies", "copy", "instances") and of:
            o.copies = number
            s.take(i, i + 2)
            return


def read_layouts(s: Sentence, o: Options) -> None:
    """``tensor parallel only``, ``no pipeline``, ``tp=4 pp=2``."""
    wanted: dict[str, bool] = {}
    for phrase in _EXPERT:
        if (place := s.find([phrase])) is not None:
            denied, none = s.said(place[0] - 1) in NOT, s.number_at(place[1]) == 0
            o.expert_parallel = not (denied or none)
            s.take(place[0] - denied, place[1] + none)
    for kind, names in (
        ("tensor", ("tensor", "tp")),
        ("pipeline", ("pipeline", "pipelines", "pipelining", "pp")),
        ("data", ("data", "dp", *_REPLICAS)),
    ):
        for i in list(s.free()):
            word = s.at(i)
            letters = word.rstrip("0123456789")
            if (letters not in names and word not in names) or (word == "data" and s.at(i + 1) not in _PARALLEL):
                continue
            stop = s.skip(i + 1, _PARALLEL)
            if letters != word and letters in ("tp", "pp", "dp"):
                o.sizes[kind] = int(word[len(letters) :][:6])
                s.take(i, stop)
            elif word in _REPLICAS and (number := s.number_at(i - 1)) is not None:
                o.copies = number
                s.take(i - 1, i + 1)
            elif (number := s.number_at(stop)) is not None and s.counted(stop + 1) not in GPU_NOUNS | USERS:
                o.sizes[kind] = number
                s.take(i, stop + 1)
            elif s.at(i - 1) == "way" and (number := s.number_at(i - 2)) is not None:
                o.sizes[kind] = number
                s.take(i - 2, stop)
            elif word not in _REPLICAS:
                start = i
                while s.at(start - 1) in ("only", "pure", "purely", "just", "with", "using", "a", "any", "use"):
                    start -= 1
                before, behind = s.at(start - 1) in NOT, s.at(stop) in _DENIED
                wanted[kind] = not (before or behind)
                s.take(start - before, stop + behind)
    if o.sizes:
        return
    if wanted.get("pipeline") is False or (wanted.get("tensor") and not wanted.get("pipeline")):
        o.layouts = "tensor"
    elif wanted.get("tensor") is False or (wanted.get("pipeline") and not wanted.get("tensor")):
        o.layouts = "pipeline"


def read_utilization(s: Sentence, o: Options) -> None:
    """``utilization 0.9``, ``at 90% utilisation``, ``90 % of the memory``, ``10% headroom``."""
    named = s.find([("utilization",), ("utilisation",), ("util",), ("utilized",), ("utilised",)])
    for i in s.free():
        word, percent = s.at(i), s.at(i + 1) == "%"
        if not is_decimal(word) or not (percent or (named and abs(named[0] - i) <= 4 and "." in word)):
            continue
        value = float(word)
        o.utilization = value / 100 if percent else value
        s.take(i, i + 1 + percent)
        if spare := [k for k in (*range(i - 3, i), *range(i + 1, i + 5)) if s.at(k) in _FREE]:
            o.utilization = round(1 - o.utilization, 4)
            s.take(spare[0])
        break
    if named is not None:
        start = named[0]
        while s.at(start - 1) in ("gpu", "memory", "vram", "mem"):
            start -= 1
        s.take(start, named[1])


def _llama_cpp_type(s: Sentence, i: int) -> tuple[str, int] | None:
    """``q4_k_m``, ``Q8_0``, ``iq3 xs``, ``q4km``: a type of llama.cpp's, and where its words end."""
    word = s.at(i).removeprefix("i")
    if word[:2] not in _Q_TYPES or not _Q_PARTS.issuperset(word[2:]):
        return None
    stop = i + 1
    while s.at(stop) in _Q_PARTS and stop < i + 3 and s.words[stop].before in ("_", "-", " "):
        stop += 1
    said = "_".join(s.at(k) for k in range(i, stop))
    return engine(_OF_GGUF).own_format(said) or said, stop


def _side_by_side(s: Sentence, told: list[tuple[int, int, str]]) -> tuple[str, ...]:
    """Types that stand beside one another to be chosen from: ``fp8 vs bf16``, ``q4, q6 or q8``; else none."""
    kinds = tuple(dict.fromkeys(kind for _, _, kind in told))
    for (_, stop, _), (start, _, _) in pairwise(told):
        between = [s.said(k) for k in range(stop, start)]
        if not all(w in _BESIDE for w in between) or not (between or s.words[start].before.strip() in (",", "/")):
            return ()
    return kinds if len(kinds) > 1 else ()


def read_dtypes(s: Sentence, o: Options) -> None:
    """``in fp8``, ``bf16 weights``, ``with an fp8 kv cache``.

    Raises:
        RequestError: quantized weights without their format.
    """
    told: list[tuple[int, int, str]] = []
    for i in list(s.free()):
        dtype = _DTYPES.get(s.at(i))
        stop = i + 1
        for phrase, name in _DTYPE_PHRASES.items():
            if s.starts(i, phrase):
                dtype, stop = name, i + len(phrase)
        if dtype is None and (of_llama_cpp := _llama_cpp_type(s, i)) is not None:
            dtype, stop = of_llama_cpp
        if dtype is None:
            continue
        before = s.skip(i - 1, _BEFORE_DTYPES, -1)
        of_gguf = dtype[:1] in "qi" and dtype.removeprefix("i")[:2] in _Q_TYPES
        if of_gguf and o.engine is None:
            o.engine = _OF_GGUF
        if s.at(stop) in _CACHE or s.at(before) in _CACHE:
            # The caches of eight bits that engines have are float8.
            o.settings["kv_cache_dtype"] = "float8" if dtype == "int8" else dtype
        else:
            o.settings[WEIGHTS] = dtype
            told.append((i, stop, dtype))
        s.take(i, stop)
    if (o.engine or "").replace("_", ".").startswith(_OF_GGUF) and (named := o.settings.get(WEIGHTS)):
        o.settings[WEIGHTS] = _AS_GGUF.get(named, named)
    o.weights = _side_by_side(s, told)
    refuse_vague_formats(s, o)


def _phrases(s: Setting) -> tuple[tuple[str, ...], ...]:
    """What a question may call a setting: its name, its flag, and further words."""
    names = dict.fromkeys((tuple(s.name.split("_")), tuple(s.key.split("_"))))
    return (*names, *(tuple(words.split()) for words in s.words or ()))


def _read_setting(s: Sentence, o: Options, setting: Setting) -> None:
    """One setting by its name: a value behind it, or by itself for what is on or off."""
    if (place := s.find(_phrases(setting))) is None:
        return
    start, stop = place
    if setting.kind == "bool":
        own = tuple(s.at(i) for i in range(start, stop)) == _phrases(setting)[0]
        denied = own and s.at(start - 1) in NOT
        # By its name it is turned on, unless denied; further words say what is not the default.
        o.settings[setting.name] = not denied if own else not setting.default
        s.take(start - denied, stop)
        return
    behind = s.skip(stop, LINKS)
    word = s.words[behind] if s.at(behind) else None
    value: int | float | str | None = s.number_at(behind)
    if setting.tokens:
        value = word.tokens if word is not None and word.tokens else value
    elif setting.kind == "float":
        value = float(word.text) if word is not None and is_decimal(word.text) else None
    elif setting.kind == "str":
        value = word.text if word is not None else None
    if value is not None:
        o.settings[setting.name] = value
        s.take(start, behind + 1)


def read_settings(s: Sentence, o: Options) -> None:
    """Settings by their own names, as in ``max-num-seqs 64`` and ``enforce eager``."""
    for setting in OPTIONS.values():
        if setting.words is not None:
            _read_setting(s, o, setting)


def refuse_vague_formats(s: Sentence, o: Options) -> None:
    """``quantized`` alone says no format; where it goes with one, or is denied, it says nothing more.

    Where one is sought (``which quant of Qwen3 32B fits on a 3090``), each of llama.cpp's usual files is asked about.

    Raises:
        RequestError: weights are wanted quantized, and nothing tells how.
    """
    dtype = o.settings.get(WEIGHTS)
    for i in list(s.free()):
        if s.at(i) not in _VAGUE:
            continue
        before = s.skip(i - 1, _KINDS, -1)
        sought = s.said(before) in _SOUGHT or (s.said(0) == "how" and s.said(1) in _HOW_FAR)
        if dtype is None and sought and (o.engine or _OF_GGUF).startswith(_OF_GGUF):
            o.weights, o.engine = USUAL_FILES, o.engine or _OF_GGUF
            s.take(i)
            return
        denied = not _NEGATIONS.isdisjoint((s.said(i - 1), s.said(i - 2)))
        if not denied and dtype is None:
            error = RequestError(
                "quantized to what? say for example 'in fp8', 'in nvfp4' or 'in 4-bit'; without it, the weights as"
                " released are sized"
            )
            error.kind = "incomplete"
            raise error
        s.take(i)
