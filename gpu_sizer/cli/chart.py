"""The commands of ``chart``: ``demand``, ``memory``, ``context`` and ``matrix``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli import table as t
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, LIMITS, LOAD

if TYPE_CHECKING:
    from gpu_sizer.reports.charts.style import Chart
    from gpu_sizer.reports.charts.text import Bars
    from gpu_sizer.reports.tables.spec import TableSpec

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Charts of what models take: over time, by part, by context, by GPU. Without -o, bars in the terminal.",
)

USERS = "1,4,16,64"
MEASURES = ("gpus", "gib")

Output = Annotated[Path | None, o.written_to("Write the chart (.svg, .png, .pdf, .html) and its data (.csv) here.")]
Theme = Annotated[
    str, typer.Option("--theme", help="light or dark (an .html file has both).", autocompletion=completion.themes)
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="text draws bars in the terminal. Default: by -o.", autocompletion=completion.of(("text",))
    ),
]
Lines = Annotated[
    list[str],
    typer.Option(
        "--gpu",
        metavar="ID,...",
        help="GPUs, separated by commas (may be repeated).",
        autocompletion=completion.listed(completion.gpus),
    ),
]

#: A chart's defaults are those of a table.
_SIZED = (*LOAD, ENGINE, *LIMITS)


#: Where a chart goes.
_PLACE: dict[str, tuple[Any, Any]] = {"output": (Output, None), "format": (Format, None), "theme": (Theme, "light")}


def _spec(load: dict[str, Any], **keys: Any) -> TableSpec:
    from gpu_sizer.reports.tables.spec import keys_of, make_spec

    return make_spec({**keys, "models": o.names(keys.get("models")), **keys_of(load)})


def _file(theme: str, output: Path | None = None, format: str | None = None) -> Path | None:
    """The file to write, or null for the terminal: asked first, so that nobody waits for a refusal.

    Raises:
        RequestError: an unknown format or theme, a file that is no chart, or both a file and the terminal.
    """
    if format not in (None, "text"):
        raise RequestError(f"--format is text, or left out: a file's ending says the rest; not {format[:40]!r}")
    if output is None:
        return None
    if format == "text":
        raise RequestError("--format text draws in the terminal: leave out -o")
    from gpu_sizer.reports.charts.files import check_place

    check_place(output, theme)
    return output


def _give(chart: Chart, bars: Callable[[], Bars], file: Path | None, theme: str) -> None:
    """Writes a chart, or draws it in the terminal."""
    if file is None:
        from gpu_sizer.reports.charts.text import show

        show(bars())
        return
    from gpu_sizer.reports.charts.files import write_chart

    for path in write_chart(chart, file, theme):
        typer.echo(f"gpu-sizer: wrote {path}", err=True)


@app.command()
@o.takes(*_SIZED, unset=True)
@o.gathers("selection", t.SELECTION)
@o.gathers("place", _PLACE)
def demand(
    selection: o.Given,
    load: o.Given,
    place: o.Given,
    gpu: o.Gpu = "rtx-a6000",
    measure: Annotated[
        str, typer.Option(help="gpus, or gib: weights and cache in all.", autocompletion=completion.of(MEASURES))
    ] = "gpus",
    arena: Annotated[
        bool, typer.Option("--arena/--no-arena", help="Mark models whose Arena score had taken far more GPUs.")
    ] = True,
) -> None:
    """Release date against GPUs: the most demanding models, their trend, and small ones that are as good."""
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.reports.charts import of_models as made
    from gpu_sizer.reports.charts.demand import demand_chart
    from gpu_sizer.reports.tables.counting import Counts

    file, theme = _file(**place), place["theme"]
    if measure not in MEASURES:
        raise RequestError(f"--measure is {' or '.join(MEASURES)}, not {measure[:40]!r}")
    spec = _spec(
        load,
        **selection,
    )
    cards = o.cards()
    ratings = None
    if arena and measure == "gpus":
        from gpu_sizer.arena.scores import arena_table_or_none

        ratings = arena_table_or_none(cards, spec.as_of)
    kind = api.load_gpu(gpu, cards=cards)
    counts = Counts(spec.context, spec.load, kind)
    with bar("sizing models", len(spec.models) or len(cards.models.ids())) as advance:
        found = made.demand_of(spec, cards, kind, measure, ratings, advance, counts)
    if found.beyond:
        typer.echo(f"gpu-sizer: on no number searched: {', '.join(found.beyond)}", err=True)
    chart = demand_chart(found, made.source(spec, counts.uncounted))
    _give(chart, lambda: made.demand_bars(found, chart.source), file, theme)


@app.command()
@o.takes(*_SIZED, unset=True)
@o.gathers("place", _PLACE)
def memory(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models.", autocompletion=completion.models)],
    gpu: Lines,
    load: o.Given,
    place: o.Given,
) -> None:
    """What fills each GPU: weights, cache, activations, overhead, against what it has."""
    from gpu_sizer.reports.charts import of_models as made
    from gpu_sizer.reports.charts.memory import memory_chart
    from gpu_sizer.reports.tables.counting import Counts

    file, theme = _file(**place), place["theme"]
    spec = _spec(load)
    cards = o.cards()
    gpus = [api.load_gpu(g, cards=cards) for g in o.names(gpu) or ()]
    counts = Counts(spec.context, spec.load, gpus[0])
    plans = made.memory_plans([api.load_in_any_type(m, cards=cards) for m in models], gpus, counts)
    chart = memory_chart(plans, made.load_text(spec, counts), made.source(spec, counts.uncounted))
    _give(chart, lambda: made.memory_bars(plans, chart), file, theme)


@app.command()
@o.takes(*(s for s in _SIZED if s.name not in ("context", "users")), unset=True)
@o.gathers("place", _PLACE)
def context(
    model: o.Model,
    gpu: o.Gpu,
    load: o.Given,
    place: o.Given,
    users: Annotated[str, typer.Option(metavar="N,...", help="Numbers of users, a line for each.")] = USERS,
) -> None:
    """GPUs against the length of context, for several numbers of users."""
    from gpu_sizer.reports.charts import of_models as made
    from gpu_sizer.reports.charts.context import MOST_LINES
    from gpu_sizer.reports.tables.counting import Counts

    file, theme = _file(**place), place["theme"]
    try:
        numbers = sorted({int(n) for n in users.split(",")})
    except ValueError:
        raise RequestError(f"--users takes numbers as {USERS}, not {users[:40]!r}", about="users") from None
    if len(numbers) > MOST_LINES:
        raise RequestError(f"the chart has room for {MOST_LINES} lines, not {len(numbers)}", about="users")
    spec = _spec(load)
    cards = o.cards()
    card, spec_gpu = api.load_in_any_type(model, cards=cards), api.load_gpu(gpu, cards=cards)
    counts = Counts(None, spec.load, spec_gpu)
    lines = made.context_lines(card, spec_gpu, numbers, counts)
    if not any(line.steps for line in lines):
        raise RequestError(f"{card.name} fits on no number of {spec_gpu.name} searched", about="gpu")
    chart = made.context_of(card, spec_gpu, lines, spec, counts)
    _give(chart, lambda: made.context_bars(lines, chart), file, theme)


def _give_speeds(made: Any, model: str, gpus: list[str], load: dict[str, Any], place: dict[str, Any]) -> None:
    """A chart of speeds by the module that makes its lines, with a line for each GPU named."""
    file, theme = _file(**place), place["theme"]
    spec = _spec(load)
    cards = o.cards()
    card = api.load_in_any_type(model, cards=cards)
    specs = [api.load_gpu(name, cards=cards) for name in dict.fromkeys(o.names(gpus) or ())]
    lines = made.lines(card, specs, spec)
    chart = made.chart(card, lines, spec)
    _give(chart, lambda: made.bars(lines, chart), file, theme)


@app.command()
@o.takes(*(s for s in _SIZED if s.name not in ("context", "users")), unset=True)
@o.gathers("place", _PLACE)
def speed(
    model: o.Model,
    load: o.Given,
    place: o.Given,
    gpus: Lines = ["h100"],  # noqa: B006
) -> None:
    """Tokens a second for each user against the number of users, with the range that measurements lie in."""
    from gpu_sizer.reports.charts import of_speed

    _give_speeds(of_speed, model, gpus, load, place)


@app.command()
@o.takes(*(s for s in _SIZED if s.name not in ("context", "users")), unset=True)
@o.gathers("place", _PLACE)
def frontier(
    model: o.Model,
    load: o.Given,
    place: o.Given,
    gpus: Lines = ["h100"],  # noqa: B006
) -> None:
    """Tokens a second of each GPU against those of each user: the best of all layouts within one machine."""
    from gpu_sizer.reports.charts import of_frontier

    _give_speeds(of_frontier, model, gpus, load, place)


@app.command()
@o.takes(*_SIZED, unset=True)
@o.gathers("selection", t.SELECTION)
@o.gathers("place", _PLACE)
def matrix(
    selection: o.Given,
    load: o.Given,
    place: o.Given,
    gpus: t.Gpus = None,
) -> None:
    """Models against GPUs: a heat map of the counts."""
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.reports.charts import of_models as made
    from gpu_sizer.reports.charts.matrix import matrix_chart
    from gpu_sizer.reports.tables.counting import Counts
    from gpu_sizer.reports.tables.selection import select_gpus

    file, theme = _file(**place), place["theme"]
    spec = _spec(
        load,
        gpus=o.names(gpus) or made.MATRIX_GPUS,
        columns=("name", "gpus"),
        **selection,
    )
    if file is None:
        # Without colours to tell counts apart, a matrix is a table.
        t.show(t.made(spec))
        return
    cards = o.cards()
    with bar("sizing models", len(spec.models) or len(cards.models.ids())) as advance:
        columns = select_gpus(spec.gpus, cards)
        counts = Counts(spec.context, spec.load, columns[0])
        names, rows, under = made.matrix_of(spec, cards, columns, advance, counts)
    chart = matrix_chart(names, rows, under, made.source(spec, counts.uncounted))
    from gpu_sizer.reports.charts.files import write_chart

    for path in write_chart(chart, file, theme):
        typer.echo(f"gpu-sizer: wrote {path}", err=True)
