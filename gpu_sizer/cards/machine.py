"""Machines that can be rented by name: what is in them, and what they cost, where, when and by whose word."""

from __future__ import annotations

from gpu_sizer.cards.model_card import Source
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Literal

    from gpu_sizer.model.constraints import Id, PositiveFloat, PositiveInt, Text

#: Hours that providers and people reckon a month at.
HOURS_PER_MONTH = 730
#: Days after which a price is old: rents have moved by a third within a year.
STALE_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePrice:
    """What the whole machine cost for one hour, at a place, on a day."""

    per_hour: PositiveFloat
    currency: Literal["USD", "EUR"] | None = "USD"
    """Null where the source has a number and no currency: such a price is compared with none."""
    kind: Literal["on-demand", "spot", "reserved", "list", "marketplace"] = "on-demand"
    """list: told for a shape that is not sold on demand. marketplace: the lowest of many hosts' offers."""
    region: Text | None = None
    """Null where the price holds everywhere, or the source names no place."""
    date: datetime.date | None
    """The day it was read; null where the source bears none."""
    superseded: bool = False
    """Whether a later source says that the provider asks another price today."""
    source: Text

    @property
    def usd_per_hour(self) -> float | None:
        """US dollars an hour; null in another currency, or one not told."""
        return self.per_hour if self.currency == "USD" else None

    def is_current(self, as_of: datetime.date | None = None) -> bool:
        """Whether it can be compared with others: dated, in US dollars, not superseded, not old.

        Args:
            as_of: the day from which age is counted; null counts none.
        """
        if self.date is None or self.superseded or self.currency != "USD":
            return False
        return as_of is None or (as_of - self.date).days <= STALE_DAYS

    def doubt(self, as_of: datetime.date | None = None) -> str | None:
        """Why it is not current, in words; null where it is."""
        if self.currency != "USD":
            return f"in {self.currency}" if self.currency else "currency not told"
        if self.superseded:
            return "superseded"
        if self.date is None:
            return "undated"
        return None if self.is_current(as_of) else "over a year old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of a provider, rented whole."""

    name: Text
    """As the provider, or the tool that starts it, writes it."""
    aliases: tuple[Text, ...] = ()
    """Other names of it alone: a family sold in this size, a console's spelling."""
    gpu: Id | None
    """Id of the spec of its GPUs; null where the source leaves the memory or the form factor open."""
    gpu_candidates: tuple[Id, ...] = ()
    """Specs it could be where ``gpu`` is null."""
    gpu_told: Text
    """The GPU in the provider's words."""
    count: PositiveFloat
    """GPUs; below 1 for a slice of one."""
    slice: Id | None = None
    """Spec of the slice, by whose memory it is sized, where ``count`` is below 1."""
    gpu_memory_gib: PositiveFloat | None = None
    """Memory of one GPU, or of the slice, as the source tells it."""
    vcpus: PositiveInt | None = None
    memory_gib: PositiveFloat | None = None
    """The host's memory."""
    link: Literal["nvlink", "infinity-fabric", "pcie"] | None = None
    """How its GPUs reach each other; null for one GPU, and where it is not known."""
    prices: tuple[MachinePrice, ...] = ()
    trap: Text | None = None
    """What is easily got wrong about it: a misleading name, a source that tells another memory or count."""
    source: Text
    """Where its shape was read."""
    second_source: Text | None = None
    """Another place, independent of the first, where what it tells of the shape was read once more: a difference is
    named in ``trap``."""

    def __post_init__(self) -> None:
        if self.count < 1 and self.gpu is not None and self.slice is None:
            raise ValueError("a machine with part of a GPU names the spec of its slice")
        if self.count >= 1 and (self.slice is not None or self.count != int(self.count)):
            raise ValueError("GPUs are whole numbers, and a slice is less than one")

    @property
    def gpu_count(self) -> int:
        """GPUs that a program sees: a slice is one."""
        return max(1, int(self.count))

    @property
    def seen_gpu(self) -> str | None:
        """Id of the spec that a program sees, the slice's own for a slice."""
        return self.slice or self.gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A company from which machines are rented."""

    provider: Id
    """Its short name, as tools spell it: aws, gcp, massedcompute."""
    name: Text
    aliases: tuple[Text, ...] = ()
    """Other names of the company."""
    machines: tuple[Machine, ...]
    notes: tuple[Text, ...] = ()
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a provider needs at least one source")
        names = [m.name for m in self.machines]
        if twice := next((n for i, n in enumerate(names) if n in names[:i]), None):
            raise ValueError(f"machine {twice!r} stands twice")


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine together with the provider that rents it out."""

    provider: str
    provider_name: str
    machine: Machine

    @property
    def key(self) -> str:
        """Provider and name, which no other machine has: ``aws/p5.48xlarge``."""
        return f"{self.provider}/{self.machine.name}"

    def price(
        self,
        kinds: tuple[str, ...] = ("on-demand",),
        *,
        region: str | None = None,
        as_of: datetime.date | None = None,
    ) -> MachinePrice | None:
        """The lowest price of these kinds, a current one before any other; null where none is known.

        Args:
            kinds: kinds of price that are wanted.
            region: part of the region's name; a price without a region holds everywhere.
            as_of: the day from which age is counted.
        """
        offered = [
            p
            for p in self.machine.prices
            if p.kind in kinds and (region is None or p.region is None or region.lower() in p.region.lower())
        ]
        return min(offered, key=lambda p: (not p.is_current(as_of), p.currency != "USD", p.per_hour), default=None)
