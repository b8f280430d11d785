"""Benchmarks replayed: each becomes a request at its own layout, lengths and load."""

from __future__ import annotations

import re
from statistics import median

from gpu_sizer.cards.rereleases import base_and_format
from gpu_sizer.engines.registry import engine_name, engine_names
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.identify import Skipped
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.prepared import known
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.speed import Demand, Situation, Speeds
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.evidence.benchmarks import Benchmark
    from gpu_sizer.timing.answer import Figure, Speed

#: Weight types as benchmarks write them, by what a card or a what-if calls them.
_TYPES = {
    **dict.fromkeys(("bf16", "fp16", "bfloat16", "float16", "w16a16"), "bfloat16"),
    **dict.fromkeys(("fp8", "w8a8_fp8", "float8"), "float8"),
    **dict.fromkeys(("nvfp4", "fp4"), "nvfp4"),
    "mxfp4": "mxfp4",
    **dict.fromkeys(("int8", "w8a8", "w8a16"), "int8"),
    **dict.fromkeys(("int4", "w4a16", "awq", "gptq"), "int4"),
    # GGUF's mixture of 4 and 6 bits: 4.85 bits a weight, of which groups of 32 with their scales have 4.5.
    "q4_k_m": "int4-group32",
}
#: Version of an engine that stands for runs of a year of which no version is told.
_OF_YEAR = {("vllm", "2024"): "0.6.5", ("tensorrt-llm", "2024"): "0.12"}
#: Requests of a burst whose number is not told: more than any server runs at once.
UNTOLD_BURST = 1_000_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What a benchmark ran, in the numbers that the formulas take."""

    situation: Situation
    demand: Demand
    users: float
    """Requests that were wanted at once, in all replicas."""
    assumed: tuple[str, ...] = ()


def _released(card: ModelCard) -> set[str]:
    return {card.weights.dtype, *(rule.format for rule in card.weights.rules)}


def weights_of(card: ModelCard, told: str | None, model: str | None) -> str | None:
    """The what-if under which a card stands for the weights that ran; null is as released.

    Raises:
        Skipped: a type that is not known.
    """
    name = (told or "").lower()
    if not name:
        release = base_and_format(model or "")
        if release is None or card.weights.rules:
            return None
        return release[1]
    if name not in _TYPES:
        raise Skipped(f"weights of the type {told!r} are not modelled")
    wanted = _TYPES[name]
    if any(fmt.startswith(wanted) for fmt in _released(card)) and (wanted != "bfloat16" or not card.weights.rules):
        return None
    if wanted == "bfloat16" and card.weights.dtype in ("float16", "float32"):
        return None if card.weights.dtype == "float16" else wanted
    return wanted


def engine_for(b: Benchmark) -> tuple[str, str | None]:
    """The engine profile of a benchmark, and what was assumed of its version.

    Raises:
        Skipped: an engine without a profile.
    """
    name = engine_name(b.engine)
    if name not in engine_names():
        raise Skipped(f"no profile of the engine {b.engine!r}")
    version = re.search(r"\d+\.\d+(\.\d+)?", (b.engine_version or "").rpartition(":")[2])
    if version:
        return f"{name}@{version[0]}", None
    standing = _OF_YEAR.get((name, (b.date or "")[:4]))
    if standing:
        return f"{name}@{standing}", f"{name} {standing}: the year alone is told"
    return name, f"{name}: the newest version that is known"


def layout_for(b: Benchmark) -> Layout:
    """The layout of a benchmark.

    Raises:
        Skipped: a tensor parallel size that is not told.
    """
    if not b.tp:
        raise Skipped("the layout is not told")
    dp = b.dp or 1
    return Layout(b.tp, b.pp or 1, dp, (b.ep or 1) > 1 or dp > 1)


def _card(b: Benchmark, cards: Catalogue) -> ModelCard:
    for name in (b.card, b.model):
        if name and (identity := cards.models.lookup(name)) is not None:
            return cards.models.get(identity)
    if b.model and (release := base_and_format(b.model)) and (identity := cards.models.lookup(release[0])) is not None:
        return cards.models.get(identity)
    raise Skipped(f"no card of the model {b.card or b.model or 'that is not named'!r}")


def _check(b: Benchmark) -> None:
    if b.spec_decoding not in (None, "none"):
        raise Skipped("speculative decoding is not modelled")
    if b.disagg:
        raise Skipped("prompts and answers on GPUs of their own are not modelled")
    if b.isl is None or not b.osl:
        raise Skipped("the lengths of prompt and answer are not told")
    if b.load == "server":
        raise Skipped("arrivals at a rate that is not told")
    if b.load == "closed" and not b.concurrency:
        raise Skipped("the number of requests at once is not told")


def ran(b: Benchmark, cards: Catalogue) -> Ran:
    """What a benchmark ran.

    Raises:
        Skipped: what is not modelled, or not told.
        GpuSizerError: a model, GPU or layout of which nothing is known.
    """
    _check(b)
    card = _card(b, cards)
    gpu = cards.gpus.get(cards.gpus.resolve(b.gpu_id or b.gpu or ""))
    name, assumed = engine_for(b)
    layout = layout_for(b)
    weights = weights_of(card, b.weights_dtype, b.model)
    cache = None if b.kv_dtype in (None, "", "auto") else b.kv_dtype
    request = make_request(card, gpu, context=1, engine=name, weights_dtype=weights, kv_cache_dtype=cache)
    assert b.isl is not None
    assert b.osl
    made = Speeds(request, known(request), prompt=b.isl, answer=b.osl).situation(layout)
    burst, users = None, float(b.concurrency or 1)
    if b.load != "closed":
        burst = float(b.num_prompts or (b.concurrency if b.load != "max" else None) or UNTOLD_BURST)
        users = burst if b.load == "max" else users
    demand = made.demand(users, burst=burst, drawn=b.drawn and b.num_prompts is not None)
    return Ran(made, demand, users, (assumed,) if assumed else ())


@dataclass(frozen=True, slots=True)
class SpeedReplayed:
    """One benchmark with what the estimate says of it."""

    benchmark: Benchmark
    status: Literal["ok", "skipped"]
    reason: str | None
    speed: Speed | None = None
    assumed: tuple[str, ...] = ()

    @property
    def predicted(self) -> dict[str, Any]:
        """The estimate in a benchmark's keys."""
        if (speed := self.speed) is None:
            return {}
        figures: dict[str, Any] = {"output_tok_s": _range(speed.tokens_per_second)}
        figures["at_most_output_tok_s"] = speed.tokens_per_second.bound
        for key, figure in (("tpot_ms", speed.tpot_ms), ("ttft_ms", speed.ttft_ms)):
            if figure is not None:
                figures[key] = _range(figure)
        if speed.tpot_ms is not None:
            figures["at_least_tpot_ms"] = speed.tpot_ms.bound
        return figures | {"running": speed.running, "class": speed.basis.kind}

    def pairs(self) -> Iterator[tuple[str, Figure, float]]:
        """The figures that were both estimated and measured."""
        if self.speed is not None:
            b, s = self.benchmark, self.speed
            for key, figure, value in (
                ("output_tok_s", s.tokens_per_second, b.output_tokens_per_second),
                ("tpot_ms", s.tpot_ms, b.token_ms),
                ("ttft_ms", s.ttft_ms, b.first_ms),
            ):
                if figure is not None and value:
                    yield key, figure, value

    @property
    def impossible(self) -> str | None:
        """Why what was measured cannot be: it is better than physics allows; null where it is not."""
        for key, figure, value in self.pairs():
            if figure.bound is not None and (value > figure.bound if key == "output_tok_s" else value < figure.bound):
                side = "more" if key == "output_tok_s" else "less"
                return f"{key} {value:.4g} is {side} than the {figure.bound:.4g} that weights and operations allow"
        return None

    def model_dump(self) -> dict[str, Any]:
        """The object of ``replay --json``."""
        return {
            "id": self.benchmark.id,
            "status": self.status,
            "reason": self.reason,
            "predicted": self.predicted,
            "measured": {k: v for k, v in self.benchmark.measured.items() if v is not None},
            "impossible": self.impossible,
            "assumed": list(self.assumed),
        }


def _range(figure: Figure) -> dict[str, float]:
    return {"low": figure.low, "about": figure.about, "high": figure.high}


def speed_replay(b: Benchmark, cards: Catalogue) -> SpeedReplayed:
    """One benchmark replayed; a reason where it cannot be."""
    try:
        run = ran(b, cards)
        most = run.situation.basis.engine.most_users
        if most is not None and run.users > most:
            raise Skipped(f"{b.engine} was measured with up to {most} request at once alone")
        return SpeedReplayed(b, "ok", None, run.situation.speed(run.demand), run.assumed)
    except (Skipped, GpuSizerError) as reason:
        return SpeedReplayed(b, "skipped", str(reason))


def speed_summary(replayed: Iterable[SpeedReplayed]) -> dict[str, Any]:
    """Counts, and of each figure the median error, the shares within 30 % and within the range."""
    every = list(replayed)
    figures: dict[str, list[tuple[Figure, float]]] = {}
    for r in every:
        for key, figure, value in r.pairs():
            figures.setdefault(key, []).append((figure, value))
    unused = sorted({key for r in every for key in r.benchmark.unused})
    return {
        "benchmarks": len(every),
        "estimated": sum(r.status == "ok" for r in every),
        "impossible": sum(r.impossible is not None for r in every),
        "keys_not_used": unused,
        "figures": {key: _errors(pairs) for key, pairs in figures.items()},
    }


def _errors(pairs: list[tuple[Figure, float]]) -> dict[str, float]:
    errors = [abs(figure.about / value - 1) for figure, value in pairs]
    return {
        "n": len(pairs),
        "median_error": round(median(errors), 4),
        "within_30_percent": round(sum(e <= 0.3 for e in errors) / len(errors), 4),
        "in_range": round(sum(f.low <= v <= f.high for f, v in pairs) / len(pairs), 4),
    }
