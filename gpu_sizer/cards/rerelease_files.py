"""Tables of re-releases read from their YAML: what the compiled table is made from, and what ``validate`` asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.checks import check_length
from gpu_sizer.cards.hub_counts import Explained
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.cards.rerelease_table import Table, as_line
from gpu_sizer.compiled import yaml_files
from gpu_sizer.errors import CardError

if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Shelf


def tables(folders: Sequence[str]) -> dict[Path, Table]:
    """Every table of some folders, validated.

    Raises:
        CardError: a file that cannot be used; the message names file, line, key and reason.
    """
    files = [(Path(file), Path(folder)) for folder in folders for file in yaml_files([folder])]
    return {file: load_card(file, Table, within=folder) for file, folder in files}


def contents(folders: Sequence[str]) -> dict[str, Any]:
    """The lines by the normal form of their hub ids: card, source, hub id, format, context, vocabulary.

    Raises:
        CardError: the first file that cannot be used, or a hub id in two lines.
    """
    found: dict[str, Any] = {}
    for file, table in tables(folders).items():
        for card, lines in table.cards.items():
            for line in lines:
                key = normal(line.hub_id)
                if key in found:
                    raise CardError(str(file), f"cards.{card}", f"{line.hub_id!r} stands twice")
                found[key] = [card, table.source, line.hub_id, line.format, line.context, line.vocab_size]
    return found


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
            if (found := as_line(card, line, table.source)) is None:
                raise CardError(
                    str(file), place, f"{line.hub_id!r}: {line.format} over a card that has a format already"
                )
            check_length(card, line.hub_id, line.context, file, place)
            if line.count is not None:
                explained.check(found, identity, line.hub_id, line.count, line.reason, str(file), place)
            seen.add(normal(line.hub_id))
    return len(seen)
