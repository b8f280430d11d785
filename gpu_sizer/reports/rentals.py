"""What can be rented for a model, as a table."""

from __future__ import annotations

from gpu_sizer.planning.rent import Rentals
from gpu_sizer.planning.rent_sentences import rent_remarks
from gpu_sizer.planning.rental import Rental
from gpu_sizer.planning.rental_words import money
from gpu_sizer.reports.listings import CatalogueListing
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import gib


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
        Column("free_bytes", "free a GPU", right=True),
        Column("price_hour_usd", "per hour", right=True),
        Column("price_month_usd", "per month", right=True),
        Column("watts", "watts", right=True),
        Column("as_of", "price of"),
    )
    rows = tuple(_row(r) for r in found.shown)
    title = f"Machines for {found.model.name}"
    grid = Grid(title, columns, (Group(None, rows),), tuple(rent_remarks(found)), assumed)
    return CatalogueListing(grid, [r.model_dump() for r in found.shown])


def _row(r: Rental) -> Row:
    machine, memory, hour, month = r.offer.machine, r.memory, r.price_hour_usd, r.price_month_usd
    gpus = r.gpus_each * r.machines
    free = memory.per_gpu.free_bytes if memory.per_gpu else None
    tight = " (tight)" if memory.verdict == "tight" else ""
    day = r.price.date.isoformat() if r.price and r.price.date else None
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
            Cell(", ".join(filter(None, (day, r.doubt))), day),
        ),
    )
