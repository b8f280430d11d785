"""Which open model to run now, and where: for each price an hour the best rated one that a rented machine carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.cards.fleet import fleet
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.quantities import tokens
from gpu_sizer.planning.rent import rent
from gpu_sizer.planning.rental import Wanted
from gpu_sizer.reports.article.draft import Section
from gpu_sizer.reports.article.rated import LEAST_SCORE
from gpu_sizer.reports.article.served import remarks, served, served_grid
from gpu_sizer.reports.tables.columns import short_name
from gpu_sizer.reports.tables.formats.md import write
from gpu_sizer.words.rental import money

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from gpu_sizer.arena.standings import Standing, Table
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.reports.article.served import Conversation
    from gpu_sizer.reports.tables.spec import TableSpec

#: Models whose machines are looked up, the best rated first.
MOST_MODELS = 40


def cheapest(
    standings: Iterable[Standing],
    cards: Catalogue,
    spec: TableSpec,
    advance: Callable[[int], None] = lambda part: None,
) -> list[tuple[Standing, Rental]]:
    """The cheapest machines of each rated model, as far as their price can be compared.

    Args:
        standings: models with a card.
        cards: models and GPUs.
        spec: the article's table, whose load has to be carried.
        advance: called with how many more models are done.
    """
    offers = fleet(cards).all()
    offered = []
    for standing in standings:
        assert standing.id is not None
        card = cards.models.get(standing.id)
        length = None if spec.context is None else tokens(spec.context, card.context.native)
        load = {"context": length, **spec.load}
        load.pop("gpus_per_node", None)
        try:
            # Each price is told with its day: no age counts against it, so that the article is the same tomorrow.
            option = rent(card, offers, cards.gpus.get, Wanted(), **load).cheapest
        except RequestError:
            option = None
        if option is not None:
            offered.append((standing, option))
        advance(1)
    return offered


def bargains(pairs: Iterable[tuple[Standing, Rental]]) -> list[tuple[Standing, Rental]]:
    """Those than which no better rated one is as cheap, the cheapest first."""
    kept: list[tuple[Standing, Rental]] = []
    for standing, option in sorted(pairs, key=lambda f: (f[1].price_hour_usd or 0.0, -f[0].rating)):
        if not kept or standing.rating > kept[-1][0].rating:
            kept.append((standing, option))
    return kept


def rated_models(table: Table, known: Collection[str]) -> list[Standing]:
    """The best rated release of each open model of the article, the best first."""
    best: dict[str, Standing] = {}
    for s in table.standings:
        if s.id is None or s.id not in known or not s.open or s.rating < LEAST_SCORE:
            continue
        if s.id not in best or s.rating > best[s.id].rating:
            best[s.id] = s
    return sorted(best.values(), key=lambda s: -s.rating)[:MOST_MODELS]


def now_section(
    table: Table,
    known: Collection[str],
    cards: Catalogue,
    spec: TableSpec,
    asked: Conversation,
    advance: Callable[[int], None] = lambda part: None,
) -> Section | None:
    """Which model to run for which price an hour; null where no machine with a price carries any.

    Args:
        table: the Arena's.
        known: ids of the article's models.
        cards: models and GPUs.
        spec: the article's table.
        asked: who asks, and what.
        advance: called with how many more models are done.
    """
    kept = bargains(cheapest(rated_models(table, known), cards, spec, advance))
    if not kept:
        return None
    rows = []
    for standing, option in kept:
        assert standing.id is not None
        count = option.machines * option.gpus_each
        row = served(standing, cards.models.get(standing.id), option.gpu, count, asked, option)
        rows.append((row, f"{count} × {short_name(option.gpu)}"))
    first, last = kept[0], kept[-1]
    text = (
        f"From {money(first[1].price_hour_usd or 0)} an hour: {first[0].name}, {first[0].rating:.0f} points. "
        "Each further line costs more and is rated higher than every line above it"
    )
    if last is not first:
        text += (
            f", up to {last[0].name} with {last[0].rating:.0f} points at {money(last[1].price_hour_usd or 0)} an hour"
        )
    day = max(str(option.price.date) for _, option in kept if option.price and option.price.date)
    notes = (
        f"The machines are the cheapest that carry the article’s load, of the newest prices that are known (until "
        f"{day}); gpu-sizer rent MODEL lists the others.",
    )
    grid = served_grid(
        "Which open model to run now, by price an hour", rows, asked, (*remarks([s for s, _ in rows], asked), *notes)
    )
    return Section("Which to run now, and where", (f"{text}.",), (), (), write(grid))
