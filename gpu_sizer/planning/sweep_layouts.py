"""What the search prefers among layouts, as numbers for many loads at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gpu_sizer.engines.lines import Line, Whole
    from gpu_sizer.memory.layout import Layout

#: No limit on the blocks.
UNLIMITED = np.iinfo(np.int64).max
#: Bits that free bytes take in a score: more than the memory of any GPU.
FREE_BITS = 50


def most_blocks(line: Line) -> Whole:
    """Blocks of all requests together that fit, in each column or once for all."""
    limits = [s // b if b else np.full_like(s, UNLIMITED) for s, b in zip(line.spare, line.block, strict=True)]
    least: Whole = np.minimum.reduce(limits)
    return least


def preference(layout: Layout, node: int) -> int:
    """How a layout ranks among those of a count on machines of so many GPUs (:meth:`_Known.preferred`), below 8."""
    within = layout.tensor_parallel_size <= node
    one_node = within and layout.pipeline_parallel_size == 1
    return (int(within) << 2) | (int(one_node) << 1) | int(not layout.expert_parallel)


def score(line: Line, rank: int, blocks: Whole, tables: Whole | None, columns: slice) -> Whole:
    """What :meth:`Search.best` prefers, as a number: larger is better, -1 where the engine refuses.

    Args:
        line: what the layout leaves free.
        rank: its :func:`preference`.
        blocks: of all requests together, contexts by users.
        tables: bytes of the block tables that stand outside of the budget, contexts by users or for all alike;
            null where they find room there.
        columns: which of the line's columns the users are.
    """
    spares = [s[columns] if len(s) > 1 else s for s in line.spare]
    free = spares[0] - blocks * line.block[0]
    for spare, block in zip(spares[1:], line.block[1:], strict=True):
        np.minimum(free, spare - blocks * block, out=free)
    fits = free >= line.roomy
    if tables is not None:
        fits &= tables <= line.outside
    scores = free + (rank << FREE_BITS) + (fits.astype(np.int64) << (FREE_BITS + 3))
    if line.whole_block:
        # The fullest stage is the first of those with least free.
        available = np.full_like(blocks, -1)
        for spare, block in zip(reversed(spares), reversed(line.block), strict=True):
            available = np.where(spare - blocks * block == free, spare, available)
        scores[blocks * line.whole_block > available] = -1
    scores[free < 0] = -1
    return scores
