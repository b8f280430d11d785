"""Speeds handed to the chart ``speed``: a model on the fewest of each kind of GPU, for more and more users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.errors import RequestError
from gpu_sizer.load import USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.how_fast import how_fast
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.reports.charts.context import users_text
from gpu_sizer.reports.charts.of_models import source
from gpu_sizer.reports.charts.speed import MOST_LINES, SpeedLine, SpeedPoint, speed_chart
from gpu_sizer.reports.tables.columns import short_name
from gpu_sizer.words.rental import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.planning.request import Request
    from gpu_sizer.reports.charts.interactivity import FrontierLine
    from gpu_sizer.reports.charts.style import Chart
    from gpu_sizer.reports.charts.text import Bars
    from gpu_sizer.reports.tables.spec import TableSpec
    from gpu_sizer.timing.answer import Figure, Speed

    Line = TypeVar("Line", SpeedLine, FrontierLine)

#: Numbers of users that are drawn, where they run at once.
USERS = tuple(1 << n for n in range(11))


def lengths(spec: TableSpec) -> tuple[int, int]:
    """Tokens of a prompt and of an answer."""
    load = spec.load
    return int(load.get("prompt") or USUAL_PROMPT), int(load.get("answer") or USUAL_ANSWER)


def drawn(
    card: ModelCard,
    gpus: Sequence[GpuSpec],
    spec: TableSpec,
    line: Callable[[ModelCard, GpuSpec, dict[str, object]], Line],
    nowhere: str,
) -> list[Line]:
    """A line for each kind of GPU that has any points.

    Args:
        card: the model.
        gpus: the kinds of GPU.
        spec: whose load counts.
        line: makes the line of a model on a kind of GPU under a load.
        nowhere: where the model does not fit if no line has points.

    Raises:
        RequestError: too many lines, none that can be drawn, or a value that makes no sense.
    """
    if len(gpus) > MOST_LINES:
        raise RequestError(f"the chart has room for {MOST_LINES} lines, not {len(gpus)}", about="gpu")
    prompt, answer = lengths(spec)
    lines = [line(card, gpu, {**spec.load, "prompt": prompt, "answer": answer}) for gpu in gpus]
    if not any(made.points for made in lines):
        raise RequestError(f"{card.name} fits {nowhere}", about="gpu")
    return [made for made in lines if made.points]


def more_users(request: Request, layout: Layout) -> Iterator[tuple[int, HowFast, Speed, Figure]]:
    """Speeds of a layout for more and more users while these run at once, and what each of them gets.

    Raises:
        RequestError: a GPU of which no times of single tokens were measured.
    """
    for users in USERS:
        fast = how_fast(request.under(users=users), layout)
        speed = fast.speed
        if speed is None or (user := speed.tokens_per_second_per_user) is None:
            raise RequestError(f"times of single tokens were not measured on {request.gpu.platform}", about="gpu")
        if speed.running < users:
            return
        yield users, fast, speed, user


def bars_of(rows: Sequence[tuple[str, float, str]], chart: Chart) -> Bars:
    """A chart of speeds for a terminal: what each bar is called, how long it is, and what stands behind it."""
    from gpu_sizer.reports.charts.text import Bar, Bars

    bars = tuple(Bar(name, (value,), said) for name, value, said in rows)
    return Bars(chart.title, chart.subtitle, bars, max(value for _, value, _ in rows), chart.source)


def lines(card: ModelCard, gpus: Sequence[GpuSpec], spec: TableSpec) -> list[SpeedLine]:
    """A line for each kind of GPU on which the model fits and of whose speed something is known.

    Raises:
        RequestError: too many lines, none that can be drawn, or a value that makes no sense.
    """
    return drawn(card, gpus, spec, _line, "on no number of these GPUs that was searched")


def _line(card: ModelCard, gpu: GpuSpec, load: dict[str, object]) -> SpeedLine:
    request = make_request(card, gpu, **load)  # type: ignore[arg-type]  # a table's load options
    search = Search(request)
    chosen = search.smallest(search.start(), request.max_gpus)
    if chosen is None:
        return SpeedLine(short_name(gpu), ())
    points = tuple(
        SpeedPoint(users, user.low, user.about, user.high, speed.tokens_per_second.about)
        for users, _, speed, user in more_users(request, chosen.layout)
    )
    return SpeedLine(times(chosen.layout.gpu_count, short_name(gpu)), points)


def chart(card: ModelCard, lines: Sequence[SpeedLine], spec: TableSpec) -> Chart:
    """The chart of a model."""
    prompt, answer = lengths(spec)
    load = f"Prompts of {prompt:,} and answers of {answer:,} tokens, on the fewest GPUs that hold the model"
    return speed_chart(card.name, lines, load, source(spec))


def bars(lines: Sequence[SpeedLine], chart: Chart) -> Bars:
    """The same for a terminal."""
    rows = [
        (f"{line.name}, {users_text(p.users)}", p.about, f"{p.about:.1f} ({p.low:.1f} to {p.high:.1f})")
        for line in lines
        for p in line.points
    ]
    return bars_of(rows, chart)
