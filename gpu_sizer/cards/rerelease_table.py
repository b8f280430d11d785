"""Repositories of the hub that hold a known model again: found by hub id, each with the card that it is.

They are lines of tables in ``model_cards/rereleases/``, not cards: fine-tunes with exactly a card's shape, and copies
in another format of weights. A table is compiled into a file of its own, which is opened only for a name that no card
bears.
"""

from __future__ import annotations

import os
from functools import cached_property

from gpu_sizer.cards.model_card import ModelCard, Parameters
from gpu_sizer.cards.names import normal
from gpu_sizer.cards.rereleases import as_rerelease
from gpu_sizer.compiled import Compiled, Recipe
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gpu_sizer.cards.constraints import Id, PositiveInt, Text, WeightFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One repository."""

    hub_id: Text
    format: WeightFormat | None = None
    """The format of its linear layers, where it is another than the card's."""
    context: PositiveInt | None = None
    """Its context length in tokens, where it is longer than the card's."""
    vocab_size: PositiveInt | None = None
    """Rows of its embedding, where it has more or fewer than the card."""
    count: PositiveInt | None = None
    """Parameters as the hub counts them; null for packed weights, whose counts are of words."""


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
    found = card if line.format is None else as_rerelease(card, line.hub_id, line.format)
    if found is None:
        return None
    if line.vocab_size is not None:
        found = replace(
            found, architecture=replace(found.architecture, vocab_size=line.vocab_size), parameters=Parameters()
        )
    context = found.context
    if line.context is not None and line.context > (context.extended or context.native):
        context = replace(context, native=line.context, extended=None, method=None)
    note = f"{line.hub_id} is sized as {card.name}, whose shape it has ({source})"
    return replace(found, name=ending, hub_id=line.hub_id, released=None, context=context, notes=(*found.notes, note))


class Rereleases:
    """The tables of some folders.

    Args:
        folders: folders of ``*.yaml``; those that do not exist are passed by.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = tuple(f for f in folders if os.path.isdir(f))

    def recipe(self) -> Recipe:
        """What the compiled table is made from."""

        def make() -> dict[str, Any]:
            from gpu_sizer.cards.rerelease_files import contents

            return contents(self.folders)

        return Recipe("rereleases", self.folders, make, code=(os.path.dirname(os.path.abspath(__file__)),))

    @cached_property
    def _compiled(self) -> Compiled | None:
        return self.recipe().current()

    @cached_property
    def _made(self) -> dict[str, Any]:
        from gpu_sizer.cards.rerelease_files import contents

        return contents(self.folders)

    def find(self, hub_id: str) -> tuple[str, Line, str] | None:
        """The card of a hub id, its line and the line's source; null where there is none.

        Args:
            hub_id: with its organisation, in whatever case; a name without one is in no table.
        """
        if hub_id.count("/") != 1 or not self.folders:
            return None
        key = normal(hub_id)
        found = self._compiled.entry(key) if self._compiled is not None else self._made.get(key)
        if found is None:
            return None
        card, source, name, fmt, context, vocab_size = found
        return card, Line(hub_id=name, format=fmt, context=context, vocab_size=vocab_size), source
