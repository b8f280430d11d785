"""Tables of re-releases read from their YAML: what the compiled table is made from, and what ``validate`` asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.checks import check_length
from gpu_sizer.cards.hub_counts import Explained
from gpu_sizer.cards.loading import load_cards
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.cards.rerelease_table import Table, as_line
from gpu_sizer.errors import CardError
from gpu_sizer.fast.stamps import yaml_files

if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Shelf


def tables(folders: Sequence[str]) -> list[tuple[Path, Table]]:
    """Every table of some folders with its file, validated.

    Raises:
        CardError: a file that cannot be used; the message names file, line, key and reason.
    """
    files = [(Path(file), Path(folder)) for folder in folders for file in yaml_files([folder])]
    return [(file, table) for file, folder in files for table in load_cards(file, Table, within=folder)]


def contents(folders: Sequence[str], newer: str | None = None) -> dict[str, Any]:
    """The lines by the normal form of their hub ids: card, source, hub id, format or formats, context, vocabulary.

    Args:
        folders: where the tables are.
        newer: the one of these folders whose lines take the place of those of the same hub id.

    Raises:
        CardError: the first file that cannot be used, or a hub id in two lines.
    """
    made: dict[str, Any] = {}
    for folder in folders:
        here: dict[str, Any] = {}
        for file, table in tables([folder]):
            for card, lines in table.cards.items():
                for line in lines:
                    key = normal(line.hub_id)
                    if key in here or (key in made and folder != newer):
                        raise CardError(str(file), f"cards.{card}", f"{line.hub_id!r} stands twice")
                    formats = line.formats or line.format
                    here[key] = [card, table.source, line.hub_id, formats, line.context, line.vocab_size]
        made |= here
    return made


def by_organisation(lines: Mapping[str, list[Any]]) -> dict[str, dict[str, dict[str, list[list[Any]]]]]:
    """The same by organisation, source and card, as tables have them: no name is kept twice.

    Args:
        lines: as :func:`contents` gives them.
    """
    made: dict[str, dict[str, dict[str, list[list[Any]]]]] = {}
    for key, (card, source, *line) in lines.items():
        cards = made.setdefault(key.partition("/")[0], {}).setdefault(source, {})
        cards.setdefault(card, []).append(line)
    return made


def check(file: Path, table: Table, models: Shelf[ModelCard], explained: Explained) -> int:
    """Every line leads to a card, to another format only where the card is in none, with the card's count.

    Args:
        file: the table's file.
        table: the table.
        models: the cards.
        explained: what the hub's counts of the cards' own repositories say.

    Raises:
        CardError: the first line that does not.
    """
    seen: set[str] = set()
    for name, lines in table.cards.items():
        if (identity := models.lookup(name)) is None:
            raise CardError(str(file), f"cards.{name}", "no card is called so")
        card = models.get(identity).as_release(name)
        for line in lines:
            place = f"cards.{name}"
            if line.hub_id.count("/") != 1:
                raise CardError(str(file), place, f"{line.hub_id!r} is no hub id (organisation/name)")
            if models.index.get(normal(line.hub_id)) is not None:
                raise CardError(str(file), place, f"{line.hub_id!r} has a card or release of its own already")
            if normal(line.hub_id) in seen:
                raise CardError(str(file), place, f"{line.hub_id!r} stands twice")
            if (sized := as_line(card, line, table.source)) is None:
                raise CardError(
                    str(file),
                    place,
                    f"{line.hub_id!r}: {line.format or line.formats} over a card that has a format already",
                )
            check_length(card, line.hub_id, line.context, file, place)
            if line.count is not None:
                explained.check(sized, identity, line.hub_id, line.count, line.reason, str(file), place)
            seen.add(normal(line.hub_id))
    return len(seen)
