"""What drafts tokens ahead beside a model on any engine: its prediction layers, a draft with a card, or a model."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import join_names
from gpu_sizer.engines.speculation import NoDrafterError
from gpu_sizer.model.formats import is_scaled
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpu_sizer.engines.speculation import Speculation
    from gpu_sizer.model.tensor import Tensor

#: Formats of four bits: releases that have any keep their prediction layers in 16 bits, as their configurations tell.
FOUR_BITS = ("int4", "nvfp4", "mxfp4")
#: The projection that joins the states a draft reads.
JOINED = "fc.weight"


@dataclass(frozen=True)
class Drafts:
    """What drafts for a model."""

    tokens: int
    """Ahead, in each step."""
    card: ModelCard
    """The draft model's, or the model's own."""
    inventory: Inventory
    """What it adds."""
    own: bool
    """The model's own prediction layers."""
    states: int = 0
    """How many of the model's states a token it reads, besides the last layer's."""

    @property
    def method(self) -> str | None:
        """How a draft with a card of its own is run; null for other drafters."""
        return self.card.draft.method if self.card.draft is not None and not self.own else None


def _in_16_bits(tensors: Iterable[Tensor], dtype: str) -> tuple[Tensor, ...]:
    return tuple([replace(t, fmt=dtype) if is_scaled(t.fmt) else t for t in tensors])


def _prediction_layers(card: ModelCard, inventory: Inventory) -> Inventory:
    """What the model's own prediction layers add: embedding and head are the model's."""
    mtp, dtype = card.architecture.mtp, card.weights.dtype
    assert mtp is not None
    names = tuple([name for name, layers in mtp.blocks.items() for _ in range(layers)])
    blocks = {name: inventory.blocks[name] for name in mtp.blocks}
    if any(t.fmt.startswith(FOUR_BITS) for tensors in inventory.blocks.values() for t in tensors):
        blocks = {name: _in_16_bits(tensors, dtype) for name, tensors in blocks.items()}
    return Inventory(
        blocks=blocks,
        layer_names=names,
        embedding=(),
        head=(),
        final=inventory.mtp_beside,
        towers=(),
        mtp=(),
        mtp_beside=(),
        tied=False,
    )


def _own(card: ModelCard, inventory: Inventory, tokens: int | None) -> Drafts:
    if card.architecture.mtp is None:
        raise NoDrafterError(f"the card of {card.name} has no prediction layers: name a draft model (draft:MODEL:N)")
    return Drafts(tokens or card.architecture.mtp.layers, card, _prediction_layers(card, inventory), own=True)


def _alike(card: ModelCard, other: ModelCard) -> bool:
    """Whether a model has another's layers, in whatever format: a draft of the one drafts for it as well."""
    a, b = card.architecture, other.architecture
    return (a.hidden_size, a.vocab_size, a.num_hidden_layers) == (b.hidden_size, b.vocab_size, b.num_hidden_layers)


def _states_read(card: ModelCard, draft: ModelCard) -> int:
    """How many of the model's states a draft joins, by the width of what joins them; EAGLE's first heads read none."""
    if draft.draft is None or draft.draft.method == "eagle":
        return 0
    joined = next((t for t in draft.architecture.extra if t.name == JOINED), None)
    return joined.shape[1] // card.architecture.hidden_size if joined is not None else 0


def _of_model(card: ModelCard, name: str, tokens: int, title: str) -> Drafts:
    draft = catalogue().drafter(name)
    if draft.draft is not None:
        if not any(_alike(card, catalogue().models.get(i)) for i in draft.draft.of):
            raise NoDrafterError(f"{draft.name} drafts for {join_names(draft.draft.of)}, not for {card.name}")
    elif draft.architecture.vocab_size != card.architecture.vocab_size:
        raise NoDrafterError(f"{draft.name} has another vocabulary than {card.name}: {title} refuses it as a draft")
    for a in (card.architecture, draft.architecture):
        if any(m.compressed or m.tokens_per_key > 1 for b in a.blocks.values() for m in b.mixers):
            raise NoDrafterError(f"how {title} caches {draft.name} beside {card.name} is not known here")
    dtype = "bfloat16" if draft.weights.dtype == "float32" else None
    return Drafts(tokens, draft, build_inventory(draft, dtype), own=False, states=_states_read(card, draft))


def drafts_of(card: ModelCard, inventory: Inventory, wanted: Speculation, title: str) -> Drafts:
    """What drafts for a model.

    Args:
        card: the model.
        inventory: its tensors as the engine holds them.
        wanted: the setting, read.
        title: the engine's name.

    Raises:
        NoDrafterError: no such drafter.
        UnknownModelError: a draft model without a card.
    """
    if wanted.model is None:
        return _own(card, inventory, wanted.tokens)
    assert wanted.tokens is not None
    return _of_model(card, wanted.model, wanted.tokens, title)
