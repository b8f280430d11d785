"""Light cards: models that are known by name and date alone.

Proprietary models have no others. An open model has one as long as nothing tells its architecture, so that it stands in
histories; a model card that bears the same names goes before it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.catalogue import data_folder
from gpu_sizer.cards.folders import LIGHT_FOLDERS
from gpu_sizer.cards.loading import read_documents, validate
from gpu_sizer.cards.model_card import Source
from gpu_sizer.errors import CardError
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
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
    check: Any = validate
    return [check(data, LightCard, file, node) for data, node in read_documents(file, within)]


def light_cards(folder: str | None = None) -> tuple[LightCard, ...]:
    """Every light card, by date of release.

    Args:
        folder: where they are; null is the shipped ``model_cards/proprietary`` and ``model_cards/unsized``.

    Raises:
        CardError: a card that cannot be used, or an id or Arena name that two cards claim.
    """

    shipped = Path(data_folder("model_cards"))
    places = [Path(folder)] if folder is not None else [shipped / name for name in LIGHT_FOLDERS]
    found: list[LightCard] = []
    owners: dict[str, str] = {}
    files = [(file, place) for place in places for file in sorted(place.rglob("*.yaml"))]
    for path, card in [(file, card) for file, place in files for card in load_light_cards(file, within=place)]:
        for name in {card.id, *card.arena_names}:
            if name in owners:
                raise CardError(str(path), "arena_names", f"{name!r} is also a name of {owners[name]}")
            owners[name] = card.id
        found.append(card)
    return tuple(sorted(found, key=lambda c: (c.released, c.id)))
