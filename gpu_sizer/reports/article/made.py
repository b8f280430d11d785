"""The article put together: its table, its findings, and a section for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpu_sizer.arena.scores import arena_table_or_none, scores
from gpu_sizer.arena.sentences import basis
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.reports.arena.charts import TRACKER, TRACKER_URL
from gpu_sizer.reports.article import rated
from gpu_sizer.reports.article import sections as s
from gpu_sizer.reports.article.draft import Draft, Figure
from gpu_sizer.reports.article.findings import findings
from gpu_sizer.reports.article.measured import measured_section, unmeasured
from gpu_sizer.reports.article.now import MOST_MODELS, now_section
from gpu_sizer.reports.article.served import conversation, served_section
from gpu_sizer.reports.charts import of_models as charts
from gpu_sizer.reports.charts.demand import demand_chart
from gpu_sizer.reports.charts.matrix import MOST_COLUMNS, matrix_chart
from gpu_sizer.reports.charts.memory import memory_chart
from gpu_sizer.reports.tables.build import build_table, counts_of
from gpu_sizer.reports.tables.selection import select_gpus, select_models
from gpu_sizer.reports.tables.spec import make_spec
from gpu_sizer.words.uncounted import uncounted_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.arena.standings import Table
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.reports.article.draft import Section
    from gpu_sizer.reports.article.findings import Findings, Taken
    from gpu_sizer.reports.charts.demand import Demand
    from gpu_sizer.reports.tables.counting import Counts
    from gpu_sizer.reports.tables.grid import Grid
    from gpu_sizer.reports.tables.spec import TableSpec

#: Bars of the chart of memory, and how many of them are records at most.
MOST_BARS, RECORDS = 7, 3
#: Rows of the chart of other GPUs: what a page holds.
MOST_ROWS = 36
USERS = (1, 4, 16, 64)


@dataclass(frozen=True, slots=True)
class Kept:
    """The article's table and the spec that makes it again."""

    spec: TableSpec
    grid: Grid


def work(cards: Catalogue) -> int:
    """How many parts :func:`drafted` tells of at most."""
    return 2 * len(cards.models.ids()) + MOST_MODELS


def drafted(
    spec: TableSpec,
    cards: Catalogue,
    unknown: Sequence[str] = (),
    advance: Callable[[int], None] = lambda part: None,
) -> tuple[Draft, Kept]:
    """The draft and its table; the Arena's scores stand in it where there are some of its day.

    Args:
        spec: the table, from :func:`gpu_sizer.reports.article.asked.asked`.
        cards: models and GPUs.
        unknown: names asked for that have no card.
        advance: called with how many more parts of the work are done.

    Raises:
        GpuSizerError: an unknown GPU, no model left, or none that fits.
    """
    gpus = select_gpus(spec.gpus, cards)
    table = arena_table_or_none(cards, spec.as_of)
    if table is not None:
        spec = make_spec({"columns": [*spec.columns, "arena"]}, spec)
    ratings = scores(table) if table is not None else {}
    counts = counts_of(spec, cards, gpus[0])
    grid = build_table(
        spec,
        cards,
        arena=ratings,
        arena_basis=basis(table) if table is not None else None,
        counts=counts,
        advance=advance,
    )
    told, narrowed = _told(select_models(spec, cards).models, spec)
    demand = charts.demand_of(told, cards, gpus[0], "gpus", table, advance, counts)
    dated = sorted(select_models(told, cards).models, key=lambda c: (str(c.released or "9"), c.name.lower()))
    facts, refused = findings(dated, gpus[0], counts)
    if not facts.placed:
        raise RequestError(f"no model fits on the {gpus[0].name}: nothing to write about", about="model")
    source = charts.source(spec)
    parts = [
        s.trend_section(facts, demand, Figure("demand", demand_chart(demand, source))),
        *([s.exceptions_section(facts, demand.exceptions)] if table is not None else []),
        s.table_section(grid),
        _memory(facts, demand, counts, spec),
        _context(facts, counts, spec),
        _matrix(facts, spec, cards, gpus, counts),
    ]
    if table is not None:
        parts += _rated(table, facts, counts, cards, spec)
    if spec.as_of is None:
        parts += _today(table, facts, [card.id for card in dated], cards, spec, advance)
    notes = list(_notes(table, refused, facts, spec))
    if spec.as_of is None and (nothing := unmeasured(facts.gpu)) is not None:
        notes.append(nothing)
    if narrowed:
        notes.append(
            f"The table also has {narrowed} releases in fewer bits beside the one that they were made from; the text "
            "and the charts leave them out."
        )
    if cannot := uncounted_text(counts.uncounted):
        notes.append(cannot)
    left_out = [*unknown, *_unsized(spec, cards)]
    parts.append(s.methods_section(facts, spec, grid, demand.trend is not None, left_out, notes))
    return Draft(spec.title or "", s.standfirst(facts), tuple(parts)), Kept(spec, grid)


def _told(models: Sequence[ModelCard], spec: TableSpec) -> tuple[TableSpec, int]:
    """The spec of what the text is about, each model as its authors released it, and how many that leaves out.

    Models that were asked for by name all stay.
    """
    own = [card.id for card in models if not card.quantized]
    if spec.models or not own or len(own) == len(models):
        return spec, 0
    return make_spec({"models": own}, spec), len(models) - len(own)


def _memory(findings: Findings, demand: Demand, counts: Any, spec: TableSpec) -> Section:
    """The records, the exceptions and what a pipeline saves most, as bars."""
    told = [e.name for e in sorted(demand.exceptions, key=lambda e: e.gpus / e.instead_gpus)]
    saved = [m.card.name for m in sorted(findings.pipelined, key=lambda m: m.count or 0)]
    names = [m.name for m in reversed(demand.records)][:RECORDS] + told[:1] + saved[:1]
    names += [findings.heaviest_cache.card.name, *told[1:], *saved[1:]]
    chosen = set(list(dict.fromkeys(names))[:MOST_BARS]) or {findings.largest.card.name}
    plans = [m.plan for m in findings.models if m.card.name in chosen]
    chart = memory_chart(plans, charts.load_text(spec, counts), charts.source(spec))
    return s.memory_section(findings, Figure("memory", chart))


def _context(findings: Findings, counts: Any, spec: TableSpec) -> Section:
    model: Taken | None = findings.most_by_context
    card = (model or findings.largest).card
    lines = charts.context_lines(card, findings.gpu, USERS, counts)
    return s.context_section(
        findings, model, Figure("context", charts.context_of(card, findings.gpu, lines, spec, counts))
    )


def _matrix(findings: Findings, spec: TableSpec, cards: Catalogue, gpus: Sequence[GpuSpec], counts: Any) -> Section:
    """Models that take more than one of the article's GPU, on GPUs that were there by the day."""
    others = [cards.gpus.get(i) for i in charts.MATRIX_GPUS]
    by_then = [g for g in others if spec.as_of is None or (g.released is not None and g.released <= spec.as_of)]
    shown = sorted({g.id: g for g in (*gpus, *by_then)}.values(), key=lambda g: (g.visible_bytes, g.id))[:MOST_COLUMNS]
    large = [m.card.id for m in findings.models if m.count != 1]
    newest = (large or [m.card.id for m in findings.models])[-MOST_ROWS:]
    names, rows, load = charts.matrix_of(make_spec({"models": newest}, spec), cards, shown, counts=counts)
    chart = matrix_chart(names, rows, load, charts.source(spec))
    return s.matrix_section(findings, len(newest), len(large), Figure("matrix", chart))


def _rated(table: Table, findings: Findings, counts: Counts, cards: Catalogue, spec: TableSpec) -> Iterator[Section]:
    """Open against proprietary models, and what a number of GPUs buys."""
    yield rated.race_section(table)
    able = rated.able(table, findings)
    if able.needs:
        # An article of an earlier day is kept as it was told then.
        reasons = {u.model: u.reason for u in counts.uncounted if u.gpu == findings.gpu.id}
        better: Iterator[str] = iter(())
        if spec.as_of is None and not spec.models:
            better = rated.better_rated(able, table, findings, reasons, lambda i: cards.models.lookup(i) is not None)
        yield rated.frontier_section(able, table, findings, tuple(better))


def _today(
    table: Table | None,
    findings: Findings,
    models: Sequence[str],
    cards: Catalogue,
    spec: TableSpec,
    advance: Callable[[int], None],
) -> Iterator[Section]:
    """What a user gets, what to run now, and what was measured: prices and speeds are of today alone."""
    asked = conversation(spec)
    if table is not None:
        able = rated.able(table, findings)
        if able.needs:
            yield served_section(able, findings, cards.models.get, asked, advance)
        if (now := now_section(table, models, cards, spec, asked, advance)) is not None:
            yield now
    if (measured := measured_section(findings, spec, cards)) is not None:
        yield measured


def _unsized(spec: TableSpec, cards: Catalogue) -> list[str]:
    """Open models of the time that are known by name and date alone."""
    from gpu_sizer.cards.light_card import light_cards

    if spec.models:
        return []
    return [
        card.name
        for card in light_cards()
        if card.open
        and cards.models.lookup(card.id) is None
        and (spec.as_of is None or card.released <= spec.as_of)
        and (spec.since is None or card.released >= spec.since)
    ]


def _notes(table: Table | None, refused: Sequence[str], findings: Findings, spec: TableSpec) -> Iterator[str]:
    if refused:
        yield f"Left out, since they do not take the context asked: {s.listed(refused)}."
    if table is not None:
        yield from rated.arena_notes(table, findings)
        if spec.as_of is None:
            yield f"The chart of open against proprietary models is drawn {TRACKER}: {TRACKER_URL}"
