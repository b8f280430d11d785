"""Light cards: models that are known by name and date alone.

Proprietary models have no others. An open model has one as long as nothing tells its architecture, so that it stands in
histories; a model card that bears the same names goes before it.
"""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.catalogue import code_folders, data_folder
from gpu_sizer.cards.folders import LIGHT_FOLDERS
from gpu_sizer.cards.model_card import Source
from gpu_sizer.cards.trusted import build, kept
from gpu_sizer.errors import CardError
from gpu_sizer.fast.compiled import Recipe
from gpu_sizer.fast.stamps import yaml_files
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gpu_sizer.model.constraints import Id, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LightCard:
    """A model that cannot be sized: what it is called, who released it and when."""

    id: Id
    name: Text
    """Its name as people write it."""
    organization: Text
    released: date
    """The day its users could first reach it."""
    arena_names: tuple[Text, ...] = ()
    """Names in the Chatbot Arena's tables."""
    open: bool = False
    """Whether its weights are public."""
    sources: tuple[Source, ...]
    """Where the date comes from; at least one."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a card needs at least one source")


def load_light_cards(file: Path, within: Path | None = None) -> list[LightCard]:
    """The light cards of a file, validated.

    Raises:
        CardError: the file cannot be used; the message names file, line, key and reason.
    """
    from gpu_sizer.cards.loading import read_documents, validate

    check: Any = validate
    return [check(data, LightCard, file, node) for data, node in read_documents(file, within)]


def recipe(cards: str | None = None) -> Recipe:
    """What the compiled light cards are made from.

    Args:
        cards: the folder of cards that holds theirs; null is the shipped one.
    """
    folders = tuple(os.path.join(cards or data_folder("model_cards"), name) for name in LIGHT_FOLDERS)

    def make() -> dict[str, Any]:
        from gpu_sizer.cards.writing import jsonable

        return {"cards": tuple([kept(jsonable(card)) for card in _read(folders)])}

    return Recipe("light", folders, make, code=code_folders())


def light_cards(folder: str | None = None) -> tuple[LightCard, ...]:
    """Every light card, by date of release.

    Args:
        folder: where they are; null is the shipped ``model_cards/proprietary`` and ``model_cards/unsized``.

    Raises:
        CardError: a card that cannot be used, or an id or Arena name that two cards claim.
    """
    if folder is not None:
        return _read((folder,))
    if (compiled := recipe().current()) is not None:
        return tuple([build(LightCard, data) for data in compiled.entry("cards")])
    return _read([os.path.join(data_folder("model_cards"), name) for name in LIGHT_FOLDERS])


def _read(folders: Sequence[str]) -> tuple[LightCard, ...]:
    """The light cards of some folders, from their YAML."""
    from pathlib import Path

    cards: list[LightCard] = []
    owners: dict[str, str] = {}
    for place in folders:
        for path in yaml_files([place]):
            for card in load_light_cards(Path(path), within=Path(place)):
                for name in {card.id, *card.arena_names}:
                    if name in owners:
                        raise CardError(path, "arena_names", f"{name!r} is also a name of {owners[name]}")
                    owners[name] = card.id
                cards.append(card)
    return tuple(sorted(cards, key=lambda c: (c.released, c.id)))
