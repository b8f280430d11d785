"""What can be rented for a model, in plain words."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL
from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.planning.rent import Rental, Rentals
from gpu_sizer.planning.uncounted import uncounted_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def money(value: float) -> str:
    """US dollars, with cents."""
    return f"${value:,.2f}"


def named(rental: Rental) -> str:
    """The machines in words: ``2 × p5.48xlarge of AWS``."""
    count = f"{rental.machines} × " if rental.machines > 1 else ""
    if rental.offer.provider == LOCAL:
        return f"{count}{rental.offer.machine.name}"
    return f"{count}{rental.offer.machine.name} of {rental.offer.provider_name}"


def inside(rental: Rental) -> str:
    """The GPUs in them: ``16 × NVIDIA H100 SXM5 80 GB``."""
    gpus = rental.gpus_each * rental.machines
    return f"{gpus} × {rental.gpu.name}" if rental.offer.machine.slice is None else rental.gpu.name


def priced(rental: Rental, *, monthly: bool = True) -> str:
    """What they cost: ``$28.96 an hour, $21,141 a month (price of 2026-08-13)``."""
    hour, month, price = rental.price_hour_usd, rental.price_month_usd, rental.price
    if price is None or hour is None or month is None:
        return rental.doubt or "no price known"
    kind = f"{price.kind} " if price.kind != "on-demand" else ""
    region = f" in {price.region}" if price.region else ""
    day = f"price of {price.date.isoformat()}" if price.date else "undated price"
    old = f", {rental.doubt}" if rental.doubt not in (None, "undated") else ""
    month_text = f", ${month:,.0f} a month" if monthly else ""
    return f"{money(hour)} an hour{month_text} ({kind}{day}{region}{old})"


def rent_headline(found: Rentals) -> str:
    """The answer in one sentence."""
    if not found.fits:
        most = found.wanted.max_price
        below = f" for {money(most)} an hour or less" if most is not None else ""
        return f"Nothing that is known to be rented out{below} carries {found.model.name}, up to {_most(found)} GPUs."
    best = found.cheapest
    if best is None:
        first = found.options[0]
        return f"{found.model.name} runs on {named(first)} ({inside(first)}); no price is known that can be compared."
    tight = ", tight" if best.memory.verdict == "tight" else ""
    return f"Cheapest for {found.model.name}: {named(best)} ({inside(best)}){tight}, {priced(best)}."


def _most(found: Rentals) -> int:
    return found.request.max_gpus


def rent_remarks(found: Rentals) -> Iterator[str]:
    """What holds for the whole list."""
    if any(r.doubt is not None and r.price is not None for r in found.shown):
        yield (
            "A price with more than a day in the last column is listed behind all others: undated, superseded, over a "
            f"year old, or of another kind than {found.wanted.kind}."
        )
    if (hidden := len(found.options) - len(found.shown)) > 0:
        yield f"{hidden} more carry it: --all shows them, --provider and --max-price narrow the list."
    if found.left_out:
        yield (
            f"{found.left_out} more are not listed: dearer machines of the same GPUs at the same provider, several "
            "machines without a fast link between GPUs, or a price above the most allowed."
        )
    if found.too_small:
        yield f"{found.too_small} machines do not carry it in any number up to {_most(found)} GPUs."
    yield (
        f"Prices in US dollars for all machines together, a month of {HOURS_PER_MONTH} hours; traffic, disks and "
        "taxes aside."
    )
    yield from uncounted_lines(found.uncounted)
