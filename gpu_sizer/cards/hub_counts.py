"""The hub's own parameter counts of the repositories that cards name, and what explains one that is not the card's.

They stand in ``model_cards/counts/``, each with its source and day, and are compared by ``validate`` alone: nothing is
computed from them. The hub counts what lies in a repository's files, which may be more than an engine loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.errors import CardError
from gpu_sizer.model.formats import FLOAT32_BYTES, SCALE_BLOCK, is_scaled, storage_bytes
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Shelf
    from gpu_sizer.model.constraints import ParameterCount, Text

#: Formats that hold several values in a word: their counts are of words.
PACKED = ("int4", "nvfp4", "mxfp4")
#: Formats whose scales are bytes.
SMALL_SCALES = ("nvfp4", "mxfp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One repository."""

    hub_id: Text
    count: ParameterCount
    """Parameters as the hub counts them."""
    reason: Text | None = None
    """Why it is another than what the card holds, where that does not follow from the card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A file of counts."""

    source: Text
    """Where they were read: a package by name and version, and the day of its figures."""
    counts: tuple[Count, ...]


def _values(tensors: tuple[Tensor, ...]) -> int:
    return sum(prod(t.shape) * t.copies for t in tensors)


def _rotary(card: ModelCard) -> int:
    """Frequencies that old checkpoints keep in every layer: half a head of each."""
    a = card.architecture
    heads = [getattr(a.blocks[name].mixer, "head_dim", 0) or 0 for name in a.layer_names]
    return sum(head // 2 for head in heads)


def _vectors(inventory: Inventory) -> int:
    """Values of norms and biases, which some tools keep out of their files' count."""
    return sum(t.parameters * n for t, n in inventory.everything() if len(t.shape) == 1)


def _scales(inventory: Inventory, *, small: bool) -> int:
    """Scales of low-precision matrices: bytes in formats of small groups, else float32s."""
    return sum(
        ceil_div(storage_bytes(t.shape, t.fmt) - prod(t.shape) * (4 if t.fmt.startswith(PACKED) else 8) // 8, size)
        * t.copies
        * n
        for t, n in inventory.everything()
        if is_scaled(t.fmt) and t.fmt.startswith(SMALL_SCALES) == small
        for size in (1 if small else FLOAT32_BYTES,)
    )


def beside(card: ModelCard) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What a repository may hold beside the card's parameters: in words, and each count that it may have."""
    inventory = build_inventory(card)
    towers = sum(prod(t.shape) * t.copies for t in inventory.towers if not t.is_parameter)
    ahead, counted = _values(inventory.mtp), sum(t.parameters for t in inventory.mtp)
    vocabulary = _values(tuple(t for t in inventory.embedding if t.is_vocabulary))
    heads = vocabulary * (1 if inventory.tied else 2)
    buffers = sum(prod(t.shape) * t.copies * n for t, n in inventory.everything() if not t.is_parameter) - towers
    yield "its tower", (towers,)
    yield "the layers that predict ahead", tuple({n + h for n in (ahead, counted) for h in (0, heads) if ahead})
    yield "a second copy of the tied head", (_values(inventory.head) if inventory.tied else 0,)
    yield "buffers of the routers and layers", (buffers,)
    yield "rotary frequencies in each layer", (_rotary(card),)
    yield "a scale for each small group", (_scales(inventory, small=True),)
    yield "no norms and biases", (-_vectors(inventory),)


def explained(card: ModelCard, count: int) -> str | None:
    """What a count is of, by the card; null where it does not follow from the card.

    Args:
        card: the card, as the release whose repository was counted.
        count: parameters as the hub counts them.
    """
    inventory = build_inventory(card)
    total = inventory.total_parameters
    if count == total:
        return "the card's parameters"
    parts = [[("", 0), *((name, n) for n in counts if n)] for name, counts in beside(card)]
    sums: dict[int, list[str]] = {}
    for chosen in product(*parts):
        names = [name for name, _ in chosen if name]
        sums.setdefault(total + sum(n for _, n in chosen), names)
    if count in sums:
        return f"the card's parameters and {', '.join(sums[count])}"
    formats = {rule.format for rule in card.weights.rules}
    if count < total and any(f.startswith(PACKED) for f in formats):
        return "packed values and scales"
    scales = _scales(inventory, small=False)
    # Those of layers that predict ahead come on top, which no rule of a card names.
    scales = max(scales + ceil_div(scales * _values(inventory.mtp), total), count // SCALE_BLOCK**2 if scales else 0)
    return "the card's parameters and scales" if any(0 < count - known <= scales for known in sums) else None


class Explained:
    """Counts that follow from the cards, each looked at once.

    Args:
        models: the cards.
    """

    def __init__(self, models: Shelf[ModelCard]) -> None:
        self._models = models
        self._told: dict[tuple[str, int, int], str | None] = {}
        self._named: dict[str, set[int]] = {}

    def check(
        self, card: ModelCard, identity: str, hub_id: str, count: int, reason: str | None, file: str, place: str
    ) -> None:
        """A count follows from the card, or is that of a repository that the card names, or has a reason.

        Raises:
            CardError: it does not, or needs none.
        """
        told = "that of a repository that the card names" if count in self._named.get(identity, ()) else None
        key = (identity, card.architecture.vocab_size, count)
        if told is None:
            if key not in self._told:
                self._told[key] = explained(card, count)
            told = self._told[key]
        if told is None and reason is None:
            total = build_inventory(card).total_parameters
            said = f"the hub counts {count:,} of {hub_id}, {identity} has {total:,}: correct the card, or give a reason"
            raise CardError(file, place, said)
        if told is not None and reason is not None:
            raise CardError(file, place, f"{hub_id} needs no reason: {count:,} is {told}")

    def check_table(self, file: Path, table: Counts) -> int:
        """Every count of a file is that of a card's repository and follows from the card, or says why not.

        The counts are then known for the re-releases of the same cards. Returns their number.

        Raises:
            CardError: the first that does not.
        """
        counts: dict[str, set[int]] = {}
        seen: set[str] = set()
        for line in table.counts:
            place, key = f"counts.{line.hub_id}", normal(line.hub_id)
            if (identity := self._models.index.get(key)) is None:
                raise CardError(str(file), place, "no card or release has this repository")
            if key in seen:
                raise CardError(str(file), place, "stands twice")
            seen.add(key)
            card = self._models.get(identity).as_release(line.hub_id)
            self.check(card, identity, line.hub_id, line.count, line.reason, str(file), place)
            counts.setdefault(identity, set()).add(line.count)
        self._named.update(counts)
        return len(seen)
