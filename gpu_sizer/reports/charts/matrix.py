"""Models against GPUs: a heat map of the counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.dots import named
from gpu_sizer.reports.charts.labels import text_width
from gpu_sizer.reports.charts.style import TALLEST, WIDTH, Chart, Theme, shortened

#: Inches above and below the cells, for the names of GPUs, and for each row.
FRAME, HEAD, ROW = 2.1, 0.6, 0.33
#: Inches that other charts give to the name of the axis.
AXIS = 0.36
#: Letters of names, in points.
NAME = 10.5
#: What stands in a cell of which no count is known.
NOT_COUNTED = "–"
#: Columns that stay legible beside one another.
MOST_COLUMNS = 14
#: Ends of the scale: few GPUs, many GPUs.
_SCALES = {"light": ("#f3f8fc", "#9cc7e4", "#2a7fb8", "#0a3d63"), "dark": ("#1b252e", "#1f5377", "#3f9ad0", "#c4e6fb")}


@dataclass(frozen=True, slots=True)
class Count:
    """One cell: the count, or null where none searched does or none is known; how it is written."""

    count: int | None
    text: str
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """One model: its name and a cell for each GPU."""

    model: str
    cells: tuple[Count, ...]


def matrix_chart(gpus: Sequence[str], models: Sequence[Counted], load: str, source: str) -> Chart:
    """The chart."""
    # Columns stay legible up to some: many GPUs stand below one another.
    columns, lines = tuple(gpus), tuple(models)
    if len(gpus) > MOST_COLUMNS:
        columns = tuple(m.model for m in models)
        lines = tuple(Counted(gpu, tuple(m.cells[i] for m in models)) for i, gpu in enumerate(gpus))
    room = int((TALLEST - FRAME) / ROW)
    cells = [c for m in models for c in m.cells]
    marks = f"; the last {room} of {len(lines)}" * (len(lines) > room)
    marks += "; * tight" * any(c.tight for c in cells)
    marks += f"; {NOT_COUNTED} not counted" * any(c.text == NOT_COUNTED for c in cells)
    return Chart(
        title=_title(gpus, models),
        subtitle=f"The fewest on which the engine starts; {load}{marks}",
        source=source,
        alt=" ".join(_told(gpus, models)),
        header=("model", *gpus),
        rows=tuple((m.model, *(c.text for c in m.cells)) for m in models),
        draw=partial(_draw, gpus=columns, models=lines[-room:]),
        width=WIDTH,
        height=FRAME + ROW * min(room, len(lines)),
    )


def _title(gpus: Sequence[str], models: Sequence[Counted]) -> str:
    """The finding: on which GPU the models take fewest, and on which most."""
    middle = []
    for i, gpu in enumerate(gpus):
        counts = sorted(float(m.cells[i].count or math.inf) for m in models if m.cells[i].text != NOT_COUNTED)
        if counts:
            # The lower of the two in the middle: a number that a model really takes.
            middle.append((counts[(len(counts) - 1) // 2], gpu))
    if not middle:
        return "None of these models can be counted on these GPUs"

    def text(extreme: tuple[float, str]) -> str:
        count, gpu = extreme
        return f"more {gpu} than were searched" if math.isinf(count) else f"{count:.0f} × {gpu}"

    least, most = min(middle), max(middle)
    who = (
        f"{shortened(models[0].model)} takes" if len(models) == 1 else f"Half of these {len(models)} models take up to"
    )
    return f"{who} {text(least)}" + (f", or {text(most)}" if most[0] > least[0] else "")


def _told(gpus: Sequence[str], models: Sequence[Counted]) -> Iterator[str]:
    """The range of each GPU: who cannot see the chart has the data beside it, not a thousand figures to listen to."""
    yield f"{len(models)} model{'s' if len(models) > 1 else ''} by {len(gpus)} GPU{'s' if len(gpus) > 1 else ''}."
    for i, gpu in enumerate(gpus):
        placed = [(m.cells[i].count or 0, m.model) for m in models if m.cells[i].count is not None]
        parts = []
        if placed:
            least, most = min(placed, key=lambda p: p[0]), max(placed, key=lambda p: p[0])
            alone = least[0] == most[0]
            parts.append(f"{least[0]}" if alone else f"{least[0]} ({least[1]}) to {most[0]} ({most[1]})")
        if unknown := sum(m.cells[i].text == NOT_COUNTED for m in models):
            parts.append(f"{unknown} not counted")
        if missing := len(models) - len(placed) - unknown:
            parts.append(f"{missing} on no number searched")
        yield f"{gpu}: {', '.join(parts)}."


def _lines(name: str, most: int = 7) -> str:
    """A name over several lines, so that columns stay narrow."""
    lines: list[str] = []
    # A size stays with its unit.
    for word in re.sub(r"(\d) GB\b", "\\1\u00a0GB", name).split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _luminance(color: Sequence[float]) -> float:
    """Relative luminance (WCAG 2) of a colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _draw(axes: Any, look: Theme, gpus: Sequence[str], models: Sequence[Counted]) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    box_of, height = axes.get_position(), axes.figure.get_figheight()
    names = [shortened(m.model) for m in models]
    left = 0.045 + max(text_width(axes.figure, name, NAME) for name in names)
    # Without a name of the axis, cells begin lower than other plots.
    low = box_of.y0 - AXIS / height
    axes.set_position((left, low, box_of.x1 - left, box_of.y1 - low - HEAD / height))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, len(gpus))
    axes.set_ylim(len(models), 0)
    most = max((c.count or 1 for m in models for c in m.cells), default=1)
    scale = LinearSegmentedColormap.from_list("counts", _SCALES[look.name])
    for row, m in enumerate(models):
        for column, c in enumerate(m.cells):
            if c.count is None:
                box: dict[str, Any] = {"facecolor": "none", "edgecolor": look.grid, "linewidth": 1.0}
                ink = look.muted
            else:
                color = scale(math.log2(c.count) / math.log2(most) if most > 1 else 0.0)
                box = {"facecolor": color, "linewidth": 0}
                dark = _luminance(color) < 0.19
                ink = "#ffffff" if dark else "#10161c"
            cell = Rectangle((column + 0.02, row + 0.04), 0.96, 0.92, zorder=2, **box)
            named(cell, f"{m.model}, {gpus[column]}: {c.text}" + (", tight" if c.tight else ""))
            axes.add_patch(cell)
            text = c.text + ("*" if c.tight else "")
            axes.text(column + 0.5, row + 0.52, text, ha="center", va="center", fontsize=11, color=ink, zorder=3)
    axes.set_yticks([i + 0.5 for i in range(len(models))], labels=names, fontsize=NAME)
    axes.xaxis.tick_top()
    axes.set_xticks(
        [i + 0.5 for i in range(len(gpus))], labels=[_lines(shortened(g)) for g in gpus], fontsize=10, va="bottom"
    )
    axes.tick_params(colors=look.ink, pad=4)
