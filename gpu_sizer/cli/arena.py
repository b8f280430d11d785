"""The commands of ``arena``: ``rate``, ``progress`` and ``frontier``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.errors import GpuSizerError, RequestError

if TYPE_CHECKING:
    from gpu_sizer.arena.ratings import Ratings
    from gpu_sizer.arena.standings import Table
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.reports.charts.style import Chart
    from gpu_sizer.reports.listings import Listing

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
Category = Annotated[str, typer.Option(help="Category of votes. The bundled history has overall.")]
HistoryFile = Annotated[
    Path | None, typer.Option("--history", help="Another history: CSV, or the scores.json of lmarena-history.")
]
Scores = Annotated[
    str, typer.Option(help="settled: the first Bradley-Terry ratings from the day on; listed: the day's own figures.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write the chart (.svg, .png, .html) and its data (.csv) here.")
]
ThemeName = Annotated[str, typer.Option("--theme", help="light or dark (an .html file has both).")]


def _print_listing(listing: Listing) -> None:
    if is_terminal():
        from gpu_sizer.reports.terminal import listing as view
        from gpu_sizer.reports.terminal import show

        show(view(listing.columns, listing.rows))
    else:
        print_lines(listing.lines())


def _warn(lines: tuple[str, ...]) -> None:
    for line in lines:
        typer.echo(f"gpu-sizer: {line}", err=True)


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
    method: Annotated[str, typer.Option(help="bradley-terry or elo (online, in order of time).")] = "bradley-terry",
    anchor: Annotated[str | None, typer.Option(help="The model that gets the score. Default: the mean of all.")] = None,
    score: Annotated[float, typer.Option(help="Points of the anchor.")] = 1000.0,
    rounds: Annotated[int | None, typer.Option(help=f"Bootstrap rounds for the intervals. Default: {ROUNDS}.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    matrix: Annotated[bool, typer.Option("--matrix", help="Also each pair's share of wins, ties left out.")] = False,
    versus: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Also the predicted win rate of A over B.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file with rows that cannot be read.")] = False,
    as_json: o.Json = False,
) -> None:
    """Rate models from pairwise votes."""
    from gpu_sizer.arena.battles import read_battles
    from gpu_sizer.arena.ratings import rate as rated
    from gpu_sizer.cli.bar import bar

    if method == "elo" and rounds:
        raise RequestError("online Elo depends on the order of the votes and has no bootstrap here; leave out --rounds")
    wanted = rounds if rounds is not None else 0 if method == "elo" else ROUNDS
    with bar("reading votes", battles.stat().st_size if battles.is_file() else 0) as advance:
        read = read_battles(battles, advance=advance)
    if strict and read.problems:
        raise RequestError(f"{battles}: {read.problems[0]}")
    with bar("bootstrap", wanted) as advance:
        ratings = rated(
            read, method=method, anchor=anchor, score=score, rounds=wanted, seed=seed, level=level, advance=advance
        )
    chance = ratings.win_rate(*versus) if versus else None
    if as_json:
        data = ratings.model_dump()
        if versus:
            data["win_rate"] = {"model": versus[0], "other": versus[1], "predicted": chance}
        if matrix:
            from gpu_sizer.arena.matrix import wins_of

            data["wins"] = wins_of(read, ratings).model_dump()
        print_json(data)
        return
    _warn(ratings.warnings)
    print_lines([_rate_headline(ratings), ""])
    from gpu_sizer.cli.arena_listings import matrix_listing, rating_listing

    _print_listing(rating_listing(ratings))
    if versus:
        print_lines(
            ["", f"{versus[0]} is predicted to win {chance:.1%} of its battles with {versus[1]} (ties as half)"]
        )
    if matrix:
        from gpu_sizer.arena.matrix import wins_of

        print_lines(["", f"Share of battles won by the row, ties left out (the first {MATRIX_ROWS}):"])
        _print_listing(matrix_listing(wins_of(read, ratings), MATRIX_ROWS))


def _rate_headline(ratings: Ratings) -> str:
    names = {"bradley-terry": "Bradley–Terry by maximum likelihood, ties as half a win", "elo": "online Elo, K = 4"}
    text = f"{len(ratings.rated)} models from {ratings.battles:,} battles: {names[ratings.method]}"
    return text + (f"; {ratings.level:.0%} intervals from {ratings.rounds:,} rounds" if ratings.rounds else "")


def _table(as_of: str | None, history: Path | None, category: str, scores: str) -> tuple[Table, dict[str, ModelCard]]:
    """The Arena's table of a day, and the open models that may stand in it."""
    from gpu_sizer.arena.history import BUNDLED, read_history
    from gpu_sizer.arena.standings import entrants, table
    from gpu_sizer.cards.light_card import light_cards

    models = {card.id: card for card in o.cards().models.all()}
    known = entrants(models.values(), light_cards())
    return table(read_history(history or BUNDLED, category), known, _day(as_of), scores), models


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
    as_json: o.Json = False,
) -> None:
    """Open against proprietary models: frontiers, trends, the gap and the lag in days."""
    from gpu_sizer.arena.progress import progress as made
    from gpu_sizer.arena.sentences import joined_sentence, progress_sentences
    from gpu_sizer.cli.arena_listings import frontier_listing, lag_listing

    if tie < 0:
        raise RequestError(f"--tie must be 0 or more, not {tie}")
    table, _ = _table(as_of, history, category, scores)
    found = made(table, min_score=min_score, tie=tie)
    if output is not None:
        from gpu_sizer.cli.arena_charts import progress_chart

        _write_chart(progress_chart(found), output, theme)
    if as_json:
        print_json(found.model_dump())
        return
    _warn((joined_sentence(table),))
    print_lines([*progress_sentences(found), ""])
    _print_listing(frontier_listing(found))
    if found.lags:
        print_lines(["", "How long after the first proprietary model of a score an open one reached it:"])
        _print_listing(lag_listing(found))


@app.command()
def frontier(
    gpu: o.Gpu,
    as_of: AsOf = None,
    min_score: MinScore = 1000.0,
    category: Category = "overall",
    context: o.Context = None,
    engine: o.EngineName = "vllm",
    layouts: o.Layouts = "any",
    max_gpus: o.MaxGpus = 64,
    history: HistoryFile = None,
    scores: Scores = "settled",
    output: Output = None,
    theme: ThemeName = "light",
    as_json: o.Json = False,
) -> None:
    """The best open model for each number of a GPU, and the models that broke the trend of ever more."""
    from gpu_sizer import api
    from gpu_sizer.arena.frontier import capability
    from gpu_sizer.arena.sentences import frontier_sentences, joined_sentence
    from gpu_sizer.cli.arena_listings import capability_listing
    from gpu_sizer.cli.bar import bar

    spec = api.load_gpu(gpu, cards=o.cards())
    table, models = _table(as_of, history, category, scores)
    standings = [s for s in table.standings if s.open and s.rating >= min_score]
    counts: dict[str, int | None] = {}
    refused: dict[str, GpuSizerError] = {}
    with bar("sizing models", len({s.id for s in standings})) as advance:
        for model in dict.fromkeys(s.id for s in standings):
            card = models[model]
            tokens = o.context_tokens(context, card.context.native)
            longest = card.context.extended or card.context.native
            try:
                counts[model] = api.size(
                    card,
                    gpu=spec,
                    context=None if tokens is None else min(tokens, longest),
                    engine=engine,
                    layouts=layouts,
                    max_gpus=max_gpus,
                    details=False,
                ).gpu_count
            except GpuSizerError as error:
                refused[model] = error
            advance(1)
    if refused and not counts:
        raise next(iter(refused.values()))
    _warn(tuple(f"not sized: {model}: {error}" for model, error in refused.items()))
    standings = [s for s in standings if s.id in counts]
    found = capability(standings, counts.get)
    if not found.needs:
        raise RequestError(f"no rated open model fits on up to {max_gpus} × {spec.name}")
    if output is not None:
        from gpu_sizer.cli.arena_charts import frontier_chart

        _write_chart(frontier_chart(found, table, spec.name, context), output, theme)
    if as_json:
        print_json(
            {
                "gpu": spec.id,
                "as_of": table.as_of.isoformat(),
                "listed": table.listed.isoformat(),
                "rated": table.rated.isoformat(),
                "method": table.method,
                "context": context,
                **found.model_dump(),
                "unjoined": list(table.unjoined),
            }
        )
        return
    _warn((joined_sentence(table),))
    print_lines([*frontier_sentences(found, table, spec.name, context), ""])
    _print_listing(capability_listing(found, spec.name))
