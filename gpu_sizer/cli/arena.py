"""The commands of ``arena``: ``rate``, ``progress`` and ``frontier``."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.errors import GpuSizerError, RequestError, printable
from gpu_sizer.load import ENGINE, LIMITS, LOAD

if TYPE_CHECKING:
    from gpu_sizer.arena.ratings import Ratings
    from gpu_sizer.arena.standings import Table
    from gpu_sizer.reports.arena.formats import Part
    from gpu_sizer.reports.charts.style import Chart

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Ratings from votes, open against proprietary models over time, and capability per GPU.",
)

#: Bootstrap rounds of Bradley-Terry ratings where nobody says how many.
ROUNDS = 100
#: Models that the matrix of wins shows in text.
MATRIX_ROWS = 15

AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="The Arena as it stood on a day (YYYY-MM-DD). Default: the last.")
]
MinScore = Annotated[float, typer.Option(help="Leave out models rated lower.")]
Category = Annotated[
    str,
    typer.Option(
        help="Category of votes. The bundled history has overall.", autocompletion=completion.of(("overall",))
    ),
]
HistoryFile = Annotated[
    Path | None,
    typer.Option("--history", help="Another history: CSV, lmarena-history's JSON, or a table of the Arena."),
]
Scores = Annotated[
    str,
    typer.Option(
        help="settled: the first Bradley-Terry ratings from the day on; listed: the day's own figures.",
        autocompletion=completion.of(("settled", "listed")),
    ),
]
Output = Annotated[Path | None, o.written_to("Write the chart (.svg, .png, .pdf, .html) and its data (.csv) here.")]
Format = Annotated[
    str,
    typer.Option(
        "--format", "-f", help=f"table, or {o.table_formats('rich')}.", autocompletion=completion.formats("table")
    ),
]
ThemeName = Annotated[
    str, typer.Option("--theme", help="light or dark (an .html file has both).", autocompletion=completion.themes)
]


def _warn(lines: tuple[str, ...]) -> None:
    for line in lines:
        typer.echo(f"gpu-sizer: {printable(line)}", err=True)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise RequestError(f"--as-of takes a date as 2024-05-01, not {text[:40]!r}") from None


@app.command()
def rate(
    battles: Annotated[Path, typer.Argument(metavar="BATTLES", help="Votes: .csv, .jsonl or .json.")],
    method: Annotated[
        str,
        typer.Option(
            help="bradley-terry or elo (online, in order of time).",
            autocompletion=completion.of(("bradley-terry", "elo")),
        ),
    ] = "bradley-terry",
    anchor: Annotated[str | None, typer.Option(help="The model that gets the score. Default: the mean of all.")] = None,
    score: Annotated[float, typer.Option(help="Points of the anchor.")] = 1000.0,
    rounds: Annotated[int | None, typer.Option(help=f"Bootstrap rounds for the intervals. Default: {ROUNDS}.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    matrix: Annotated[bool, typer.Option("--matrix", help="Also each pair's share of wins, ties left out.")] = False,
    versus: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Also the predicted win rate of A over B.")
    ] = None,
    control: Annotated[
        str,
        typer.Option(
            help="none, length, or style (length, headings, lists, bold): what the ratings are controlled for.",
            autocompletion=completion.of(("none", "length", "style")),
        ),
    ] = "none",
    weights: Annotated[
        str,
        typer.Option(
            help="none, or pair: every pair of models counts alike, however often it met.",
            autocompletion=completion.of(("none", "pair")),
        ),
    ] = "none",
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="COLUMN=VALUE", help="Votes with this alone, as language=English. May be repeated."
        ),
    ] = None,
    all_votes: Annotated[
        bool, typer.Option("--all-votes", help="Also the votes that the Arena leaves out (anony, dedup_tag).")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file with rows that cannot be read.")] = False,
    format: Format = "table",
    as_json: o.Json = False,
) -> None:
    """Rate models from pairwise votes."""
    # Many small systems of equations: threads within each would only wait for one another (ten times slower on a busy
    # machine). It must be said before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from gpu_sizer.arena.choosing import make_choice
    from gpu_sizer.arena.matrix import wins_of
    from gpu_sizer.arena.ratings import rate as rated
    from gpu_sizer.arena.vote_files import read_battles
    from gpu_sizer.cli.arena_output import show_answer
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.reports.arena.formats import chosen_format
    from gpu_sizer.reports.arena.listings import matrix_listing, rating_listing, rating_rows

    form = chosen_format(format, as_json)
    if method == "elo" and rounds:
        raise RequestError("online Elo depends on the order of the votes and has no bootstrap here; leave out --rounds")
    choice = make_choice(filters or (), every_vote=all_votes, control=control)
    if control != "none" and rounds:
        raise RequestError("ratings controlled for style have their intervals without bootstrap; leave out --rounds")
    wanted = 0 if control != "none" else rounds if rounds is not None else 0 if method == "elo" else ROUNDS
    with bar("reading votes", battles.stat().st_size if battles.is_file() else 0) as advance:
        read = read_battles(battles, choice, advance=advance)
    if strict and read.problems:
        raise RequestError(f"{battles}: {read.problems[0]}")
    with bar("bootstrap", wanted) as advance:
        ratings = rated(
            read,
            method=method,
            anchor=anchor,
            score=score,
            rounds=wanted,
            seed=seed,
            level=level,
            weights=weights,
            advance=advance,
        )
    data = ratings.model_dump()
    parts: list[Part] = [((_rate_headline(ratings),), rating_listing(ratings))]
    if versus:
        chance = ratings.win_rate(*versus)
        data["win_rate"] = {"model": versus[0], "other": versus[1], "predicted": chance}
        told = f"{versus[0]} is predicted to win {chance:.1%} of its battles with {versus[1]} (ties as half)"
        parts.append(((told,), None))
    if matrix:
        wins = wins_of(read, ratings)
        data["wins"] = wins.model_dump()
        shown = f" (the first {MATRIX_ROWS})" if len(wins.models) > MATRIX_ROWS else ""
        told = f"Share of battles won by the row, ties left out{shown}:"
        parts.append(((told,), matrix_listing(wins, MATRIX_ROWS)))
    _warn(ratings.warnings)
    show_answer(form, parts, rating_rows(ratings), data)


def _rate_headline(ratings: Ratings) -> str:
    names = {"bradley-terry": "Bradley–Terry by maximum likelihood, ties as half a win", "elo": "online Elo, K = 4"}
    text = f"{len(ratings.rated)} models from {ratings.battles:,} battles: {names[ratings.method]}"
    if ratings.weights == "pair":
        text += ", every pair of models counted alike"
    if ratings.control != "none":
        worth = ", ".join(f"{name} {points:+.1f}" for name, points in ratings.style)
        text += f"; controlled for {ratings.control} (points for one standard deviation more: {worth})"
        return text + f"; {ratings.level:.0%} intervals"
    text += "; not controlled for style"
    return text + (f"; {ratings.level:.0%} intervals from {ratings.rounds:,} rounds" if ratings.rounds else "")


def _table(as_of: str | None, history: Path | None, category: str, scores: str) -> tuple[Table, dict[str, ModelCard]]:
    """The Arena's table of a day, and the open models that may stand in it."""
    from gpu_sizer.arena.history import read_history
    from gpu_sizer.arena.sentences import stale
    from gpu_sizer.arena.standings import entrants, table
    from gpu_sizer.cards.light_card import light_cards

    models = {card.id: card for card in o.cards().models.all()}
    light = light_cards()
    made = table(read_history(history, category), entrants(models.values(), light), _day(as_of), scores)
    days = [*(card.released for card in models.values()), *(card.released for card in light)]
    newest = max((day for day in days if day), default=None)
    if told := stale(made, newest if as_of is None else None):
        _warn((told,))
    return made, models


def _write_chart(chart: Chart, output: Path, theme: str) -> None:
    from gpu_sizer.reports.charts.files import write_chart

    for path in write_chart(chart, output, theme):
        typer.echo(f"gpu-sizer: wrote {path}", err=True)


@app.command()
def progress(
    as_of: AsOf = None,
    min_score: MinScore = 1000.0,
    category: Category = "overall",
    tie: Annotated[float, typer.Option(help="Points within which a model ties with its day's leader.")] = 5.0,
    history: HistoryFile = None,
    scores: Scores = "settled",
    output: Output = None,
    theme: ThemeName = "light",
    format: Format = "table",
    as_json: o.Json = False,
) -> None:
    """Open against proprietary models: frontiers, trends, the gap and the lag in days."""
    from gpu_sizer.arena.progress import progress as made
    from gpu_sizer.arena.sentences import joined_sentence, progress_sentences
    from gpu_sizer.cli.arena_output import show_answer
    from gpu_sizer.reports.arena.formats import chosen_format
    from gpu_sizer.reports.arena.listings import frontier_listing, lag_listing, progress_rows

    form = chosen_format(format, as_json)
    if tie < 0:
        raise RequestError(f"--tie must be 0 or more, not {tie}")
    table, _ = _table(as_of, history, category, scores)
    result = made(table, min_score=min_score, tie=tie)
    if output is not None:
        from gpu_sizer.reports.arena.charts import progress_chart

        _write_chart(progress_chart(result), output, theme)
    parts: list[Part] = [(tuple(progress_sentences(result)), frontier_listing(result))]
    if result.lags:
        told = "How long after the first proprietary model of a score an open one reached it:"
        parts.append(((told,), lag_listing(result)))
    _warn((joined_sentence(table),))
    show_answer(form, parts, progress_rows(result), result.model_dump())


@app.command()
@o.takes(*LOAD, ENGINE, *LIMITS)
def frontier(
    gpu: o.Gpu,
    load: o.Given,
    as_of: AsOf = None,
    min_score: MinScore = 1000.0,
    category: Category = "overall",
    history: HistoryFile = None,
    scores: Scores = "settled",
    output: Output = None,
    theme: ThemeName = "light",
    format: Format = "table",
    as_json: o.Json = False,
) -> None:
    """The best open model for each number of a GPU, and the models that broke the trend of ever more."""
    from gpu_sizer import api
    from gpu_sizer.arena.frontier import capability
    from gpu_sizer.arena.progress import some
    from gpu_sizer.arena.sentences import frontier_sentences, joined_sentence
    from gpu_sizer.cli.arena_output import show_answer
    from gpu_sizer.cli.bar import bar
    from gpu_sizer.planning.request import options_of
    from gpu_sizer.reports.arena.formats import chosen_format
    from gpu_sizer.reports.arena.listings import capability_listing, capability_rows
    from gpu_sizer.reports.tables.columns import plural, short_name

    form, context = chosen_format(format, as_json), load.get("context")
    if output is not None:
        from gpu_sizer.reports.charts.files import check_place

        check_place(output, theme)
    spec = api.load_gpu(gpu, cards=o.cards())
    table, models = _table(as_of, history, category, scores)
    able = [s for s in (*table.standings, *table.timeless) if s.open and s.rating >= min_score]
    standings = [(s.id, s) for s in able if s.id is not None and s.id in models]
    unsized = tuple(s.name for s in able if s.id not in models)
    counts: dict[str, int | None] = {}
    refused: dict[str, GpuSizerError] = {}
    with bar("sizing models", len({i for i, _ in standings})) as advance:
        for model in dict.fromkeys(i for i, _ in standings):
            card = models[model]
            asked = options_of(load, card.context.native)
            if "context" in asked:
                asked["context"] = min(asked["context"], card.context.extended or card.context.native)
            try:
                counts[model] = api.size(card, gpu=spec, details=False, **asked).gpu_count
            except GpuSizerError as error:
                refused[model] = error
            advance(1)
    if refused and not counts:
        raise next(iter(refused.values()))
    _warn(tuple(f"not sized: {model}: {error}" for model, error in refused.items()))
    result = capability([s for i, s in standings if i in counts], counts.get)
    if not result.needs:
        raise RequestError(f"no rated open model fits on up to {load['max_gpus']} × {spec.name}")
    if output is not None:
        from gpu_sizer.reports.arena.charts import frontier_chart

        _write_chart(frontier_chart(result, table, plural(spec), context), output, theme)
    _warn((joined_sentence(table),))
    if unsized:
        _warn((f"not sized, since no card tells their architecture: {some(unsized)}",))
    data = {
        "gpu": spec.id,
        "as_of": table.as_of.isoformat(),
        "listed": table.listed.isoformat(),
        "rated": table.rated.isoformat(),
        "method": table.method,
        "context": context,
        **result.model_dump(),
        "not_sized": [*unsized, *refused],
        "unjoined": list(table.unjoined),
    }
    gpu_name = short_name(spec)
    sentences = tuple(frontier_sentences(result, table, gpu_name, plural(spec), context))
    show_answer(form, [(sentences, capability_listing(result, gpu_name))], capability_rows(result), data)
