"""Charts in a terminal: bars of blocks with rich, for those without a chart library."""

from __future__ import annotations

import io
import sys

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gpu_sizer.records import dataclass

#: Colours of parts, in order.
COLOURS = ("blue", "cyan", "magenta", "yellow", "green")
#: Blocks that tell parts apart where there is no colour.
BLOCKS = ("█", "▓", "▒", "░", "·")
#: Columns where the width is not known, and what a bar takes at most.
PLAIN_WIDTH, LONGEST = 100, 60
#: Columns that labels and bars keep at least.
SHORTEST = 10
#: Eighths of a block.
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its parts in the unit of the chart, and what stands behind it."""

    label: str
    parts: tuple[float, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars on one scale. ``whole`` is the longest bar's value; ``legend`` names the parts."""

    title: str
    subtitle: str
    bars: tuple[Bar, ...]
    whole: float
    source: str
    legend: tuple[str, ...] = ()


def _blocks(bar: Bar, whole: float, cells: int, coloured: bool) -> Text:
    """One bar; a single part ends in an eighth of a block."""
    text = Text()
    if whole <= 0:
        return text
    if len(bar.parts) == 1:
        eighths = max(1, round(bar.parts[0] / whole * cells * 8)) if bar.parts[0] > 0 else 0
        text.append("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip(), style=COLOURS[0])
        return text
    done, drawn = 0.0, 0
    for i, part in enumerate(bar.parts):
        done += part
        upto = round(done / whole * cells)
        text.append((BLOCKS[0] if coloured else BLOCKS[i]) * (upto - drawn), style=COLOURS[i])
        drawn = upto
    return text


def view(chart: Bars, width: int, *, coloured: bool) -> RenderableType:
    """The chart for a terminal of a width."""
    notes = max((len(b.note) for b in chart.bars), default=0)
    # Where there is little room labels go over several lines; bars keep some of it, and figures all of theirs.
    labels = min(max((len(b.label) for b in chart.bars), default=0), max(SHORTEST, width - notes - SHORTEST - 4))
    cells = max(SHORTEST, min(LONGEST, width - labels - notes - 4))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=labels, overflow="fold")
    table.add_column(no_wrap=True, min_width=cells)
    table.add_column(no_wrap=True, min_width=notes)
    for bar in chart.bars:
        table.add_row(Text(bar.label), _blocks(bar, chart.whole, cells, coloured), Text(bar.note))
    parts: list[RenderableType] = [Text(chart.title, style="bold"), Text(chart.subtitle, style="dim"), Text()]
    if chart.legend:
        legend = Text()
        for i, name in enumerate(chart.legend):
            legend.append((BLOCKS[0] if coloured else BLOCKS[i]) + " ", style=COLOURS[i])
            legend.append(f"{name}   ")
        legend.rstrip()
        parts += [legend, Text()]
    return Group(*parts, table, Text(), Text(chart.source, style="dim"))


def show(chart: Bars) -> None:
    """Prints the chart on stdout: as wide as the terminal, or without colour where nobody looks on."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(view(chart, console.width, coloured=console.color_system is not None))
        return
    stream = io.StringIO()
    Console(file=stream, highlight=False, width=PLAIN_WIDTH, color_system=None).print(
        view(chart, PLAIN_WIDTH, coloured=False)
    )
    sys.stdout.write("\n".join(line.rstrip() for line in stream.getvalue().split("\n")))
