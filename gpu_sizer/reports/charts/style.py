"""How charts look: themes, colours that colour-blind readers can tell apart, and the frame that all charts share.

A chart states its title and what it shows above the plot, its source below, and names its series and points where they
stand instead of in a legend. Colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

#: Inches; 16 : 10 reads well in an article and on a slide.
WIDTH, HEIGHT = 11.0, 6.9
#: Pixels an inch of a PNG.
DPI = 160
FONT = ("DejaVu Sans",)


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
        # The same chart is the same file: no random ids, and glyphs as paths, so that it looks alike everywhere.
        "svg.hashsalt": "gpu-sizer",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(chosen):
        yield


def figure(chart: Chart, look: Theme) -> Any:
    """The chart as a matplotlib figure; to be called and saved inside :func:`settings`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made: Any = Figure(figsize=(chart.width, chart.height), dpi=DPI)
    FigureCanvasAgg(made)
    left, right = 0.07, 0.975
    top, bottom = 1 - 0.86 / chart.height, 0.86 / chart.height
    axes = made.add_axes((left, bottom, right - left, top - bottom))
    made.text(left - 0.045, 1 - 0.24 / chart.height, chart.title, fontsize=15, fontweight="bold", va="top")
    made.text(left - 0.045, 1 - 0.59 / chart.height, chart.subtitle, fontsize=10, color=look.muted, va="top")
    made.text(left - 0.045, 0.14 / chart.height, chart.source, fontsize=8, color=look.muted, va="bottom")
    axes.grid(axis="y", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=9.5)
    chart.draw(axes, look)
    return made
