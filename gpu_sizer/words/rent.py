"""What can be rented for a model, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.planning.rent import Rentals, lengths
from gpu_sizer.planning.rental import Rental
from gpu_sizer.units import amount, gib, verb
from gpu_sizer.words.blocks import BRIEF, FEW, USUAL, Column, Paragraph, Table, Told
from gpu_sizer.words.rental import behind, inside, marked, money, named, priced, token_dollars
from gpu_sizer.words.uncounted import uncounted_lines

if TYPE_CHECKING:
    from gpu_sizer.words.blocks import Block


def rent_headline(rentals: Rentals) -> str:
    """The answer in one sentence."""
    if not rentals.fits:
        most = rentals.wanted.max_price
        below = f" for {money(most)} an hour or less" if most is not None else ""
        return (
            f"Nothing that is known to be rented out{below} carries {rentals.model.name}, up to {_most(rentals)} GPUs."
        )
    best = rentals.cheapest
    if best is None:
        first = rentals.options[0]
        return f"{rentals.model.name} runs on {named(first)} ({inside(first)}); no price is known that can be compared."
    tight = ", tight" if best.memory.verdict == "tight" else ""
    unsuited = f" ({best.unsuited}: see below)" if best.unsuited else ""
    return f"Cheapest for {rentals.model.name}: {named(best)} ({inside(best)}){tight}, {priced(best)}{unsuited}."


#: The first to go where there is no room are those that a reader can do without longest.
RENT_COLUMNS = (
    Column("machines"),
    Column("provider", rank=3),
    Column("GPUs", rank=1),
    Column("layout", rank=4, flow=True),
    Column("free a GPU", right=True, rank=6),
    Column("per hour", right=True, rank=2),
    Column("per month", right=True, rank=7),
    Column("watts", right=True, rank=8),
    Column("price of", rank=5),
    Column("$ a million tokens", right=True, rank=9),
)


def rent_row(r: Rental) -> tuple[str, ...]:
    """Machines of a list."""
    hour, month = r.price_hour_usd, r.price_month_usd
    whole, used = r.gpus_each * r.machines, r.memory.layout.gpu_count
    used_of = f"{used} of {whole}" if used < whole else f"{whole}"
    marks = tuple(filter(None, ("tight" if r.memory.verdict == "tight" else None, r.unsuited)))
    remarks = f" ({', '.join(marks)})" if marks else ""
    day = r.price.date.isoformat() if r.price and r.price.date else None
    return (
        marked(r, f"{r.machines} × {r.offer.machine.name}"),
        r.offer.provider,
        f"{used_of} × {r.gpu.id}",
        r.memory.layout.describe() + remarks,
        gib(r.memory.per_gpu.free_bytes) if r.memory.per_gpu else "",
        money(hour) if hour is not None else "",
        f"${month:,.0f}" if month is not None else "",
        f"{r.watts:,}" if r.watts is not None else "",
        ", ".join(filter(None, (day, r.doubt))),
        token_dollars(r.cost.per_million) if r.cost is not None else "",
    )


def rent_told(rentals: Rentals, level: int = USUAL) -> Told:
    """What can be rented, in words."""
    blocks: tuple[Block, ...] = ()
    if rentals.shown:
        rows = tuple(map(rent_row, rentals.shown if level > BRIEF else rentals.shown[:FEW]))
        blocks = (Table(RENT_COLUMNS, rows), Paragraph(tuple(rent_remarks(rentals)), tone="dim", close=True))
    return Told(rent_headline(rentals), "fits" if rentals.fits else "does_not_fit", blocks)


def _most(rentals: Rentals) -> int:
    return rentals.request.max_gpus


def rent_remarks(rentals: Rentals) -> Iterator[str]:
    """What holds for the whole list."""
    yield from behind(rentals.shown)
    if any(r.doubt is not None and r.price is not None for r in rentals.shown):
        yield (
            "A price with more than a day in the last column is listed behind all others: undated, superseded, over a "
            f"year old, or of another kind than {rentals.wanted.kind}."
        )
    if (hidden := len(rentals.options) - len(rentals.shown)) > 0:
        carry = verb(hidden, "carries", "carry")
        yield f"{hidden} more {carry} it: --all shows them, --provider and --max-price narrow the list."
    if rentals.left_out:
        are = verb(rentals.left_out, "is", "are")
        yield (
            f"{rentals.left_out} more {are} not listed: dearer machines of the same GPUs at the same provider, several "
            "machines without a fast link between GPUs, or a price above the most allowed."
        )
    if rentals.too_small:
        some, do = amount(rentals.too_small, "machine"), verb(rentals.too_small, "does", "do")
        yield f"{some} {do} not carry it in any number up to {_most(rentals)} GPUs."
    yield (
        f"Prices in US dollars for all machines together, a month of {HOURS_PER_MONTH} hours; traffic, disks and "
        "taxes aside."
    )
    if any(r.cost is not None for r in rentals.shown):
        prompt, answer = lengths(rentals.request)
        users = rentals.request.users
        load = "one request at a time" if users == 1 else f"{users:,} requests at once"
        yield (
            f"A million tokens of answers, prompts included, by the estimate of speed: {load}, {prompt:,} tokens in "
            f"and {answer:,} out; more at once make them cheaper (--users)."
        )
    yield from uncounted_lines(rentals.uncounted)
