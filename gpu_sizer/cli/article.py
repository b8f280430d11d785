"""The command ``article``: one folder with the table, the charts, the data, and a draft whose numbers are computed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli import table as t
from gpu_sizer.errors import RequestError, UnknownModelError
from gpu_sizer.load import ENGINE, LIMITS, LOAD
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.arena.standings import Table
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.reports.article.draft import Draft, Section
    from gpu_sizer.reports.article.findings import Findings, Taken
    from gpu_sizer.reports.charts.demand import Demand
    from gpu_sizer.reports.tables.grid import Grid
    from gpu_sizer.reports.tables.spec import TableSpec

#: Columns of the article's table.
COLUMNS = ("name", "organization", "released", "parameters", "active", "context", "dtype", "weights", "gpus", "tensor")
#: Columns of prices that may be added.
PRICED = frozenset(("price", "month", "machines"))
#: Whose machines are priced unless another is named: the company in whose story the A6000 is counted.
COMPANY = "massedcompute"
#: The first models after ChatGPT: where the story begins unless told otherwise.
BEGINS = "2023-01-01"
#: The smallest models that people compare with the large ones.
SMALLEST = "6b"
#: The GPU that is counted where none is named.
GPU = "rtx-a6000"
#: Bars of the chart of memory, and how many of them are records at most.
MOST_BARS, RECORDS = 7, 3
#: Rows of the chart of other GPUs: what a page holds.
MOST_ROWS = 36
#: Arena scores below this say little about what a model is good for.
LEAST_SCORE = 1000.0
USERS = (1, 4, 16, 64)


@o.takes(*LOAD, ENGINE, *LIMITS, unset=True)
def article(
    load: o.Given,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="The folder to fill.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="As it would have stood on a day: models released by then.")
    ] = None,
    gpus: Annotated[
        list[str] | None, typer.Option("--gpus", metavar="ID,...", help="The first is what the text counts in.")
    ] = None,
    models: t.Models = None,
    filter: t.Filter = None,
    organization: t.Organization = None,
    min_params: Annotated[
        str | None,
        typer.Option("--min-params", metavar="SIZE", help=f"Default: {SMALLEST}, unless models are named; 0 is all."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help=f"Default: {BEGINS}, unless models are named.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="KEY,...", help="Further columns of the table: price, month, watts ..."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help=f"Whose machines are priced in such columns. Default: {COMPANY}.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The headline.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Also each chart for dark pages.")] = False,
) -> None:
    """The article itself: table in every format, charts, data, and a Markdown draft with methods and footnotes."""
    from gpu_sizer.files import check_output
    from gpu_sizer.reports.tables.spec import keys_of

    check_output(output / "article.md", parents=True)
    cards = o.cards()
    wanted, unknown = _known(t.names(models), cards)
    spec = asked(
        models=wanted,
        filter=filter,
        organization=organization,
        min_params=min_params,
        as_of=as_of,
        since=since,
        gpus=t.names(gpus),
        columns=None if columns is None else [*COLUMNS, *(t.names(columns) or ())],
        provider=provider,
        title=title,
        **keys_of(load),
    )
    made, kept = drafted(spec, cards, unknown)
    for path in _write(output, texts(made, kept, dark) | _pictures(made, dark)):
        typer.echo(f"gpu-sizer: wrote {path}", err=True)


def asked(**options: Any) -> TableSpec:
    """The article's table, from options as keys of a spec; those that are missing or null get the article's defaults.

    Raises:
        RequestError: a value that makes no sense.
    """
    from gpu_sizer.reports.tables.spec import make_spec

    given = {key: value for key, value in options.items() if value is not None}
    chosen: dict[str, Any] = {} if given.get("models") else {"min_params": SMALLEST, "since": BEGINS}
    chosen |= {"gpus": [GPU], "columns": COLUMNS, "sort": ["released", "name"], "title": _title(given.get("as_of"))}
    if PRICED & set(given.get("columns", ())):
        chosen["provider"] = COMPANY
    return make_spec(chosen | given)


def _title(as_of: str | None) -> str:
    day = f", as of {as_of}" if as_of else ""
    return f"Open language models and the GPUs that each takes{day}"


def _known(names: list[str] | None, cards: Catalogue) -> tuple[list[str] | None, list[str]]:
    """Names that have a card, and those that have none: a table without them is better than no table.

    Raises:
        RequestError: none has a card.
    """
    from gpu_sizer import api

    if names is None:
        return None, []
    known: list[str] = []
    unknown: list[str] = []
    for name in names:
        try:
            known.append(api.load_model(name, cards=cards).id)
        except UnknownModelError:
            unknown.append(name)
    if not known:
        raise RequestError(f"none of these models has a card: {', '.join(unknown)[:200]}", about="model")
    return known, unknown


@dataclass(frozen=True, slots=True)
class Kept:
    """The article's table and the spec that makes it again."""

    spec: TableSpec
    grid: Grid


def drafted(spec: TableSpec, cards: Catalogue, unknown: Sequence[str] = ()) -> tuple[Draft, Kept]:
    """The draft and its table; the Arena's scores stand in it where there are some of its day.

    Args:
        spec: the table, from :func:`asked`.
        cards: models and GPUs.
        unknown: names asked for that have no card.

    Raises:
        GpuSizerError: an unknown GPU, no model left, or none that fits.
    """
    from gpu_sizer.arena.sentences import basis
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.reports.arena.scores import arena_table_or_none, scores
    from gpu_sizer.reports.article import sections as s
    from gpu_sizer.reports.article.draft import Draft, Figure
    from gpu_sizer.reports.article.findings import findings
    from gpu_sizer.reports.charts import of_models as charts
    from gpu_sizer.reports.charts.demand import demand_chart
    from gpu_sizer.reports.tables.build import build_table, counts_of
    from gpu_sizer.reports.tables.selection import select_gpus, select_models
    from gpu_sizer.reports.tables.spec import make_spec
    from gpu_sizer.words.uncounted import uncounted_text

    gpus = select_gpus(spec.gpus, cards)
    table = arena_table_or_none(cards, spec.as_of)
    if table is not None:
        spec = make_spec({"columns": [*spec.columns, "arena"]}, spec)
    rated = scores(table) if table is not None else {}
    counts = counts_of(spec, cards, gpus[0])
    with bar("sizing models", 2 * len(cards.models.ids())) as advance:
        grid = build_table(
            spec,
            cards,
            arena=rated,
            arena_basis=basis(table) if table is not None else None,
            counts=counts,
            advance=advance,
        )
        demand = charts.demand_of(spec, cards, gpus[0], "gpus", table, advance, counts)
    selected = select_models(spec, cards)
    dated = sorted(selected.models, key=lambda c: (str(c.released or "9"), c.name.lower()))
    found, refused = findings(dated, gpus[0], counts)
    if not found.placed:
        raise RequestError(f"no model fits on the {gpus[0].name}: nothing to write about", about="model")
    source = charts.source(spec)
    parts = [
        s.trend_section(found, demand, Figure("demand", demand_chart(demand, source))),
        *([s.exceptions_section(found, demand.exceptions)] if table is not None else []),
        s.table_section(grid),
        _memory(found, demand, counts, spec),
        _context(found, counts, spec),
        _matrix(found, spec, cards, gpus, counts),
    ]
    if table is not None:
        parts += _arena_sections(table, found)
    notes = list(_notes(table, refused, found))
    if told := uncounted_text(counts.uncounted):
        notes.append(told)
    left_out = [*unknown, *_unsized(spec, cards)]
    parts.append(s.methods_section(found, spec, grid, demand.trend is not None, left_out, notes))
    return Draft(spec.title or "", s.standfirst(found), tuple(parts)), Kept(spec, grid)


def _memory(found: Findings, demand: Demand, counts: Any, spec: TableSpec) -> Section:
    """The records, the exceptions and what a pipeline saves most, as bars."""
    from gpu_sizer.reports.article.draft import Figure
    from gpu_sizer.reports.article.sections import memory_section
    from gpu_sizer.reports.charts import of_models as charts
    from gpu_sizer.reports.charts.memory import memory_chart

    told = [e.name for e in sorted(demand.exceptions, key=lambda e: e.gpus / e.instead_gpus)]
    saved = [m.card.name for m in sorted(found.pipelined, key=lambda m: m.count or 0)]
    names = [m.name for m in reversed(demand.records)][:RECORDS] + told[:1] + saved[:1]
    names += [found.heaviest_cache.card.name, *told[1:], *saved[1:]]
    chosen = set(list(dict.fromkeys(names))[:MOST_BARS]) or {found.largest.card.name}
    plans = [m.plan for m in found.models if m.card.name in chosen]
    return memory_section(
        found, Figure("memory", memory_chart(plans, charts.load_text(spec, counts), charts.source(spec)))
    )


def _context(found: Findings, counts: Any, spec: TableSpec) -> Section:
    from gpu_sizer.reports.article.draft import Figure
    from gpu_sizer.reports.article.sections import context_section
    from gpu_sizer.reports.charts import of_models as charts

    model: Taken | None = found.most_by_context
    card = (model or found.largest).card
    lines = charts.context_lines(card, found.gpu, USERS, counts)
    return context_section(found, model, Figure("context", charts.context_of(card, found.gpu, lines, spec, counts)))


def _matrix(found: Findings, spec: TableSpec, cards: Catalogue, gpus: Sequence[GpuSpec], counts: Any) -> Section:
    """Models that take more than one of the article's GPU, on GPUs that were there by the day."""
    from gpu_sizer.cli.chart import MATRIX_GPUS
    from gpu_sizer.reports.article.draft import Figure
    from gpu_sizer.reports.article.sections import matrix_section
    from gpu_sizer.reports.charts import of_models as charts
    from gpu_sizer.reports.charts.matrix import MOST_COLUMNS, matrix_chart
    from gpu_sizer.reports.tables.spec import make_spec

    others = [cards.gpus.get(i) for i in MATRIX_GPUS]
    by_then = [g for g in others if spec.as_of is None or (g.released is not None and g.released <= spec.as_of)]
    shown = sorted({g.id: g for g in (*gpus, *by_then)}.values(), key=lambda g: (g.visible_bytes, g.id))[:MOST_COLUMNS]
    large = [m.card.id for m in found.models if m.count != 1]
    newest = (large or [m.card.id for m in found.models])[-MOST_ROWS:]
    names, rows, load = charts.matrix_of(make_spec({"models": newest}, spec), cards, shown, counts=counts)
    chart = matrix_chart(names, rows, load, charts.source(spec))
    return matrix_section(found, len(newest), len(large), Figure("matrix", chart))


def _arena_sections(table: Table, found: Findings) -> list[Section]:
    """Open against proprietary models, and what a number of GPUs buys."""
    from gpu_sizer.arena.frontier import capability
    from gpu_sizer.arena.progress import progress
    from gpu_sizer.arena.sentences import progress_sentences
    from gpu_sizer.reports.arena.charts import frontier_chart, progress_chart
    from gpu_sizer.reports.article.draft import Figure, Section
    from gpu_sizer.reports.article.sections import on_gpus
    from gpu_sizer.reports.tables.columns import plural

    told = progress(table, min_score=LEAST_SCORE)
    open_race = Section(
        "Open against proprietary", (" ".join(progress_sentences(told)),), (Figure("progress", progress_chart(told)),)
    )
    counts = {m.card.id: m.count for m in found.models}
    able = capability([s for s in table.standings if s.open and s.id in counts and s.rating >= LEAST_SCORE], counts.get)
    if not able.needs:
        return [open_race]
    items = tuple(
        f"{on_gpus(found, n.gpus)}: {n.standing.name} ({n.standing.rating:.0f} points, {n.standing.released})"
        for n in able.pareto
    )
    chart = frontier_chart(able, table, plural(found.gpu), None)
    best = Section(
        "What a number of GPUs buys",
        ("The best rated open model that so many GPUs carry; no better one runs on as few:",),
        (Figure("frontier", chart),),
        items,
    )
    return [open_race, best]


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


def _notes(table: Table | None, refused: Sequence[str], found: Findings) -> list[str]:
    from gpu_sizer.arena.sentences import joined_sentence
    from gpu_sizer.reports.article.sections import listed

    notes = []
    if refused:
        notes.append(f"Left out, since they do not take the context asked: {listed(refused)}.")
    if table is not None:
        notes.append(f"Ratings: {joined_sentence(table)}.")
        if later := sum(1 for m in found.models if m.card.released and m.card.released > table.listed):
            what = "model" if later == 1 else "models"
            notes.append(f"The Arena's tables that are bundled end on {table.listed}; {later} {what} came later.")
    return notes


def texts(made: Draft, table: Kept, dark: bool = False) -> dict[str, bytes]:
    """The files without pictures by their path in the folder: draft, table, what remakes it, and the charts' data."""
    from gpu_sizer.reports.article.draft import chart_files, markdown
    from gpu_sizer.reports.charts.files import csv_text
    from gpu_sizer.reports.tables.formats import FORMATS, render
    from gpu_sizer.reports.tables.spec import spec_yaml

    contents = {"article.md": markdown(made, dark=dark).encode(), "table.yaml": spec_yaml(table.spec).encode()}
    for name, ending in FORMATS.items():
        try:
            contents[f"table{ending}"] = render(table.grid, name)
        except RequestError as error:
            typer.echo(f"gpu-sizer: table{ending} is left out: {error}", err=True)
    return contents | {chart_files(f)[-1]: csv_text(f.chart).encode() for f in made.figures}


def _pictures(made: Draft, dark: bool) -> dict[str, bytes]:
    """The charts as files by their path in the folder."""
    from gpu_sizer.reports.article.draft import chart_files
    from gpu_sizer.reports.charts.files import png_bytes, svg_bytes
    from gpu_sizer.reports.charts.style import DARK, LIGHT

    contents: dict[str, bytes] = {}
    for figure in made.figures:
        light, night, png, _ = chart_files(figure)
        contents[light] = svg_bytes(figure.chart, LIGHT)
        if dark:
            contents[night] = svg_bytes(figure.chart, DARK)
        contents[png] = png_bytes(figure.chart, LIGHT)
    return contents


def _write(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Everything is made before the first file is written; the paths written."""
    from gpu_sizer.files import write_file
    from gpu_sizer.reports.article.draft import CHARTS

    try:
        (folder / CHARTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{folder}: {error.strerror or 'cannot be made'}") from None
    for name, data in contents.items():
        write_file(folder / name, data)
    return [folder / name for name in contents]
