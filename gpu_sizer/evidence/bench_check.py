"""A benchmark's own output beside the estimate."""

from __future__ import annotations

from gpu_sizer.evidence.benchmarks import benchmark_from
from gpu_sizer.evidence.records import EvidenceError
from gpu_sizer.evidence.speed_replay import SpeedReplayed, speed_replay
from gpu_sizer.load import ENGINE
from gpu_sizer.records import dataclass, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.evidence.logs.bench import BenchFindings

#: What figures are called.
NAMES = {
    "output_tok_s": "output tokens a second",
    "tpot_ms": "ms from a token to the next",
    "ttft_ms": "ms to the first token",
}


@dataclass(frozen=True, slots=True)
class BenchCheck:
    """A benchmark's result with what the estimate says of it."""

    replayed: SpeedReplayed
    sentences: tuple[str, ...]

    @property
    def found(self) -> dict[str, Any]:
        """What the output tells, by key of a benchmark."""
        b = self.replayed.benchmark
        told = {f.name: getattr(b, f.name) for f in fields(type(b)) if f.name not in ("id", "unused")}
        return {k: v for k, v in told.items() if v is not None}

    @property
    def errors(self) -> dict[str, float]:
        """Relative error of each figure that both have: predicted / measured - 1."""
        return {key: round(figure.about / value - 1, 6) for key, figure, value in self.replayed.pairs()}

    def rows(self) -> list[tuple[str, ...]]:
        """Found beside expected."""
        return [
            (
                NAMES[key],
                f"{value:,.4g}",
                f"{f.about:,.4g} ({f.low:,.4g} to {f.high:,.4g})",
                f"{f.about / value - 1:+.0%}",
            )
            for key, f, value in self.replayed.pairs()
        ]

    def record(self) -> dict[str, Any]:
        """The line to contribute.

        Raises:
            EvidenceError: a figure that is better than physics allows.
        """
        if (reason := self.replayed.impossible) is not None:
            raise EvidenceError(f"this is no record: {reason}; check model, GPU, layout and lengths")
        return {"id": self.replayed.benchmark.id, **self.found}

    def model_dump(self) -> dict[str, Any]:
        """The object of ``check-log --json``."""
        return {
            "found": self.found,
            "predicted": self.replayed.predicted,
            "errors": self.errors,
            "impossible": self.replayed.impossible,
            "verdict": list(self.sentences),
            "reason": self.replayed.reason,
            "assumed": list(self.replayed.assumed),
        }


def check_bench(
    findings: BenchFindings,
    cards: Catalogue,
    *,
    model: str | None = None,
    gpu: str | None = None,
    tp: int | None = None,
    engine: str | None = None,
) -> BenchCheck:
    """A benchmark's findings beside the estimate.

    Args:
        findings: what its output tells.
        cards: models and GPUs.
        model, gpu, tp, engine: what it does not tell, or tells wrongly; an engine with its version as ``vllm@0.11``.

    Raises:
        EvidenceError: no model or GPU is told.
    """
    from zlib import crc32

    told = {"model": model, "gpu": gpu, "tp": tp}
    values = {**findings.values, **{k: v for k, v in told.items() if v is not None}}
    for key, what in (("model", "model"), ("gpu", "GPU")):
        if key not in values:
            raise EvidenceError(f"a benchmark's output is found, but not the {what}: pass it with --{key}")
    if engine is not None:
        values["engine"], _, version = engine.partition("@")
        values |= {"engine_version": version} if version else {}
    assumed_engine = "engine" not in values
    values.setdefault("engine", ENGINE.default)
    assumed_one = "tp" not in values
    values.setdefault("tp", 1)
    values.setdefault("gpu_count", values["tp"])
    values["id"] = f"bench-{crc32(repr(sorted(values.items(), key=str)).encode()):08x}"
    replayed = speed_replay(benchmark_from(values, "benchmark"), cards)
    lines = list(_sentences(replayed))
    if assumed_one:
        lines.append("The output does not tell the number of GPUs: one was assumed; --tp tells another.")
    if assumed_engine:
        lines.append(f"The output does not tell the engine: {ENGINE.default} was assumed; --engine tells another.")
    if findings.results > 1:
        lines.append(f"The output has {findings.results} results; this is the last.")
    return BenchCheck(replayed, tuple(lines))


def _sentences(r: SpeedReplayed) -> list[str]:
    """What the comparison says."""
    if r.reason is not None:
        return [f"Not estimated: {r.reason}."]
    if (reason := r.impossible) is not None:
        return [f"This cannot be: {reason}."]
    sentences = []
    for key, figure, value in r.pairs():
        where = "in the range" if figure.low <= value <= figure.high else "outside of the range"
        sentences.append(f"{NAMES[key]}: {value:,.4g} measured is {where} of {figure.low:,.4g} to {figure.high:,.4g}.")
    return sentences or ["The output tells none of the figures that are estimated."]
