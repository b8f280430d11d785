"""Quantities and options in a question, as a small explicit grammar over its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpu_sizer.planning.quantities import tokens
from gpu_sizer.queries.words import whole_number
from gpu_sizer.records import dataclass, field

_SIZED = re.compile(r"\d[\d,]*(\.\d+)?[km]")
_CONTEXT_WORDS = frozenset(("context", "ctx", "tokens", "token", "length", "window", "seq", "sequence"))
_USER_WORDS = frozenset(
    ("users", "user", "requests", "request", "people", "sessions", "concurrent", "simultaneous", "parallel")
)
_ENGINES = {
    "vllm": "vllm", "sglang": "sglang", "tgi": "tgi", "trtllm": "tensorrt_llm", "tensorrt-llm": "tensorrt_llm",
    "tensorrt": "tensorrt_llm", "transformers": "transformers", "llama.cpp": "llama_cpp", "llamacpp": "llama_cpp",
}  # fmt: skip
_DTYPES = {
    "bf16": "bfloat16", "bfloat16": "bfloat16", "fp16": "float16", "float16": "float16", "half": "float16",
    "fp8": "float8", "float8": "float8", "fp32": "float32", "float32": "float32", "mxfp4": "mxfp4", "nvfp4": "nvfp4",
}  # fmt: skip


@dataclass(slots=True)
class Options:
    """What a question says beside model and GPU; null where it is silent."""

    context: str | None = None
    users: int | None = None
    engine: str | None = None
    weights_dtype: str | None = None
    kv_cache_dtype: str | None = None
    utilization: float | None = None
    layouts: str | None = None
    used: set[int] = field(default_factory=set)


def _after(words: Sequence[str], i: int, wanted: frozenset[str], reach: int = 2) -> int | None:
    return next((j for j in range(i + 1, min(i + 1 + reach, len(words))) if words[j] in wanted), None)


def _before(words: Sequence[str], i: int, wanted: frozenset[str], reach: int = 3) -> int | None:
    return next((j for j in range(i - 1, max(i - 1 - reach, -1), -1) if words[j] in wanted), None)


def _numbers(words: Sequence[str], free: list[int], o: Options) -> None:
    for i in free:
        word = words[i]
        sized = _SIZED.fullmatch(word) is not None
        number = whole_number(word)
        if not sized and number is None:
            continue
        if number is not None and (j := _after(words, i, _USER_WORDS)) is not None and o.users is None:
            o.users = number
            o.used |= set(range(i, j + 1))
        elif number is not None and words[max(0, i - 2) : i] == ["batch", "of"] and o.users is None:
            o.users = number
            o.used |= {i - 2, i - 1, i}
        elif o.context is None and (
            sized
            or _after(words, i, _CONTEXT_WORDS, 1) is not None
            or _before(words, i, frozenset(("context", "ctx"))) is not None
        ):
            o.context = word
            o.used.add(i)
            for j in (i + 1, i + 2):
                if j < len(words) and words[j] in _CONTEXT_WORDS:
                    o.used.add(j)


def read_options(words: Sequence[str], taken: frozenset[int]) -> Options:
    """The options in the words that no name took."""
    o = Options()
    text = " ".join(words)
    free = [i for i in range(len(words)) if i not in taken]
    _numbers(words, free, o)
    for i in free:
        word = words[i]
        if word in _ENGINES:
            o.engine = _ENGINES[word]
            o.used.add(i)
        elif word in _DTYPES:
            if _after(words, i, frozenset(("cache", "kv"))) is not None:
                o.kv_cache_dtype = _DTYPES[word]
            else:
                o.weights_dtype = _DTYPES[word]
            o.used.add(i)
        elif word in ("utilization", "utilisation"):
            near = [words[j] for j in (i - 1, i + 1, i + 2) if 0 <= j < len(words)]
            value = next((v for v in near if re.fullmatch(r"0?\.\d+|1\.0|\d{2}", v)), None)
            if value is not None:
                o.utilization = float(value) if "." in value else int(value) / 100
                o.used |= {i, words.index(value)}
    if re.search(r"tensor[- ]parallel\w* (only|alone)|only tensor|no pipeline|without (a )?pipeline|tp only", text):
        o.layouts = "tensor"
    elif re.search(r"pipeline[- ]?(parallel\w*)? (only|alone)|pp only", text):
        o.layouts = "pipeline"
    if o.layouts:
        o.used |= {
            i
            for i in free
            if words[i]
            in ("tensor", "parallel", "parallelism", "only", "alone", "no", "pipeline", "without", "tp", "pp")
        }
    return o


def context_of(options: Options, native: int) -> int | None:
    """The context that was asked, in tokens."""
    return None if options.context is None else tokens(options.context, native)
