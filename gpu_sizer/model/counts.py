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
    stored_bytes: int
    """Bytes of what GPUs hold together, each tensor once and nothing padded: no engine holds the model in less."""


def counts_of(card: Described) -> Counts:
    """The sums of a card."""
    found = build_inventory(card)
    stored = sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in found.everything() if not t.on_host)
    return Counts(
        found.total_parameters,
        found.active_parameters,
        found.active_without_embedding,
        found.checkpoint_parameters,
        # Engines load float32 in half of it.
        stored // 2 if card.weights.dtype == "float32" else stored,
    )
