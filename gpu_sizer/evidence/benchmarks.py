"""Benchmarks of serving: one JSON object a line with what was run and, under ``measured``, what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from gpu_sizer.evidence.records import EvidenceError, each_once
from gpu_sizer.files import parse_json
from gpu_sizer.records import dataclass, field, fields

if TYPE_CHECKING:
    Load = Literal["closed", "static_batch", "max", "single", "server"]

LOADS = ("closed", "static_batch", "max", "single", "server")
#: Of such numbers of tokens fixed lengths are multiples.
ROUND = (64, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One measured configuration; null where the source does not say. Lengths in tokens, times in milliseconds."""

    id: str
    engine: str
    load: Load = "closed"
    """closed: so many requests at once, each followed by another. static_batch: a batch from its beginning to its end.
    max: all at once. single: one after another. server: arrivals at a rate."""
    source: str | None = None
    source_url: str | None = None
    date: str | None = None
    engine_version: str | None = None
    model: str | None = None
    card: str | None = None
    """Id of the model's card; null where the name has to tell."""
    weights_dtype: str | None = None
    kv_dtype: str | None = None
    gpu: str | None = None
    gpu_id: str | None = None
    gpu_count: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    dp: int | None = None
    isl: float | None = None
    """Mean length of a prompt."""
    osl: float | None = None
    """Mean length of an answer."""
    concurrency: float | None = None
    """Requests at once, in the mean."""
    num_prompts: float | None = None
    spec_decoding: str | None = None
    disagg: bool | None = None
    half: int | None = None
    """0: constants may be fitted on it. 1: they are tested on it."""
    measured: dict[str, float | None] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    """Keys of the line that nothing is made of."""

    def value(self, *keys: str) -> float | None:
        """The first of these figures that was measured."""
        return next((v for key in keys if (v := self.measured.get(key)) is not None), None)

    @property
    def output_tokens_per_second(self) -> float | None:
        """Output tokens a second; of a total that counts prompts as well, the share of the answers."""
        told = self.value("output_tok_s")
        total = self.value("total_tok_s")
        if told is None and total is not None and self.isl is not None and self.osl:
            return total * self.osl / (self.isl + self.osl)
        return told

    @property
    def closed_tokens_per_second(self) -> float | None:
        """Output tokens a second of a closed loop by Little's law, from its mean times to the first and next tokens."""
        first, token = self.value("ttft_ms_mean"), self.value("tpot_ms_mean")
        if self.load != "closed" or not (first and token and self.concurrency and self.osl):
            return None
        return self.concurrency * self.osl / (first + (self.osl - 1) * token) * 1e3

    @property
    def drawn(self) -> bool:
        """Whether lengths differ from request to request, as in a set of conversations.

        Fixed lengths are round numbers, give or take what a tokenizer makes of random text.
        """
        length = self.isl or 0.0
        return all(abs(length - round(length / r) * r) > 0.005 * length for r in ROUND)

    @property
    def token_ms(self) -> float | None:
        """Milliseconds from one token of an answer to the next, where requests come and go."""
        return None if self.load in ("max", "static_batch") else self.value("tpot_ms_mean", "tpot_ms_median")

    @property
    def first_ms(self) -> float | None:
        """Milliseconds to the first token, where not all requests come at once."""
        return None if self.load == "max" else self.value("ttft_ms_mean", "ttft_ms_median")


_KEYS = {f.name for f in fields(Benchmark)} - {"unused"}
_TEXTS = {
    "source",
    "source_url",
    "date",
    "engine_version",
    "model",
    "card",
    "weights_dtype",
    "kv_dtype",
    "gpu",
    "gpu_id",
}
_TEXTS |= {"engine", "spec_decoding", "id", "load"}
_COUNTS = {"gpu_count", "tp", "pp", "ep", "dp", "half"}
#: Means, of lengths and of requests at once.
_MEANS = {
    "isl": "a number of tokens",
    "osl": "a number of tokens",
    "concurrency": "a number",
    "num_prompts": "a number",
}


def is_benchmark(values: object) -> bool:
    """Whether a parsed line is a benchmark, not a start-up."""
    return isinstance(values, dict) and "measured" in values


def first_is_benchmark(lines: Iterable[str]) -> bool:
    """Whether the first line of a file that is not empty is a benchmark."""
    for line in lines:
        if line.strip():
            try:
                return is_benchmark(parse_json(line))
            except ValueError:
                return False
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _mistake(key: str, value: Any) -> str | None:
    """What is wrong with a value, or null."""
    if value is None and key not in ("id", "engine"):
        return None
    if key in _TEXTS:
        wanted, right = "a text", isinstance(value, str) and (value != "" or key != "id")
    elif key in _COUNTS:
        wanted, right = "a whole number", _is_number(value) and value >= 0 and float(value).is_integer()
    elif key in _MEANS:
        wanted, right = _MEANS[key], _is_number(value) and value >= 0
    elif key == "disagg":
        wanted, right = "true or false", isinstance(value, bool)
    else:
        wanted = "an object of numbers"
        right = isinstance(value, dict) and all(v is None or (_is_number(v) and v >= 0) for v in value.values())
    return None if right else f"{key}: must be {wanted}, not {json.dumps(value)[:60]}"


def benchmark_from(values: Any, place: str) -> Benchmark:
    """A benchmark from a parsed line; ``place`` stands in messages.

    Raises:
        EvidenceError: a wrong type, an unknown load, or no id, engine or figures.
    """
    if not is_benchmark(values):
        raise EvidenceError(f"{place}: a benchmark must be a JSON object with measured")
    for key in ("id", "engine"):
        if key not in values:
            raise EvidenceError(f"{place}: {key}: missing")
    for key, value in values.items():
        if key in _KEYS and (mistake := _mistake(key, value)) is not None:
            raise EvidenceError(f"{place}: {mistake}")
    if (values.get("load") or "closed") not in LOADS:
        raise EvidenceError(f"{place}: load: must be one of {', '.join(LOADS)}, not {values['load']!r}")
    known: dict[str, Any] = {
        k: int(v) if k in _COUNTS else v for k, v in values.items() if k in _KEYS and v is not None
    }
    return Benchmark(**known, unused=tuple(sorted(set(values) - _KEYS)))


def read_benchmarks(lines: Iterable[str], name: str) -> Iterator[Benchmark]:
    """The benchmarks of a JSONL file; empty lines are passed over.

    Raises:
        EvidenceError: a line that is no benchmark (file, line, key, reason), or an id used twice.
    """
    return each_once(lines, name, benchmark_from)
