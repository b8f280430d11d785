"""One layout of a sweep: what it leaves free at every number of cache blocks, exactly as the engine counts it.

Under equal engine settings only the blocks that requests take differ between cells. Everything else is taken from
the engine's own count, so that a sweep knows no constant of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.engines.vllm.cache import TABLE_ENTRY_BYTES
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.engines.vllm.cache import CachePlan
    from gpu_sizer.engines.vllm.engine import VllmEngine
    from gpu_sizer.engines.vllm.fitting import VllmFitting
    from gpu_sizer.memory.layout import Layout

    Whole = NDArray[np.int64]

#: No limit on the blocks.
UNLIMITED = np.iinfo(np.int64).max
#: Bits that free bytes take in a score: more than the memory of any GPU.
FREE_BITS = 50


def blocks_per_request(plan: CachePlan, contexts: Whole, tokens_in_flight: int) -> Whole:
    """:meth:`CachePlan.blocks_per_request` for many lengths at once."""
    total = np.zeros_like(contexts)
    known: dict[tuple[object, ...], Whole] = {}
    for group in plan.groups:
        if (found := known.get(group.kinds)) is None:
            found = known[group.kinds] = np.zeros_like(contexts)
            for page in group.kinds:
                if page.kind == "state":
                    blocks = np.full_like(contexts, page.state_blocks)
                elif page.kind == "full" or page.span is None:
                    blocks = -(-contexts // page.block_size)
                elif page.kind == "sliding":
                    blocks = -(-np.minimum(page.span - 1 + tokens_in_flight, contexts) // page.block_size) + 1
                else:
                    blocks = -(-np.minimum(page.span + tokens_in_flight, contexts) // page.block_size)
                np.maximum(found, blocks, out=found)
        total += found
    return total


def table_bytes(plan: CachePlan, contexts: Whole) -> Whole:
    """:meth:`CachePlan.table_bytes` for many lengths at once."""
    total = np.zeros_like(contexts)
    for group in plan.groups:
        total += -(-contexts // group.block_size)
    return total * TABLE_ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class LayoutLine:
    """A layout under fixed settings, or under as many sequences as there are users in each column of cells."""

    spare: tuple[Whole, ...]
    """Bytes left for the cache on the stages that differ: in each column, or once for all."""
    block: tuple[int, ...]
    """Bytes of a block on these stages."""
    roomy: int
    """Free bytes from which on the layout fits; fewer are tight."""
    outside: int
    """Bytes beside the budget for block tables; a layout whose tables take more is tight."""
    whole_block: int
    """Bytes of a block over all stages where the engine compares the whole cache with one stage, else 0."""
    preference: int

    def most_blocks(self) -> Whole:
        """Blocks of all requests together that fit, in each column or once for all."""
        limits = [s // b if b else np.full_like(s, UNLIMITED) for s, b in zip(self.spare, self.block, strict=True)]
        found: Whole = np.minimum.reduce(limits)
        return found

    def score(self, blocks: Whole, tables: Whole | None, columns: slice) -> Whole:
        """What :meth:`Search.best` prefers, as a number: larger is better, -1 where the engine refuses.

        Args:
            blocks: of all requests together, contexts by users.
            tables: bytes of the block tables that stand outside of the budget, contexts by users or for all alike;
                null where they find room there.
            columns: which of the line's columns the users are.
        """
        spares = [s[columns] if len(s) > 1 else s for s in self.spare]
        free = spares[0] - blocks * self.block[0]
        for spare, block in zip(spares[1:], self.block[1:], strict=True):
            np.minimum(free, spare - blocks * block, out=free)
        fits = free >= self.roomy
        if tables is not None:
            fits &= tables <= self.outside
        score = free + (self.preference << FREE_BITS) + (fits.astype(np.int64) << (FREE_BITS + 3))
        if self.whole_block:
            # The fullest stage is the first of those with least free.
            available = np.full_like(blocks, -1)
            for spare, block in zip(reversed(spares), reversed(self.block), strict=True):
                available = np.where(spare - blocks * block == free, spare, available)
            score[blocks * self.whole_block > available] = -1
        score[free < 0] = -1
        return score


def layout_line(
    engine: VllmEngine, fitting: VllmFitting, layout: Layout, node: int, activations: Whole | None
) -> LayoutLine | None:
    """The line of a layout that the engine does not refuse, or null where not even the fitting's own load fits.

    Args:
        engine: whose rules hold.
        fitting: the model and GPU under the easiest load that has the line's settings.
        layout: the parallel sizes.
        node: GPUs in a machine.
        activations: the peak in each column, where its sequences are its users; null where it is the fitting's.
    """
    if (need := fitting.need(layout)) is None:
        return None
    budget, pp, plan = fitting.budget_bytes, layout.pipeline_parallel_size, need.plan
    null_block = 1 if engine.version.null_block else 0
    peak = np.array([need.activation_bytes], np.int64) if activations is None else activations
    left = budget - need.overhead_bytes - peak
    within = layout.tensor_parallel_size <= node
    preference = (int(within) << 2) | (int(within and pp == 1) << 1) | int(not layout.expert_parallel)
    checks = pp > 1 and engine.version.whole_pipeline_check
    return LayoutLine(
        tuple([left - (weights + loading + null_block * block) for weights, block, loading in need.held.kinds]),
        tuple([block for _, block, _ in need.held.kinds]),
        need.band_bytes,
        fitting.outside_room(layout),
        sum(plan.stage_block_bytes(1)) if checks else 0,
        preference,
    )
