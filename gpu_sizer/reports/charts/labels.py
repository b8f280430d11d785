"""Names beside their points: each label looks for a free place, so that none covers another, a point or a line.

How a chart uses it: draw lines at ``zorder=LINES`` and points at ``zorder=POINTS``, set the limits of the axes, and
then call :func:`place` once with all labels, so that they can make room for one another::

    place(axes, [Label(x, y, name, color, halo=look.paper) for x, y, name in rows], points=[(x, y) for x, y, _ in rows])
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.geometry import Box, Point, Segment
from gpu_sizer.reports.charts.places import MISSING, Obstacles, arrange, places

#: Order of drawing: lines, then texts with their rims, then points, so that no rim hides a point.
LINES, TEXT, POINTS = 3.0, 3.6, 4.0
#: Worth of a label that stands only where there is room: beside its point, off other points and lines.
IF_ROOM = 20.0
#: Worth of a label that a reader looks for: others make room for it.
MUST = 4000.0
#: Points of a rim around letters.
RIM_WIDTH = 3.0
#: Points by which labels may leave the plot on its right.
OVERHANG = 10.0


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to a point in data coordinates."""

    x: Any
    y: float
    text: str
    color: str
    weight: str = "normal"
    size: float = 9.0
    halo: str | None = None
    """A colour around the letters, so that lines below them stay apart."""
    worth: float = MISSING
    """How dear its place may be before it is left out; :data:`IF_ROOM` for labels that may be missing."""
    reach: float = math.inf
    """Points that it may stand away from its point."""


def halo(color: str | None) -> list[Any]:
    """matplotlib's path effects for a rim around letters."""
    if color is None:
        return []
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=RIM_WIDTH, foreground=color)]


#: How a rim travels through matplotlib's SVG writer, which would make outlines of letters that have one.
_RIM = "rim-"
_RIMMED = re.compile(rf'<g id="[a-z]+-{_RIM}(#[0-9a-f]{{6}})[^"]*">(\s*)<text style="')


def rims_of_text(figure: Any) -> None:
    """Lets letters with a rim be letters in an SVG; :func:`with_rims` gives them the rim."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if str(text.get_gid() or "").startswith(_RIM):
            text.set_path_effects([])


def with_rims(svg: str) -> str:
    """An SVG of matplotlib's in which letters have their rims, drawn below them."""
    rim = f"stroke-width: {RIM_WIDTH:g}px; stroke-linejoin: round; paint-order: stroke"
    return _RIMMED.sub(rf'<g>\2<text style="stroke: \1; {rim}; ', svg)


def text_width(figure: Any, text: str, size: float, weight: str = "normal") -> float:
    """How wide a text stands, as a share of the figure's width."""
    probe = figure.text(0, 0, text, fontsize=size, fontweight=weight)
    width = float(probe.get_window_extent(figure.canvas.get_renderer()).width)
    probe.remove()
    return width / float(figure.bbox.width)


def _size(axes: Any, label: Label, renderer: Any) -> tuple[float, float]:
    text = axes.text(0, 0, label.text, fontsize=label.size, fontweight=label.weight)
    extent = text.get_window_extent(renderer)
    text.remove()
    return float(extent.width), float(extent.height)


def place(
    axes: Any,
    labels: Iterable[Label],
    *,
    points: Sequence[tuple[Any, float]] = (),
    specks: Sequence[tuple[Any, float]] = (),
    lines: Sequence[Sequence[tuple[Any, float]]] = (),
    faint: Sequence[Sequence[tuple[Any, float]]] = (),
) -> list[Label]:
    """Writes labels into axes whose limits are set.

    Args:
        axes: matplotlib axes.
        labels: in order of importance.
        points: points in data coordinates that labels keep off.
        specks: points that they keep off where they can.
        lines: polylines in data coordinates that labels keep off.
        faint: polylines that they keep off where they can.

    Returns:
        the labels that found no place.
    """
    figure = axes.figure
    renderer = figure.canvas.get_renderer()
    scale = figure.dpi / 72.0

    def pixels(point: tuple[Any, float]) -> Point:
        x, y = axes.transData.transform((axes.convert_xunits(point[0]), point[1]))
        return float(x), float(y)

    def segments(polylines: Sequence[Sequence[tuple[Any, float]]]) -> tuple[Segment, ...]:
        drawn = [[pixels(p) for p in line] for line in polylines]
        return tuple((*a, *b) for line in drawn for a, b in pairwise(line))

    window = axes.get_window_extent(renderer)
    frame: Box = (window.x0, window.y0 + 2 * scale, window.x1 + OVERHANG * scale, window.y1)
    obstacles = Obstacles(tuple(map(pixels, points)), tuple(map(pixels, specks)), segments(lines), segments(faint))
    wanted = list(labels)
    every = [
        [
            p
            for p in places(pixels((label.x, label.y)), _size(axes, label, renderer), frame, obstacles, scale)
            if p.far <= label.reach
        ]
        for label in wanted
    ]
    chosen = arrange(every, [label.worth for label in wanted])
    inverse = axes.transData.inverted()
    for i, placed in chosen.items():
        label = wanted[i]
        if placed.leader is not None:
            start, end = inverse.transform(placed.leader[:2]), inverse.transform(placed.leader[2:])
            xs, ys = (start[0], end[0]), (start[1], end[1])
            axes.plot(xs, ys, color=label.color, linewidth=0.6, alpha=0.7, zorder=LINES - 0.5)
        x, y = inverse.transform((placed.box[0], (placed.box[1] + placed.box[3]) / 2))
        axes.text(
            x,
            y,
            label.text,
            fontsize=label.size,
            fontweight=label.weight,
            color=label.color,
            ha="left",
            va="center",
            zorder=TEXT,
            clip_on=False,
            path_effects=halo(label.halo),
            gid=f"{_RIM}{label.halo}" if label.halo is not None else None,
        )
    return [label for i, label in enumerate(wanted) if i not in chosen]
