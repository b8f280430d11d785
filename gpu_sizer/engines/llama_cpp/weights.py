"""What a GGUF file of a model holds, and what of it llama.cpp puts on GPUs."""

from __future__ import annotations

from gpu_sizer.engines.llama_cpp.file_types import KEPT, Mixture
from gpu_sizer.model.formats import ELEMENT_BYTES, storage_bytes
from gpu_sizer.model.inventory import Inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpu_sizer.cards.model_card import ModelCard

#: What scaled formats that GGUF lacks are converted to without losing anything.
UNPACKED = "bfloat16"


def gguf_dtype(card: ModelCard, weights_dtype: str | None) -> str | None:
    """The type asked for, or bfloat16 where the release is in a format that GGUF lacks; null keeps it as released."""
    if weights_dtype is not None or all(rule.format in KEPT for rule in card.weights.rules):
        return weights_dtype
    return UNPACKED


def mixture_of(card: ModelCard, kind: str, inventory: Inventory) -> Mixture:
    """The types of a quantized file of a model."""
    blocks = card.architecture.blocks.values()
    experts = max((f.num_experts for b in blocks for f in b.feed_forwards), default=0)
    heads = [(m.heads, m.kv_heads) for b in blocks for m in b.mixers if m.heads and m.kv_heads]
    grouped = min((queries // values for queries, values in heads), default=1)
    return Mixture(kind, len(inventory.layer_names), max(1, experts), grouped, inventory.tied)


def _stored(tensor: Tensor) -> Tensor:
    """Vectors and routers are kept as float32 (convert_hf_to_gguf.py: ModelBase.prepare_tensors)."""
    if tensor.fmt in ELEMENT_BYTES and (len(tensor.shape) == 1 or tensor.part == "router"):
        return replace(tensor, fmt="float32")
    return tensor


def as_gguf(inventory: Inventory) -> Inventory:
    """The inventory in the types of a GGUF file."""

    def stored(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
        return tuple(_stored(t) for t in tensors)

    return replace(
        inventory,
        blocks={name: stored(tensors) for name, tensors in inventory.blocks.items()},
        embedding=stored(inventory.embedding),
        head=stored(inventory.head),
        final=stored(inventory.final),
    )


def tensors_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of tensors with all their copies."""
    return sum(storage_bytes(t.shape, t.fmt) * t.copies for t in tensors)
