"""Rented machines in plain words."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import LOCAL
from gpu_sizer.units import amount, ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request


def money(value: float) -> str:
    """US dollars, with cents."""
    return f"${value:,.2f}"


def token_dollars(value: float) -> str:
    """US dollars for a million tokens, in three figures."""
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def named(rental: Rental) -> str:
    """The machines in words: ``2 × p5.48xlarge of AWS``."""
    count = f"{rental.machines} × " if rental.machines > 1 else ""
    if rental.offer.provider == LOCAL:
        return f"{count}{rental.offer.machine.name}"
    return f"{count}{rental.offer.machine.name} of {rental.offer.provider_name}"


#: Behind machines that the layout does not suit.
MARK = " *"


def marked(rental: Rental, name: str) -> str:
    """A name in a list, with a mark where :func:`behind` says why it stands behind others."""
    return name + (MARK if rental.unsuited else "")


def behind(rentals: Iterable[Rental]) -> Iterator[str]:
    """What the mark of a list says, if one of it is marked."""
    if why := dict.fromkeys(r.unsuited for r in rentals if r.unsuited):
        yield f"* Listed behind the others of its kind of price: {', or '.join(why)}."


def times(count: int, name: str) -> str:
    """``3 × RTX A6000``."""
    return f"{count} × {name}"


def on(request: Request, count: int, layout: Layout | None = None) -> str:
    """What a load runs on: ``3 × RTX A6000 (pipeline of 3)``; where machines are asked for, their number first.

    Args:
        request: what is asked.
        count: GPUs in all.
        layout: over them; null where it is told elsewhere.
    """
    shape = layout.describe() if layout is not None and layout.gpu_count > 1 else ""
    if request.counts_machines:
        each = request.gpus_per_node if request.machine is None else request.machine.machine.gpu_count
        return in_machines(request.machine, request.gpu.short_name, count, each, shape)
    return times(count, request.gpu.short_name) + (f" ({shape})" if shape else "")


def in_machines(machine: Offer | None, gpu: str, count: int, each: int, shape: str = "") -> str:
    """``2 × AWS p5.48xlarge (16 × H100 SXM5 80 GB, tensor parallel 8 x pipeline of 2)``.

    The provider stands before the name, which may begin like a GPU's (a2-highgpu-8g).

    Args:
        machine: which one; null is any.
        gpu: the name of its GPUs.
        count: those that are used.
        each: those of one machine.
        shape: the layout in words.
    """
    machines = ceil_div(count, each)
    there = machines * each
    used = times(count, gpu) if count == there else f"{count} of {'its' if machines == 1 else 'their'} {there} × {gpu}"
    if machine is not None:
        told = f"{machines} × {machine.provider_name} {machine.machine.name}"
        return f"{told} ({', '.join(filter(None, (used, shape)))})"
    told = f"{amount(machines, 'machine')} of {times(each, gpu)}"
    if count == there:
        used = "" if machines == 1 else amount(count, "GPU")
    inner = ", ".join(filter(None, (used, shape)))
    return f"{told} ({inner})" if inner else told


def inside(rental: Rental) -> str:
    """The GPUs in them: ``16 × NVIDIA H100 SXM5 80 GB``."""
    gpus = rental.gpus_each * rental.machines
    return f"{gpus} × {rental.gpu.name}" if rental.offer.machine.slice is None else rental.gpu.name


def further_doubt(rental: Rental) -> str:
    """``, superseded``: why its price is compared with none, beside what its kind and day say already."""
    said = {"undated", rental.price.kind if rental.price is not None else ""}
    left = [part for part in (rental.doubt or "").split(", ") if part and part not in said]
    return "".join([f", {part}" for part in left])


def priced(rental: Rental, *, monthly: bool = True) -> str:
    """What they cost: ``$28.96 an hour, $21,141 a month (price of 2026-08-13)``."""
    hour, month, price = rental.price_hour_usd, rental.price_month_usd, rental.price
    if price is None or hour is None or month is None:
        return rental.doubt or "no price known"
    kind = f"{price.kind} " if price.kind != "on-demand" else ""
    region = f" in {price.region}" if price.region else ""
    day = f"price of {price.date.isoformat()}" if price.date else "undated price"
    month_text = f", ${month:,.0f} a month" if monthly else ""
    return f"{money(hour)} an hour{month_text} ({kind}{day}{region}{further_doubt(rental)})"
