"""The article's figures beside those that its own company measured on the same GPUs.

``measured.jsonl`` holds the runs on RTX A6000s that Massed Compute published, in the form of ``gpu-sizer replay``;
nothing was fitted on them.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from gpu_sizer.engines.registry import engine, engine_title
from gpu_sizer.evidence.benchmarks import read_benchmarks
from gpu_sizer.evidence.speed_replay import speed_replay
from gpu_sizer.load import ENGINE
from gpu_sizer.records import dataclass, replace
from gpu_sizer.reports.article.draft import Section
from gpu_sizer.reports.article.sections import on_gpus
from gpu_sizer.reports.tables.columns import short_name
from gpu_sizer.reports.tables.formats.md import write
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.evidence.benchmarks import Benchmark
    from gpu_sizer.reports.article.findings import Findings
    from gpu_sizer.reports.tables.spec import TableSpec
    from gpu_sizer.timing.answer import Figure

_FILE = Path(__file__).parent / "measured.jsonl"
#: Requests at once whose runs are shown.
SHOWN = (1.0, 8.0, 32.0)


@dataclass(frozen=True, slots=True)
class Pair:
    """One run: what was measured, and what is estimated for it, in tokens a second for each user."""

    run: Benchmark
    measured: float
    estimate: Figure

    @property
    def inside(self) -> bool:
        """Whether what was measured lies in the range."""
        return self.estimate.low <= self.measured <= self.estimate.high

    @property
    def error(self) -> float:
        """How far the estimate is off, as a share of what was measured."""
        return abs(self.estimate.about / self.measured - 1)


def runs() -> list[Benchmark]:
    """The company's published runs."""
    with _FILE.open(encoding="utf-8") as lines:
        return list(read_benchmarks(lines, _FILE.name))


def unmeasured(gpu: GpuSpec) -> str | None:
    """That the company published nothing on a GPU, in a sentence; null where it did."""
    known = runs()
    if any(run.gpu_id == gpu.id for run in known):
        return None
    return f"{known[0].source} has published no measurement on the {short_name(gpu)} that is known here."


def pairs(gpu: str, name: str, cards: Catalogue) -> list[Pair]:
    """The company's runs on a GPU beside the estimate for the article's engine, whichever ran.

    Args:
        gpu: id of the GPU.
        name: the engine of the article, with its version if it names one.
        cards: models and GPUs.
    """
    matched = []
    kind, _, version = name.partition("@")
    for run in runs():
        token = run.value("tpot_ms_mean")
        if run.gpu_id != gpu or not token:
            continue
        made = speed_replay(replace(run, engine=kind, engine_version=version or None), cards)
        if made.speed is not None and (each := made.speed.tokens_per_second_per_user) is not None:
            matched.append(Pair(run, 1e3 / token, each))
    return matched


def measured_section(findings: Findings, spec: TableSpec, cards: Catalogue) -> Section | None:
    """Measured against estimated; null where the company published nothing on the article's GPU."""
    asked = spec.load.get("engine", ENGINE.default)
    every = pairs(findings.gpu.id, asked, cards)
    if not every:
        return None
    told = [
        f"{every[0].run.source} rents these GPUs out and has published what it measured on them. Beside each figure "
        f"stands the estimate for {engine(asked).describe()}, on which none of these runs had a say.",
        *(_judged([p for p in every if p.run.engine == ran]) for ran in dict.fromkeys(p.run.engine for p in every)),
    ]
    rows = tuple(_row(p, findings, cards) for p in every if p.run.concurrency in SHOWN)
    columns = (
        Column("model", "Model"),
        Column("gpus", "GPUs"),
        Column("engine", "Measured with"),
        Column("users", "Users at once", True),
        Column("measured", "Tokens/s for each, measured", True),
        Column("estimated", "Estimated", True),
    )
    grid = Grid("Measured and estimated", columns, (Group(None, rows),))
    return Section("Beside what was measured", tuple(told), (), (), write(grid))


def _judged(some: Sequence[Pair]) -> str:
    """How the runs of one engine compare."""
    inside = sum(p.inside for p in some)
    days = sorted(str(p.run.date) for p in some)
    when = f"of {days[0]}" if days[0] == days[-1] else f"from {days[0]} to {days[-1]}"
    every = f"all {len(some)} lie" if inside == len(some) else f"{inside} lie{'s' if inside == 1 else ''}"
    return (
        f"Of its {len(some)} runs with {engine_title(some[0].run.engine)} {when}, {every} within the range, and half "
        f"of the estimates are off by at most {median(p.error for p in some):.0%}."
    )


def _row(p: Pair, findings: Findings, cards: Catalogue) -> Row:
    run = p.run
    name = cards.models.get(run.card).name if run.card else str(run.model)
    version = f" {run.engine_version}" if run.engine_version else ""
    with_what = f"{engine_title(run.engine)}{version}, {run.date}"
    lengths = f"Prompts of {run.isl:g} tokens, answers of {run.osl:g}. {run.source_url}"
    range_ = f"{rounded(p.estimate.about)} ({rounded(p.estimate.low)} to {rounded(p.estimate.high)})"
    return Row(
        run.id,
        (
            Cell(name, name, (lengths,)),
            Cell(on_gpus(findings, run.gpu_count)),
            Cell(with_what),
            Cell(f"{run.concurrency:g}", run.concurrency),
            Cell(rounded(p.measured), p.measured, () if p.inside else ("Outside the range.",)),
            Cell(range_, p.estimate.about),
        ),
    )
