"""What can be rented for a model, as a table."""

from __future__ import annotations

from gpu_sizer.planning.rent import Rentals
from gpu_sizer.planning.rental import Rental
from gpu_sizer.reports.listings import CatalogueListing
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.words.rent import RENT_COLUMNS, rent_remarks, rent_row

#: The columns in formats that hold data.
_KEYS = (
    *("name", "provider", "gpus", "layout", "free_bytes", "price_hour_usd", "price_month_usd"),
    *("watts", "as_of", "usd_per_million_tokens"),
)


def rental_listing(rentals: Rentals, assumed: str = "") -> CatalogueListing:
    """The list as a table.

    Args:
        rentals: what carries the load.
        assumed: what was assumed, in one line.
    """
    columns = tuple(
        Column(key, c.title, c.right, rank=c.rank, flow=c.flow) for key, c in zip(_KEYS, RENT_COLUMNS, strict=True)
    )
    rows = tuple(_row(r) for r in rentals.shown)
    title = f"Machines for {rentals.model.name}"
    grid = Grid(title, columns, (Group(None, rows),), tuple(rent_remarks(rentals)), assumed)
    return CatalogueListing(grid, [r.model_dump() for r in rentals.shown])


def _row(r: Rental) -> Row:
    free = r.memory.per_gpu.free_bytes if r.memory.per_gpu else None
    day = r.price.date.isoformat() if r.price and r.price.date else None
    values = (
        *(r.offer.machine.name, r.offer.provider, r.gpu.id, r.memory.layout.describe(), free),
        *(r.price_hour_usd, r.price_month_usd, r.watts, day),
        r.cost.rounded if r.cost is not None else None,
    )
    return Row(r.offer.key, tuple(Cell(text, value) for text, value in zip(rent_row(r), values, strict=True)))
