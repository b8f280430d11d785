"""What a user gets: speed, users served and price of models on GPUs that are given, as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpu_sizer.errors import RequestError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.how_fast import how_fast_on
from gpu_sizer.planning.inverse import most_users
from gpu_sizer.planning.request import make_request
from gpu_sizer.records import dataclass
from gpu_sizer.reports.article.draft import Section
from gpu_sizer.reports.article.sections import on_gpus
from gpu_sizer.reports.tables.formats.md import write
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import rounded
from gpu_sizer.words.rental import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_sizer.arena.frontier import Capability
    from gpu_sizer.arena.standings import Standing
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.reports.article.findings import Findings
    from gpu_sizer.reports.tables.spec import TableSpec
    from gpu_sizer.timing.answer import Figure

#: Users whose speed is told where the load names no number.
USERS = 16
#: Tokens a second at which text comes faster than most people read: for how many users GPUs do, where no rate is asked.
PACE = 10.0
#: Why there is a speed in all and none for each user.
UNTIMED = "Times of single tokens were not measured for this engine on such GPUs: no pace of one user is told."
#: A cell of which nothing is known.
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who asks, and what: the load under which speeds are told."""

    load: dict[str, Any]
    """Options of a request, its users and its pace left out."""
    users: int
    pace: float
    prompt: int
    answer: int

    def describe(self) -> str:
        """In words: ``16 users at once, prompts of 1,024 tokens, answers of 256``."""
        who = "one user" if self.users == 1 else f"{self.users:,} users at once"
        return f"{who}, prompts of {self.prompt:,} tokens, answers of {self.answer:,}"


def conversation(spec: TableSpec) -> Conversation:
    """The load of an article's speeds: its own lengths and rates where it names them."""
    load = dict(spec.load)
    users, pace = load.pop("users", None), load.pop("tokens_per_second", None)
    prompt, answer = int(load.pop("prompt", None) or USUAL_PROMPT), int(load.pop("answer", None) or USUAL_ANSWER)
    load.pop("requests_per_second", None)
    return Conversation(load, users if users and users > 1 else USERS, float(pace or PACE), prompt, answer)


@dataclass(frozen=True, slots=True)
class Served:
    """One model on its GPUs, and what comes out."""

    standing: Standing
    gpus: int
    fast: HowFast | None
    users: int | None
    """Who all get the pace, surely; null where nothing is known of the speed."""
    rental: Rental | None
    reason: str | None = None
    """Why nothing is known of the speed, or of a single user's."""


def served(
    standing: Standing, card: ModelCard, gpu: GpuSpec, count: int, asked: Conversation, rental: Rental | None = None
) -> Served:
    """What a model gives on a number of GPUs.

    Args:
        standing: its place in the Arena's table.
        card: the model.
        gpu: the kind of GPU.
        count: how many of them.
        asked: who asks, and what.
        rental: the machines that they stand in; null is the cheapest with as many.
    """
    common = {**asked.load, "prompt": asked.prompt, "answer": asked.answer}
    try:
        fast = how_fast_on(make_request(card, gpu, **{**common, "users": asked.users}), count)
    except RequestError as error:
        return Served(standing, count, None, None, rental, _sentence(str(error)))
    if fast.speed is None:
        return Served(standing, count, None, None, rental, _sentence(fast.reason or "it does not fit"))
    rented = rental or fast.rental
    if fast.speed.tokens_per_second_per_user is None:
        return Served(standing, count, fast, None, rented, UNTIMED)
    users = most_users(make_request(card, gpu, **{**common, "tokens_per_second": asked.pace}), count).users
    return Served(standing, count, fast, users, rented)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _range(figure: Figure | None) -> Cell:
    if figure is None:
        return Cell(NOTHING)
    return Cell(f"{rounded(figure.about)} ({rounded(figure.low)} to {rounded(figure.high)})", figure.about)


def _money(s: Served) -> tuple[Cell, Cell]:
    """Price of an hour, and of a million tokens."""
    rental = s.rental
    if rental is None or rental.price is None or rental.price_hour_usd is None:
        return Cell(NOTHING), Cell(NOTHING)
    price = rental.price
    kind = "" if price.kind == "on-demand" else f"{price.kind} "
    day = f"{kind}price of {price.date}" if price.date else f"undated {kind}price"
    hour = Cell(f"{rental.price_hour_usd:,.2f}", rental.price_hour_usd, (f"{named(rental)}, {day}.",))
    if s.fast is None or s.fast.speed is None:
        return hour, Cell(NOTHING)
    figure = s.fast.speed.tokens_per_second
    low, about, high = (rental.price_hour_usd / (v * 3600) * 1e6 for v in (figure.high, figure.about, figure.low))
    return hour, Cell(f"{about:.2f} ({low:.2f} to {high:.2f})", about)


def _row(s: Served, where: str) -> Row:
    speed = s.fast.speed if s.fast else None
    marks = (s.reason,) if s.reason else ()
    user = _range(speed.tokens_per_second_per_user if speed else None)
    return Row(
        s.standing.id or s.standing.name,
        (
            Cell(s.standing.name, s.standing.name),
            Cell(f"{s.standing.rating:,.0f}", s.standing.rating),
            Cell(where, where),
            Cell(user.text, user.value, marks),
            _range(speed.tokens_per_second if speed else None),
            Cell(NOTHING if s.users is None else f"{s.users:,}", s.users),
            *_money(s),
        ),
    )


def served_grid(title: str, rows: Sequence[tuple[Served, str]], asked: Conversation, remarks: Sequence[str]) -> Grid:
    """The table: a row for each model with where it runs, in words."""
    each = "one user" if asked.users == 1 else f"each of {asked.users:,} users"
    columns = (
        Column("model", "Model"),
        Column("arena", "Arena score", True),
        Column("where", "Runs on"),
        Column("tokens_per_second_per_user", f"Tokens/s for {each}", True),
        Column("tokens_per_second", "Tokens/s in all", True),
        Column("users", f"Users who surely get {asked.pace:g} each", True),
        Column("price_hour_usd", "Dollars an hour", True),
        Column("usd_per_million_tokens", "Dollars a million tokens", True),
    )
    return Grid(title, columns, (Group(None, tuple(_row(s, where) for s, where in rows)),), tuple(remarks))


def remarks(rows: Sequence[Served], asked: Conversation) -> tuple[str, ...]:
    """What holds for every row."""
    errors = [s.fast.speed.basis.median_error for s in rows if s.fast and s.fast.speed]
    basis = ""
    if errors:
        least, most = f"{min(errors):.0%}", f"{max(errors):.0%}"
        off = most if least == most else f"{least} to {most}"
        basis = f" On runs of this kind that no constant was fitted on, half of the estimates were within {off}."
    return (
        f"Tokens of answers, with {asked.describe()}: the estimate, and the range in which 90 % of what was measured "
        f"lies.{basis} Users who surely get {asked.pace:g} each: the most for whom the lower end of the range is still "
        "as much; 0 where not even one is sure of it.",
        "Prices are US dollars for whole machines; a million tokens are those of answers, their prompts included, with "
        "the machines as busy as that.",
    )


def served_section(
    able: Capability,
    findings: Findings,
    cards: Callable[[str], ModelCard],
    asked: Conversation,
    advance: Callable[[int], None] = lambda part: None,
) -> Section:
    """What a user gets of the models that a number of the article's GPUs buys.

    Args:
        able: the rated models by what they take; at least one.
        findings: the article's models.
        cards: gives the card of an id.
        asked: who asks, and what.
        advance: called with how many more models are done.
    """
    rows = []
    for need in able.pareto:
        row = served(need.standing, cards(need.model), findings.gpu, need.gpus, asked)
        rows.append((row, on_gpus(findings, need.gpus)))
        advance(1)
    told = _told([s for s, _ in rows], findings, asked)
    grid = served_grid("What a user gets for the GPUs", rows, asked, remarks([s for s, _ in rows], asked))
    return Section("What a user gets for them", told, (), (), write(grid))


def _told(rows: Sequence[Served], findings: Findings, asked: Conversation) -> tuple[str, ...]:
    """The finding: the fastest for a user, and the cheapest tokens."""
    known = [(s, each) for s in rows if s.fast and s.fast.speed and (each := s.fast.speed.tokens_per_second_per_user)]
    lead = f"A count says what starts. What comes out of it, with {asked.describe()}:"
    if not known:
        return (lead,)
    fastest, figure = max(known, key=lambda k: (k[1].low, -k[0].gpus))
    text = (
        f"{lead} {fastest.standing.name} on {on_gpus(findings, fastest.gpus)} gives each of them about "
        f"{rounded(figure.about)} tokens a second ({rounded(figure.low)} to {rounded(figure.high)})"
    )
    slowest, least = min(known, key=lambda k: (k[1].low, k[0].gpus))
    if slowest is not fastest:
        text += (
            f", {slowest.standing.name} on {on_gpus(findings, slowest.gpus)} about {rounded(least.about)} "
            f"({rounded(least.low)} to {rounded(least.high)})"
        )
    return (text + ".",)
