"""What can be rented for a model, as a headline and a table."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.planning.rent import Rental, Rentals
from gpu_sizer.planning.uncounted import uncounted_lines
from gpu_sizer.reports.listings import CatalogueListing
from gpu_sizer.reports.machine_listings import money
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import gib


def named(rental: Rental) -> str:
    """The machines in words: ``2 × p5.48xlarge of AWS (16 × NVIDIA H100 SXM5 80 GB)``."""
    machine = rental.offer.machine
    count = f"{rental.machines} × " if rental.machines > 1 else ""
    gpus = rental.gpus_each * rental.machines
    inside = f"{gpus} × {rental.gpu.name}" if machine.slice is None else rental.gpu.name
    return f"{count}{machine.name} of {rental.offer.provider_name} ({inside})"


def priced(rental: Rental) -> str:
    """What it costs in words: ``$28.96 an hour, $21,141 a month (price of 2026-08-13)``."""
    hour, month, price = rental.price_hour_usd, rental.price_month_usd, rental.price
    if price is None or hour is None or month is None:
        return rental.doubt or "no price known"
    kind = f"{price.kind} " if price.kind != "on-demand" else ""
    region = f" in {price.region}" if price.region else ""
    day = f"price of {price.date.isoformat()}" if price.date else "undated price"
    return f"{money(hour)} an hour, ${month:,.0f} a month ({kind}{day}{region})"


def headline(found: Rentals) -> str:
    """The answer in one sentence."""
    if not found.fits:
        return f"Nothing that is known to be rented out carries {found.model.name} up to {found.request.max_gpus} GPUs."
    best = found.cheapest
    if best is None:
        first = found.options[0]
        return f"{found.model.name} runs on {named(first)}; no price that can be compared is known: {priced(first)}."
    tight = ", tight" if best.memory.verdict == "tight" else ""
    return f"Cheapest for {found.model.name}: {named(best)}{tight}, {priced(best)}."


def remarks(found: Rentals) -> Iterator[str]:
    """What holds for the whole list."""
    if any(r.doubt is not None and r.price is not None for r in found.shown):
        yield (
            "A price marked in the last column is listed behind all others: undated, superseded, over a year old, or "
            f"of another kind than {found.wanted.kind}."
        )
    if (hidden := len(found.options) - len(found.shown)) > 0:
        yield f"{hidden} more carry it: --all shows them, --provider and --max-price narrow the list."
    if found.left_out:
        yield (
            f"{found.left_out} more are not listed: dearer machines of the same GPUs at the same provider, several "
            "machines without a fast link between GPUs, or a price above the most allowed."
        )
    if found.too_small:
        yield f"{found.too_small} machines are too small in any number up to {found.request.max_gpus} GPUs."
    yield f"Prices in US dollars for all machines together, a month of {HOURS_PER_MONTH} hours; traffic, disks and taxes aside."
    yield from uncounted_lines(found.uncounted)


def rental_listing(found: Rentals, assumed: str = "") -> CatalogueListing:
    """The list as a table.

    Args:
        found: what carries the load.
        assumed: what was assumed, in one line.
    """
    columns = (
        Column("name", "machines"),
        Column("provider", "provider"),
        Column("gpus", "GPUs"),
        Column("layout", "layout"),
        Column("free_bytes", "free", right=True),
        Column("price_hour_usd", "per hour", right=True),
        Column("price_month_usd", "per month", right=True),
        Column("watts", "watts", right=True),
        Column("as_of", "price of"),
    )
    rows = tuple(_row(r) for r in found.shown)
    title = f"Machines for {found.model.name}"
    grid = Grid(title, columns, (Group(None, rows),), tuple(remarks(found)), assumed)
    return CatalogueListing(grid, [r.model_dump() for r in found.shown])


def _row(r: Rental) -> Row:
    machine, memory, hour, month = r.offer.machine, r.memory, r.price_hour_usd, r.price_month_usd
    gpus = r.gpus_each * r.machines
    free = memory.per_gpu.free_bytes if memory.per_gpu else None
    tight = " (tight)" if memory.verdict == "tight" else ""
    day = r.price.date.isoformat() if r.price and r.price.date else None
    marked = r.doubt if r.doubt is not None else day or ""
    if r.doubt is not None and day is not None:
        marked = f"{day}, {r.doubt}"
    return Row(
        r.offer.key,
        (
            Cell(f"{r.machines} × {machine.name}", machine.name),
            Cell(r.offer.provider, r.offer.provider),
            Cell(f"{gpus} × {r.gpu.id}", r.gpu.id),
            Cell(memory.layout.describe() + tight, memory.layout.describe()),
            Cell(gib(free) if free is not None else "", free),
            Cell(money(hour) if hour is not None else "", hour),
            Cell(f"${month:,.0f}" if month is not None else "", month),
            Cell(f"{r.watts:,}" if r.watts is not None else "", r.watts),
            Cell(marked, day),
        ),
    )
