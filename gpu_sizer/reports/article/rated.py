"""The article's sections that rest on the Arena's ratings: the race, and what a number of GPUs buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.arena.frontier import capability
from gpu_sizer.arena.progress import progress
from gpu_sizer.arena.sentences import joined_sentence, progress_sentences
from gpu_sizer.reports.arena.charts import frontier_chart, progress_chart
from gpu_sizer.reports.article.draft import Figure, Section
from gpu_sizer.reports.article.sections import listed, on_gpus
from gpu_sizer.reports.tables.columns import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.arena.frontier import Capability
    from gpu_sizer.arena.standings import Standing, Table
    from gpu_sizer.reports.article.findings import Findings

#: Arena scores below this say little about what a model is good for.
LEAST_SCORE = 1000.0


def race_section(table: Table) -> Section:
    """Open against proprietary models."""
    told = progress(table, min_score=LEAST_SCORE)
    chart = Figure("progress", progress_chart(told))
    return Section("Open against proprietary", (" ".join(progress_sentences(told)),), (chart,))


def able(table: Table, findings: Findings) -> Capability:
    """The article's rated models by what they take."""
    counts = {m.card.id: m.count for m in findings.models}
    return capability(_open(table, counts), counts.get)


def _open(table: Table, counts: dict[str, int | None]) -> list[Standing]:
    return [s for s in table.standings if s.open and s.id in counts and s.rating >= LEAST_SCORE]


def frontier_section(able: Capability, table: Table, findings: Findings, better: Sequence[str] = ()) -> Section:
    """What a number of GPUs buys.

    Args:
        able: the rated models by what they take; at least one.
        table: the Arena's.
        findings: the article's models.
        better: the open models that are rated above all of these, and why they are not among them.
    """
    items = tuple(
        f"{on_gpus(findings, n.gpus)}: {n.standing.name} ({n.standing.rating:.0f} points, {n.standing.released})"
        for n in able.pareto
    )
    chart = Figure("frontier", frontier_chart(able, table, plural(findings.gpu), None))
    lead = "The best rated open model that so many GPUs carry; no better one runs on as few:"
    return Section("What a number of GPUs buys", (lead,), (chart,), (*items, *better))


def better_rated(
    able: Capability, table: Table, findings: Findings, reasons: dict[str, str], carded: Callable[[str], bool]
) -> Iterator[str]:
    """The open models that are rated above every one counted, and why they are not.

    Args:
        able: the rated models by what they take; at least one.
        table: the Arena's.
        findings: the article's models.
        reasons: by id, why a model with a card could not be counted.
        carded: whether an id is that of a card; such a model that is not in the article was not asked for.
    """
    best = able.pareto[-1].standing.rating
    above = [s for s in (*table.standings, *table.timeless) if s.open and s.rating > best]
    above.sort(key=lambda s: (-s.rating, s.name))
    counted = {m.card.id: m for m in findings.models}
    why: dict[str, list[str]] = {}
    for s in above:
        if s.id in counted:
            most = counted[s.id].plan.request.max_gpus
            reason = f"on no number up to the {most} that were searched"
        elif s.id is not None and carded(s.id):
            if s.id not in reasons:
                continue
            reason = reasons[s.id]
        else:
            reason = "no card describes its architecture"
        why.setdefault(reason, []).append(f"{s.name} ({s.rating:.0f} points, {s.released or 'without a date'})")
    for reason, names in why.items():
        yield f"Rated higher, but not counted: {listed(names)}; {reason}"


def arena_notes(table: Table, findings: Findings) -> Iterator[str]:
    """What a reader of the ratings should know."""
    yield f"Ratings: {joined_sentence(table)}."
    if later := sum(1 for m in findings.models if m.card.released and m.card.released > table.listed):
        what = "model" if later == 1 else "models"
        yield f"The Arena's tables that are bundled end on {table.listed}; {later} {what} came later."
