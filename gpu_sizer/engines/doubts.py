"""What of a model is not known for sure, in bytes: a layout fits only where it has room beside that."""

from __future__ import annotations

from gpu_sizer.memory.weights import kept_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.model.inventory import Inventory


def may_keep_bytes(card: ModelCard, inventory: Inventory, layout: Layout) -> int:
    """Bytes more on a GPU of an accepted layout where a release may keep layers that its name says are converted.

    Args:
        card: the model; of one that is known by more than its name nothing is in doubt.
        inventory: its tensors in the types in which the engine holds them.
        layout: parallel sizes.
    """
    if card.verified:
        return 0
    from gpu_sizer.cards.rereleases import doubted_format

    fmt = doubted_format(card)
    return kept_bytes(inventory, fmt, card.weights.dtype, layout) if fmt is not None else 0
