"""How charts look: themes, colours that colour-blind readers can tell apart, and the frame that all charts share.

A chart states its title and what it shows above the plot, its source below, and names its series and points where they
stand instead of in a legend. Colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008).

How a new chart is made: a module with a function ``draw(axes, look, ...)`` that draws into matplotlib axes with the
colours of ``look``; a :class:`Chart` with that function (``functools.partial`` binds the rest), its texts and its data;
and :func:`gpu_sizer.reports.charts.files.write_chart`, which gives the files. Title, subtitle, source and grid come
from :func:`figure`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

#: Inches; about 3 : 2, for an article or a slide. At this width the smallest letters are still 10 pixels high in a
#: picture that is shown 800 pixels wide.
WIDTH, HEIGHT = 9.6, 6.4
#: Inches below the plot, and for each further line of a source; lines of it that are shown.
BOTTOM, SOURCE_LINE, SOURCE_LINES = 0.86, 0.15, 4
#: Pixels an inch of a PNG.
DPI = 180
FONT = ("DejaVu Sans",)
#: What stands in for it where it is missing: letters about as wide, or narrower.
STAND_INS = "Verdana"
#: Inches that a chart is high at most: what has no room is said in its subtitle and stands in its data.
TALLEST = 24.0
#: How far one shade of a colour is from the next, as a share of the way to the ink.
SHADE = 0.25
#: Letters of a name beside a point or bar; the data beside the chart hold it whole.
LONGEST_NAME = 46


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one theme."""

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]
    """For series, in order of use."""


LIGHT = Theme(
    "light",
    "#ffffff",
    "#1b1f24",
    "#5a626b",
    "#e3e6ea",
    ("#0072b2", "#d55e00", "#009e73", "#a2537f", "#8a6d00", "#2b6f93"),
)
DARK = Theme(
    "dark",
    "#14171b",
    "#eceff2",
    "#a3abb4",
    "#2c3238",
    ("#56b4e9", "#f2923b", "#2fc79c", "#dd9cc0", "#f0e442", "#8fd0f5"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can be drawn in any theme, and what belongs beside it."""

    title: str
    subtitle: str
    source: str
    """The line below the plot: where the figures come from."""
    alt: str
    """What the chart shows, for those who cannot see it."""
    header: tuple[str, ...]
    """Columns of the data."""
    rows: tuple[tuple[str, ...], ...]
    draw: Callable[[Any, Theme], None]
    """Draws into matplotlib axes."""
    width: float = WIDTH
    height: float = HEIGHT
    link: str | None = None
    """Where the line below the plot leads, in an SVG, on a page and in a PDF."""


def shortened(name: str) -> str:
    """A name as it stands in a chart: of a very long one the beginning and the end, which tell siblings apart."""
    if len(name) <= LONGEST_NAME:
        return name
    tail = LONGEST_NAME // 3
    return f"{name[: LONGEST_NAME - tail - 1].rstrip()}…{name[-tail:].lstrip()}"


def shade(color: str, look: Theme, step: int) -> str:
    """A colour, nearer to the ink by so many steps: told apart from its neighbours, and no harder to read."""
    share = min(SHADE * step, 0.85)
    pairs = zip(_channels(color), _channels(look.ink), strict=True)
    return "#" + "".join(f"{round(c + (ink - c) * share):02x}" for c, ink in pairs)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def theme(name: str) -> Theme:
    """A theme by name.

    Raises:
        RequestError: no such theme.
    """
    if name not in THEMES:
        raise RequestError(f"the theme is {' or '.join(THEMES)}, not {name[:40]!r}")
    return THEMES[name]


@contextmanager
def settings(look: Theme) -> Iterator[None]:
    """matplotlib's settings while a chart is drawn and saved.

    Raises:
        RequestError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise RequestError("charts need matplotlib: pip install 'gpu-sizer[charts]'") from None
    chosen: Any = {
        "font.family": "sans-serif",
        "font.sans-serif": list(FONT),
        "font.size": 10.0,
        "text.color": look.ink,
        "axes.labelcolor": look.muted,
        "axes.edgecolor": look.muted,
        "axes.facecolor": look.paper,
        "figure.facecolor": look.paper,
        "savefig.facecolor": look.paper,
        "xtick.color": look.muted,
        "ytick.color": look.muted,
        "grid.color": look.grid,
        # The same chart is the same file: no random ids. Text is text, to be found, copied and read out.
        "svg.hashsalt": "gpu-sizer",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        # A dollar in a name is a dollar.
        "text.parse_math": False,
    }
    with matplotlib.rc_context(chosen):
        yield


def wrapped(made: Any, text: str, size: float, inches: float, weight: str = "normal") -> str:
    """A text in as few lines as a width allows, about equally long.

    Args:
        made: the figure.
        text: words.
        size: of its letters in points.
        inches: the width.
        weight: of its letters.
    """
    renderer = made.canvas.get_renderer()

    def width(words: list[str]) -> float:
        probe = made.text(0, 0, " ".join(words), fontsize=size, fontweight=weight)
        extent = float(probe.get_window_extent(renderer).width) / float(made.dpi)
        probe.remove()
        return extent

    def lines(limit: float) -> list[list[str]]:
        broken: list[list[str]] = [[]]
        for word in text.split():
            if broken[-1] and width([*broken[-1], word]) > limit:
                broken.append([])
            broken[-1].append(word)
        return broken

    best = lines(inches)
    if len(best) > 1:
        whole = width(text.split())
        # The narrowest of some widths that needs no more lines: no word stands alone at the end.
        limits = (inches * step / 20 for step in range(1, 21) if inches * step / 20 * len(best) >= whole)
        # A word that is wider than a line has no such width.
        best = next((broken for limit in limits if len(broken := lines(limit)) == len(best)), best)
    return "\n".join(map(" ".join, best))


def _cut(text: str) -> str:
    """A source of as many lines as stay legible; a longer one ends in dots."""
    lines = text.splitlines()
    return (
        text if len(lines) <= SOURCE_LINES else "\n".join([*lines[: SOURCE_LINES - 1], lines[SOURCE_LINES - 1] + " …"])
    )


def figure(chart: Chart, look: Theme) -> Any:
    """The chart as a matplotlib figure; to be called and saved inside :func:`settings`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made: Any = Figure(figsize=(chart.width, chart.height), dpi=DPI)
    FigureCanvasAgg(made)
    margin, left, right = 0.25, 0.72, 0.24
    room = chart.width - 2 * margin
    title = wrapped(made, chart.title, 15.0, room, "bold")
    subtitle = wrapped(made, chart.subtitle, 10.0, room)
    source = _cut(wrapped(made, chart.source, 8.5, room))
    below = 0.58 + 0.26 * title.count("\n")
    top = below + 0.30 + 0.17 * subtitle.count("\n")
    # A long source takes no room from the plot.
    longer = SOURCE_LINE * source.count("\n")
    bottom, height = BOTTOM + longer, chart.height + longer
    made.set_size_inches(chart.width, height)
    axes = made.add_axes(
        (left / chart.width, bottom / height, 1 - (left + right) / chart.width, 1 - (top + bottom) / height)
    )
    x = margin / chart.width
    made.text(x, 1 - 0.24 / height, title, fontsize=15, fontweight="bold", va="top")
    made.text(x, 1 - below / height, subtitle, fontsize=10, color=look.muted, va="top")
    made.text(x, 0.14 / height, source, fontsize=8.5, color=look.muted, va="bottom", url=chart.link)
    axes.grid(axis="y", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=9.5)
    chart.draw(axes, look)
    return made
