"""Rented machines in plain words."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.planning.rental import Rental


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
