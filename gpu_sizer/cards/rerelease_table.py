"""Repositories of the hub that hold a known model again: found by hub id, each with the card that it is.

They are lines of tables in ``model_cards/rereleases/``, not cards: fine-tunes with exactly a card's shape, and copies
in another format of weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rereleases import LAYER_KINDS, as_rerelease, in_formats
from gpu_sizer.records import dataclass, replace

if TYPE_CHECKING:
    from gpu_sizer.model.constraints import Id, ParameterCount, PositiveInt, Text, Tokens, WeightFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One repository."""

    hub_id: Text
    format: WeightFormat | None = None
    """The format of its linear layers, where it is another than the card's."""
    formats: dict[Id, WeightFormat] | None = None
    """In place of one format: that of each kind of its matrices (experts, attention ...) that is in another than the
    card's."""
    context: Tokens | None = None
    """Its context length in tokens, where it is longer than the card's."""
    vocab_size: PositiveInt | None = None
    """Rows of its embedding, where it has more or fewer than the card."""
    count: ParameterCount | None = None
    """Parameters as the hub counts them; null for packed weights, whose counts are of words."""
    reason: Text | None = None
    """Why the count is another than the card's, where that does not follow from the card."""

    def __post_init__(self) -> None:
        if self.formats is None:
            return
        if self.format is not None:
            raise ValueError("a format, or formats of kinds of matrices")
        if unknown := sorted(set(self.formats) - set(LAYER_KINDS)):
            raise ValueError(f"formats: {unknown[0]!r} is none of {', '.join(LAYER_KINDS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file of lines."""

    source: Text
    """What tells of all of them: a package by name and version, and its day."""
    cards: dict[Id, tuple[Line, ...]]
    """For each card, by its id or the hub id of one of its releases, the repositories that are it again."""


def as_line(card: ModelCard, line: Line, source: str) -> ModelCard | None:
    """A card as one of the repositories that are it again; null where the card is in another format already."""
    ending = line.hub_id.rpartition("/")[2]
    made: ModelCard | None = card
    if line.formats is not None:
        made = in_formats(card, line.hub_id, line.formats)
    elif line.format is not None:
        made = as_rerelease(card, line.hub_id, line.format)
    if made is None:
        return None
    if line.vocab_size is not None:
        made = made.with_vocabulary(line.vocab_size)
    context = made.context
    if line.context is not None and line.context > (context.extended or context.native):
        context = replace(context, native=line.context, extended=None, method=None)
    note = f"{line.hub_id} is sized as {card.name}, whose shape it has ({source})"
    return replace(made, name=ending, hub_id=line.hub_id, released=None, context=context, notes=(*made.notes, note))
