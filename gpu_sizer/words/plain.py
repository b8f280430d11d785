"""Results as plain text: what a pipe, a file, an assistant and ``print`` get, as wide as it is."""

from __future__ import annotations

from gpu_sizer.units import gib
from gpu_sizer.words.blocks import Memory, Pairs, Paragraph

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.words.blocks import Block, Column, Told

BAR_CELLS = 32


def lines(told: Told) -> Iterator[str]:
    """The whole answer, line by line."""
    yield told.headline
    yield from below(told)


def below(told: Told) -> Iterator[str]:
    """What stands below the headline, line by line."""
    for block in told.blocks:
        if not block.close:
            yield ""
        yield from _block(block)


def text(told: Told) -> str:
    """The whole answer as one text."""
    return "\n".join(lines(told))


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        if block.title:
            yield block.title
        yield from (f"  {line}" if block.title else line for line in block.lines)
    elif isinstance(block, Pairs):
        if block.title:
            yield block.title
        width = max(len(label) for label, _ in block.rows)
        yield from (f"  {label:<{width}}  {said}" for label, said in block.rows)
    elif isinstance(block, Memory):
        yield from _memory(block)
    else:
        yield from aligned(block.columns, block.rows)


def _memory(memory: Memory) -> Iterator[str]:
    yield memory.title
    for name, size in memory.parts:
        yield f"  {name:<12}{gib(size):>10}  {bar(size, memory.budget_bytes)}".rstrip()
    name, size = memory.left
    yield f"  {name:<12}{gib(size):>10}  ± {gib(memory.band_bytes)}"


def bar(size: int, whole: int, cells: int = BAR_CELLS) -> str:
    """A bar of blocks: the share of ``whole``."""
    filled = 0 if whole <= 0 else max(0, min(cells, round(size / whole * cells)))
    return "█" * filled


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in aligned columns, as wide as it is."""
    everything = [[c.title for c in columns], *rows]
    widths = [max(len(row[i]) for row in everything) for i in range(len(columns))]
    for row in everything:
        cells = [cell.rjust(w) if c.right else cell.ljust(w) for cell, w, c in zip(row, widths, columns, strict=True)]
        yield "  ".join(cells).rstrip()
