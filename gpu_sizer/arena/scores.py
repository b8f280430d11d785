"""The Arena's ratings of the catalogue's models, for tables and articles."""

from __future__ import annotations

from datetime import date

from gpu_sizer.arena.history import read_history
from gpu_sizer.arena.standings import Table
from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.light_card import light_cards
from gpu_sizer.errors import RequestError


def arena_table(cards: Catalogue, as_of: date | None) -> Table:
    """The Arena's table of a day, joined to the catalogue.

    Raises:
        RequestError: the bundled history begins later, or no listed model joins to a card.
    """
    from gpu_sizer.arena.standings import entrants, table

    return table(read_history(), entrants(cards.models.all(), light_cards()), as_of)


def arena_table_or_none(cards: Catalogue, as_of: date | None) -> Table | None:
    """The same, or null where there is none for the day."""

    try:
        return arena_table(cards, as_of)
    except RequestError:
        return None


def rated_now(cards: Catalogue) -> tuple[dict[str, float], str]:
    """The newest ratings of the catalogue's models, and whose they are, of which day and under which licence.

    Raises:
        RequestError: no listed model joins to a card.
    """
    from gpu_sizer.arena.sentences import basis

    table = arena_table(cards, None)
    rights = f" ({table.rights})" if table.rights else ""
    return scores(table), f"{basis(table)}{rights}"


def scores(table: Table) -> dict[str, float]:
    """The rating of each open model by id: that of its best rated release."""
    by_id: dict[str, float] = {}
    for standing in table.standings:
        if standing.open and standing.id is not None:
            by_id[standing.id] = max(standing.rating, by_id.get(standing.id, standing.rating))
    return by_id
