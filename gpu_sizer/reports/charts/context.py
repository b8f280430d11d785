"""GPUs needed against the length of context, a line for each number of users: where another GPU is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from gpu_sizer.planning.breakpoints import Step
from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import dots
from gpu_sizer.reports.charts.geometry import least_ratio, ticks
from gpu_sizer.reports.charts.labels import IF_ROOM, LINES, POINTS, Label, place
from gpu_sizer.reports.charts.style import Chart, Theme, shortened

#: The shortest context that is drawn.
SHORTEST = 1024
#: Lines stay apart up to so many.
MOST_LINES = 6
#: Inches between the marks of counts at least.
MARK = 0.19
#: Counts up to which their axis is linear.
LINEAR = 16
#: Points between lines that need equally many GPUs.
APART = 2.4
#: A step bears its length where it is so many times that of the one before.
WIDE = 1.28


@dataclass(frozen=True, slots=True)
class Line:
    """One number of users: up to which context each count goes. ``ended`` where a count above the most was needed."""

    users: int
    steps: tuple[Step, ...]
    ended: bool


def tokens_text(count: int) -> str:
    """``32k`` for 32,768; figures that are no round number stay whole."""
    if count >= 1 << 20 and count % (1 << 20) == 0:
        return f"{count >> 20}M"
    return f"{count >> 10}k" if count % 1024 == 0 else f"{count:,}"


def rounded(count: int) -> str:
    """A breakpoint in units of 1024 or 1024 squared from 1024 on, as short as it stays true to three figures."""
    if count < 1024:
        return f"{count}"
    value, unit = (count / (1 << 20), "M") if count >= 1 << 20 else (count / 1024, "k")
    return f"{value:.0f}{unit}" if value >= 100 or value == int(value) else f"{value:.3g}{unit}"


def users_text(users: int) -> str:
    """``1 user``, ``16 users``."""
    return "1 user" if users == 1 else f"{users:,} users"


def context_chart(model: str, gpu: str, lines: Sequence[Line], longest: int, load: str, source: str) -> Chart:
    """The chart."""
    told = [_told(line) for line in lines]
    return Chart(
        title=_title(shortened(model), gpu, lines, longest),
        subtitle=f"{gpu}; {load}. Each user has a request of that length; a dot marks the longest that a count carries",
        source=source,
        alt=" ".join(told),
        header=("users", "gpus", "up_to_tokens"),
        rows=tuple((str(line.users), str(s.gpu_count), str(s.upto)) for line in lines for s in line.steps),
        draw=partial(_draw, lines=tuple(line for line in lines if line.steps), longest=longest),
    )


def _title(model: str, gpu: str, lines: Sequence[Line], longest: int) -> str:
    """The finding: where the line of fewest users begins and ends."""
    line = next((line for line in lines if line.steps), None)
    if line is None:
        return f"{model} fits on no number of {gpu} that was searched"
    who = "" if line.users == 1 else f" for {users_text(line.users)}"
    first, last = line.steps[0], line.steps[-1]
    begins = f"{model} takes {first.gpu_count} × {gpu}{who}"
    if first is last and not line.ended:
        return f"{begins} at any length of context"
    ends = "more than were searched" if line.ended else f"{last.gpu_count} at its full {rounded(longest)}"
    return f"{begins} up to {rounded(first.upto)} tokens of context, {ends}"


def _told(line: Line) -> str:
    """Where a line begins and ends, for those who cannot see it; the data beside the chart have every step."""
    who = users_text(line.users)
    if not line.steps:
        return f"{who}: no number searched."
    first, last = line.steps[0], line.steps[-1]
    text = f"{who}: {first.gpu_count} up to {first.upto:,} tokens"
    if last is not first:
        between = len(line.steps) - 1
        text += f", in {between} step{'s' if between > 1 else ''} to {last.gpu_count} up to {last.upto:,}"
    return text + (", then more than searched." if line.ended else ".")


def _corners(line: Line, longest: int) -> Iterator[tuple[float, float]]:
    """The corners of a step line, from the shortest context drawn."""
    begin = float(_shortest(longest))
    for step in line.steps:
        if step.upto < begin:
            continue
        yield begin, step.gpu_count
        yield float(step.upto), step.gpu_count
        begin = float(step.upto)


def _shortest(longest: int) -> int:
    """Where the axis begins: a model of short context has room for its lines, too."""
    return max(1, min(SHORTEST, longest // 8))


def _end(at: tuple[float, float], ended: bool, lines: Sequence[tuple[int, str]], look: Theme) -> Label:
    """The name at the end of a line, or of several that end in one place."""
    users = [n for n, _ in lines]
    text = users_text(users[0]) if len(users) == 1 else f"{', '.join(map(str, users[:-1]))} and {users_text(users[-1])}"
    color = lines[0][1] if len(lines) == 1 else look.ink
    return Label(*at, text + (" (then more than searched)" if ended else ""), color, "bold", 11.0, look.paper)


def _draw(axes: Any, look: Theme, lines: Sequence[Line], longest: int) -> None:
    from matplotlib.transforms import offset_copy

    first = _shortest(longest)
    counts = [y for line in lines for _, y in _corners(line, longest)]
    low, high = min(counts, default=1), max(counts, default=1)
    axes.set_xscale("log", base=2)
    # Room on the right for the names of the lines.
    axes.set_xlim(first, longest * (longest / first) ** 0.14)
    marks = [1 << n for n in range(42) if first <= 1 << n <= longest]
    axes.set_xticks(marks, labels=[tokens_text(m) for m in marks])
    if high <= LINEAR:
        axes.set_ylim(0, high * 1.12 + 0.3)
        scale = list(range(1, int(high) + 2))
    else:
        axes.set_yscale("log", base=2)
        bottom, top = low * 0.8, max(high, low * 2) * 1.3
        axes.set_ylim(bottom, top)
        # Every step, where there is room; the ends first.
        inches = axes.get_position().height * axes.figure.get_figheight()
        taken = [s.gpu_count for line in lines for s in line.steps]
        scale = ticks([int(low), int(high)], taken, least_ratio(bottom, top, inches, MARK))
    axes.set_yticks(scale, labels=[f"{n:,}" for n in scale])
    axes.minorticks_off()
    axes.tick_params(labelsize=10.5)
    axes.set_xlabel("Tokens of context of each request", fontsize=10.5)
    axes.set_ylabel("GPUs needed", fontsize=10.5)
    labels: list[Label] = []
    drawn: list[list[tuple[Any, float]]] = []
    points: list[tuple[Any, float]] = []
    ends: dict[tuple[tuple[float, float], bool], list[tuple[int, str]]] = {}
    for i, line in enumerate(lines):
        color = look.series[i % len(look.series)]
        corners = list(_corners(line, longest))
        if not corners:
            continue
        # Lines that need equally many run beside one another, not over one another.
        aside = (i - (len(lines) - 1) / 2) * APART
        shifted: Any = offset_copy(axes.transData, axes.figure, 0, aside, units="points")
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        axes.plot(xs, ys, color=color, linewidth=2.2, zorder=LINES, solid_joinstyle="miter", transform=shifted)
        drawn.append([*corners])
        ends.setdefault((corners[-1], line.ended), []).append((line.users, color))
        turns = [s for s in line.steps if s.upto >= first and (line.ended or s is not line.steps[-1])]
        shown = [
            (float(s.upto), float(s.gpu_count), f"{users_text(line.users)}: {s.gpu_count} up to {s.upto:,} tokens")
            for s in turns
        ]
        dots(axes, shown, s=24, color=color, zorder=POINTS, transform=shifted)
        points += [(s.upto, s.gpu_count) for s in turns]
        before = float(first)
        for s in turns:
            if s.upto >= before * WIDE:
                labels.append(
                    Label(s.upto, s.gpu_count, rounded(s.upto), color, size=9.5, halo=look.paper, worth=IF_ROOM)
                )
                before = float(s.upto)
    named = [_end(at, ended, there, look) for (at, ended), there in ends.items()]
    place(axes, [*named, *labels], points=points, lines=drawn)
