"""Machines that can be rented, as a list."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from gpu_sizer.cards.fleet import in_it
from gpu_sizer.cards.machine import HOURS_PER_MONTH, MachinePrice, Offer
from gpu_sizer.cards.names import bare
from gpu_sizer.records import dataclass
from gpu_sizer.reports.listings import CatalogueListing
from gpu_sizer.reports.selecting import ordered
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.words.rental import money

#: Every kind of price, those on demand first.
EVERY_KIND = ("on-demand", "marketplace", "list", "reserved", "spot")
#: Kinds of price that are shown where nothing else is asked for: of what is rented by the hour, at a price told.
SHOWN_KINDS = EVERY_KIND[:3]


def shown_price(offer: Offer) -> MachinePrice | None:
    """The price that a list shows: on demand before any other."""
    return next((p for kind in SHOWN_KINDS if (p := offer.price((kind,))) is not None), None)


def _dollars(offer: Offer) -> float | None:
    price = shown_price(offer)
    return price.usd_per_hour if price is not None else None


#: What the list can be sorted by.
MACHINE_KEYS: dict[str, Callable[[Offer], str | float | datetime.date | None]] = {
    "provider": lambda o: o.provider,
    "machine": lambda o: o.machine.name,
    "gpu": lambda o: o.machine.gpu,
    "count": lambda o: o.machine.count,
    "price": _dollars,
}


@dataclass(frozen=True, slots=True)
class MachineFilter:
    """What a machine must be to be listed; null asks for nothing."""

    text: str | None = None
    """Part of a machine's, provider's or GPU's name."""
    gpu: str | None = None
    """Id of a spec."""
    provider: str | None = None
    """Id of a provider."""

    def keeps(self, offer: Offer) -> bool:
        """Whether a machine is listed."""
        m = offer.machine
        names = (m.name, *m.aliases, offer.key, offer.provider_name, m.gpu, m.slice, m.gpu_told, *m.gpu_candidates)
        return (
            (self.gpu is None or self.gpu in (m.gpu, m.slice))
            and (self.provider is None or self.provider == offer.provider)
            and (not self.text or any(bare(self.text) in bare(n) for n in names if n))
        )


def machine_listing(
    offers: Sequence[Offer], wanted: MachineFilter | None = None, *, sort: str | None = None
) -> CatalogueListing:
    """The machines that a filter keeps.

    Args:
        offers: the machines of the catalogue.
        wanted: what to keep; null is all.
        sort: a key of :data:`MACHINE_KEYS`, with a minus the largest first.

    Raises:
        RequestError: no such key.
    """
    wanted = wanted or MachineFilter()
    kept = [o for o in ordered(offers, sort, MACHINE_KEYS) if wanted.keeps(o)]
    columns = (
        Column("provider", "provider", rank=3),
        Column("name", "machine"),
        Column("gpus", "GPUs", rank=1),
        Column("vcpus", "vCPUs", right=True, rank=6),
        Column("memory_gib", "memory", right=True, rank=5),
        Column("price_hour_usd", "per hour", right=True, rank=2),
        Column("price_month_usd", "per month", right=True, rank=7),
        Column("as_of", "price of", rank=4),
    )
    notes: list[str] = []
    if unknown := sum(o.machine.gpu is None for o in kept):
        notes.append(f"{unknown} of these have a GPU whose form or memory their source leaves open (?): not sized")
    if kept:
        notes.append(f"prices in US dollars for the whole machine, a month of {HOURS_PER_MONTH} hours")
    grid = Grid("Machines", columns, (Group(None, tuple(map(_row, kept))),), tuple(notes))
    return CatalogueListing(grid, [machine_record(o) for o in kept])


def told_of(price: MachinePrice) -> str:
    """When and of what kind a price is: ``2026-10-06``, ``undated, spot``."""
    day = price.date.isoformat() if price.date else "undated"
    doubt = price.doubt()
    extra = [doubt] if doubt and doubt != "undated" else []
    return ", ".join([day, *extra, *([price.kind] if price.kind != "on-demand" else [])])


def whole_or_part(count: float) -> float:
    """A number of GPUs as data: whole ones as an integer."""
    return int(count) if count == int(count) else count


def _row(offer: Offer) -> Row:
    m, price = offer.machine, shown_price(offer)
    usd = price.usd_per_hour if price is not None else None
    month = usd * HOURS_PER_MONTH if usd is not None else None
    marks = (m.trap,) if m.trap else ()
    return Row(
        offer.key,
        (
            Cell(offer.provider, offer.provider),
            Cell(m.name, m.name, marks),
            Cell(in_it(m) + ("" if m.gpu else " ?"), in_it(m)),
            Cell(str(m.vcpus or ""), m.vcpus),
            Cell(f"{m.memory_gib:,.0f} GiB" if m.memory_gib else "", m.memory_gib),
            Cell(money(usd) if usd is not None else "", usd),
            Cell(f"${month:,.0f}" if month is not None else "", month),
            Cell(told_of(price) if price is not None else "", price.date.isoformat() if price and price.date else None),
        ),
    )


def price_record(price: MachinePrice) -> dict[str, Any]:
    """One price as JSON."""
    return {
        "price_hour_usd": price.usd_per_hour,
        "per_hour": price.per_hour,
        "currency": price.currency,
        "kind": price.kind,
        "region": price.region,
        "as_of": price.date.isoformat() if price.date else None,
        "doubt": price.doubt(),
        "source": price.source,
    }


def machine_record(offer: Offer) -> dict[str, Any]:
    """One machine as JSON."""
    m = offer.machine
    return {
        "provider": offer.provider,
        "name": m.name,
        "aliases": list(m.aliases),
        "gpu": m.gpu,
        "gpu_candidates": list(m.gpu_candidates),
        "gpu_told": m.gpu_told,
        "count": whole_or_part(m.count),
        "slice": m.slice,
        "gpu_memory_gib": m.gpu_memory_gib,
        "memory_gib": m.memory_gib,
        "vcpus": m.vcpus,
        "link": m.link,
        "prices": [price_record(p) for p in m.prices],
        "trap": m.trap,
        "source": m.source,
        "second_source": m.second_source,
    }
