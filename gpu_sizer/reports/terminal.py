"""Results for a terminal, with rich: as wide as it is, no id, date or number broken, in colour where that is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gpu_sizer.units import gib
from gpu_sizer.words import blocks as words
from gpu_sizer.words.plain import bar
from gpu_sizer.words.widths import fitted

_COLOURS = {"weights": "blue", "KV cache": "cyan", "activations": "magenta", "overhead": "yellow", "free": "green"}
_VERDICTS = {"fits": "bold green", "tight": "bold yellow", "does_not_fit": "bold red"}
_TONES = {"plain": "", "dim": "dim", "note": "yellow"}
#: Cells of the bar of a whole GPU, and of the bars of its parts.
WHOLE_BAR, PART_BAR = 60, 24
_INDENT = (0, 0, 0, 2)
#: What stands before the second column of a line.
_COLUMN = re.compile(r" *\S+(?: \S+)*  +(?=\S)")


def _whole_bar(memory: words.Memory, width: int) -> Text:
    """One bar of the whole GPU, a colour for each use."""
    text, used = Text(), 0
    for name, size in memory.parts:
        cells = round(size / memory.capacity_bytes * width)
        text.append("█" * cells, style=_COLOURS[name])
        used += cells
    free = max(0, round(memory.budget_bytes / memory.capacity_bytes * width) - used)
    text.append("█" * free, style=_COLOURS["free"])
    text.append("░" * max(0, width - used - free), style="dim")
    text.truncate(width)
    return text


def _memory(memory: words.Memory, console: Console) -> Iterator[RenderableType]:
    """What fills one GPU: a bar of many colours, or without colours a bar a row."""
    coloured = console.color_system is not None and not console.no_color
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for right in (False, True, True, False):
        table.add_column(justify="right" if right else "left", no_wrap=True)
    name, size = memory.left
    rows = [(n, s, bar(s, memory.budget_bytes, PART_BAR)) for n, s in memory.parts]
    rows.append((name, size, f"± {gib(memory.band_bytes)}"))
    for what, used, after in rows:
        share = f"{used / memory.budget_bytes:.0%}" if memory.budget_bytes > 0 else ""
        mark = Text("■ ", style=_COLOURS.get(what, "red")) if coloured else Text()
        table.add_row(mark + Text(what), gib(used), share, "" if coloured and after.startswith("█") else after)
    if coloured and (rest := memory.capacity_bytes - memory.budget_bytes) > 0:
        table.add_row(Text("░ ", style="dim") + Text("left alone"), gib(rest), "", "")
    yield Text(memory.title)
    if coloured:
        yield _whole_bar(memory, min(WHOLE_BAR, console.width))
        yield table
    else:
        yield Padding(table, _INDENT)


def table_view(columns: Sequence[words.Titled], rows: Sequence[Sequence[RenderableType]], width: int) -> Group:
    """A table within a width, and below it which columns had no room."""
    # A row of fewer cells is the heading of a group, and needs no column to be wide enough for it.
    whole = [row for row in rows if len(row) == len(columns)]
    plain = [[cell.plain if isinstance(cell, Text) else str(cell) for cell in row] for row in whole]
    made = fitted(columns, plain, width)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place, wide in zip(made.shown, made.widths, strict=True):
        column = columns[place]
        justify = "right" if column.right else "left"
        table.add_column(Text(column.title), justify=justify, width=wide, overflow="fold", vertical="bottom")  # type: ignore[arg-type]
    for row in rows:
        cells = (row[i] for i in made.shown if i < len(row))
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    remark = made.remark()
    return Group(table, Text(remark, style="dim")) if remark else Group(table)


def _block(block: words.Block, console: Console) -> Iterator[RenderableType]:
    if not block.close:
        yield Text()
    if isinstance(block, words.Paragraph):
        if block.title:
            yield Text(block.title, style="bold")
        for line in block.lines:
            # What a line is indented by, it keeps where it goes on.
            body = line.lstrip(" ")
            indent = len(line) - len(body) + (2 if block.title else 0)
            yield Padding(Text(body, style=_TONES[block.tone]), (0, 0, 0, indent))
    elif isinstance(block, words.Pairs):
        if block.title:
            yield Text(block.title, style="bold")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for label, said in block.rows:
            table.add_row(Text(label), Text(said))
        yield Padding(table, _INDENT)
    elif isinstance(block, words.Memory):
        yield from _memory(block, console)
    else:
        yield table_view(block.columns, block.rows, console.width)


def headline(told: words.Told) -> Text:
    """The first sentence, in the colour of its verdict."""
    return Text(told.headline, style=_VERDICTS[told.verdict])


def below(told: words.Told, console: Console) -> Group:
    """What stands below the headline."""
    return Group(*(part for block in told.blocks for part in _block(block, console)))


def wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines for a terminal: longer ones go on below, as far in as they begin or as their second column does."""
    width = made_console().width
    for line in lines:
        if len(line) <= width or "://" in line:  # an address is to be clicked, or copied
            yield line
            continue
        column = _COLUMN.match(line)
        indent = len(column[0]) if column and len(column[0]) < width // 2 else len(line) - len(line.lstrip()) + 2
        yield from wrap(line, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def made_console() -> Console:
    """The terminal: without colour where ``NO_COLOR`` is set, in colour where ``FORCE_COLOR`` is."""
    return Console(soft_wrap=False, highlight=False)


def show(*told: words.Told) -> None:
    """Prints results on stdout; of several the headlines first."""
    console = made_console()
    for one in told:
        console.print(headline(one))
    for one in told:
        if len(told) > 1 and one.blocks:
            console.print()
        if one.blocks:
            console.print(below(one, console))


def show_table(columns: Sequence[words.Titled], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table alone."""
    console = made_console()
    console.print(table_view(columns, rows, console.width))
