"""What the tensors of a model sum to, as it was released: small enough to be kept beside every card.

A listing of all models needs these sums and none of the tensors.
"""

from __future__ import annotations

from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.model.inventory import Described


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the tensors of one model; parameters as :class:`gpu_sizer.model.inventory.Inventory` counts them."""

    total: int
    active: int
    active_without_embedding: int
    checkpoint: int
    layer_bytes: int
    """Bytes of the layers, each tensor once and nothing padded: every engine holds as much on GPUs, unless told not to.

    Embeddings may stand in the machine's memory, and towers may be left out.
    """
    whole_bytes: int
    """Bytes of all tensors of the model, each once and nothing padded; what predicts ahead is left out."""


def counts_of(card: Described) -> Counts:
    """The sums of a card."""
    inventory = build_inventory(card)
    each = {
        name: sum([storage_bytes(t.shape, t.fmt) * t.copies for t in tensors if not t.on_host])
        for name, tensors in inventory.blocks.items()
    }
    layers = sum([each[name] for name in inventory.layer_names])
    return Counts(
        inventory.total_parameters,
        inventory.active_parameters,
        inventory.active_without_embedding,
        inventory.checkpoint_parameters,
        # Engines load float32 in half of it.
        layers // 2 if card.weights.dtype == "float32" else layers,
        sum([storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in inventory.everything() if not t.on_host]),
    )
