"""The whole machines for a plan: those that were asked for by name, or the cheapest to rent."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter

from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.engines.registry import engine
from gpu_sizer.errors import DoesNotFitError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.machines import Machines, divides, in_one, is_joined, of_one_copy, over_several, unsuited
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.prepared import Same, found
from gpu_sizer.planning.request import DEFAULT_NODE
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass
from gpu_sizer.units import amount, ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from gpu_sizer.cards.fleet import Fleet
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.machine import MachinePrice, Offer
    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.planning.plan import Fit
    from gpu_sizer.planning.request import Request

#: Kinds of price that stand in for one on demand, where there is none: marked, and behind all on demand.
STAND_INS = ("marketplace", "list", "reserved")
#: Links over which a machine's GPUs work as one, so that several such machines make a cluster.
FAST_LINKS = ("nvlink", "infinity-fabric")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which machines are asked for; null and False ask for nothing."""

    provider: str | None = None
    """Id of a provider."""
    region: str | None = None
    """Part of a region's name."""
    spot: bool = False
    """Prices that the provider may end at any time, instead of those on demand."""
    max_price: float | None = None
    """US dollars an hour for all machines together."""
    as_of: datetime.date | None = None
    """The day from which the age of a price is counted; null counts none."""

    @property
    def kind(self) -> str:
        """The kind of price that is compared."""
        return "spot" if self.spot else "on-demand"

    def price(self, offer: Offer) -> MachinePrice | None:
        """A machine's price of the kind wanted, or one that stands in for it; null where there is none."""
        offered = offer.price((self.kind,), region=self.region, as_of=self.as_of)
        if offered is None and not self.spot:
            offered = offer.price(STAND_INS, region=self.region, as_of=self.as_of)
        return offered


def hour_of(price: MachinePrice | None, machines: int) -> float | None:
    """US dollars an hour for so many machines of a price; null where none is known."""
    each = price.usd_per_hour if price is not None else None
    return round(each * machines, 4) if each is not None else None


@dataclass(frozen=True, slots=True)
class Rental:
    """So many machines of one kind, the layout over their GPUs, and what they cost together."""

    offer: Offer
    gpu: GpuSpec
    machines: int
    memory: LayoutMemory
    price: MachinePrice | None
    doubt: str | None
    """Why the price is compared with no other; null where it is."""
    cost: Cost | None = None
    """What tokens cost on them under the load; null where no price or no speed is known, or it was not asked for."""

    @property
    def unsuited(self) -> str | None:
        """Why the layout does not suit the machines (:mod:`gpu_sizer.planning.machines`); null where it does."""
        layout = self.memory.layout
        if of_one_copy(layout) > self.gpus_each and not is_node(self.offer, self.gpu):
            return "machines without a fast link"
        return unsuited(layout, joined=is_joined(self.offer.machine, self.gpu))

    @property
    def gpus_each(self) -> int:
        """GPUs of one machine."""
        return self.offer.machine.gpu_count

    @property
    def price_hour_usd(self) -> float | None:
        """US dollars an hour for all of them."""
        return hour_of(self.price, self.machines)

    @property
    def price_month_usd(self) -> float | None:
        """US dollars for a month of 730 hours."""
        hour = self.price_hour_usd
        return round(hour * HOURS_PER_MONTH, 2) if hour is not None else None

    @property
    def watts(self) -> int | None:
        """What the GPUs of the machines draw at most, by their makers; null where that is not known."""
        return self.gpu.tdp_w * self.gpus_each * self.machines if self.gpu.tdp_w else None

    def summary(self) -> dict[str, Any]:
        """The ``machines`` object of a plan."""
        price = self.price
        return {
            "provider": self.offer.provider,
            "machine": self.offer.machine.name,
            "count": self.machines,
            "gpus_each": self.gpus_each,
            "price_hour_usd": self.price_hour_usd,
            "price_kind": price.kind if price else None,
            "as_of": price.date.isoformat() if price and price.date else None,
            "doubt": self.doubt,
            "layout": self.memory.layout.model_dump(),
        }

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        machine, price, per_gpu = self.offer.machine, self.price, self.memory.per_gpu
        return {
            "provider": self.offer.provider,
            "name": machine.name,
            "gpu": self.gpu.id,
            "count": self.gpus_each,
            "machines": self.machines,
            "price_hour_usd": self.price_hour_usd,
            "price_month_usd": self.price_month_usd,
            "price_each_usd": price.usd_per_hour if price else None,
            "price_kind": price.kind if price else None,
            "region": price.region if price else None,
            "as_of": price.date.isoformat() if price and price.date else None,
            "doubt": self.doubt,
            "layout": self.memory.layout.model_dump(),
            "verdict": self.memory.verdict,
            "unsuited": self.unsuited,
            "free_bytes": per_gpu.free_bytes if per_gpu else None,
            "usd_per_million_tokens": self.cost.rounded if self.cost is not None else None,
            "watts": self.watts,
            "link": machine.link,
            "source": price.source if price else machine.source,
        }


def doubt_of(price: MachinePrice | None, wanted: Wanted) -> str | None:
    if price is None:
        return "no price known"
    if price.kind != wanted.kind:
        return ", ".join(filter(None, (price.kind, price.doubt(wanted.as_of))))
    return price.doubt(wanted.as_of)


def order(r: Rental) -> tuple[Any, ...]:
    """Prices that can be compared, then marked ones, then none; of either what suits, the cheapest, with room."""
    tight = r.memory.verdict == "tight"
    return _order(r.price_hour_usd, r.doubt, r.machines, tight, r.offer, suits=r.unsuited is None)


def _order(
    hour: float | None, doubt: str | None, machines: int, tight: bool, offer: Offer, *, suits: bool
) -> tuple[Any, ...]:
    rank = 0 if doubt is None else 1 if hour is not None else 2
    return (rank, not suits, hour or 0.0, machines, tight, offer.key)


def is_node(offer: Offer, gpu: GpuSpec) -> bool:
    """Whether a machine is a whole node, of which several make a cluster."""
    whole = min(gpu.gpus_per_node or DEFAULT_NODE, DEFAULT_NODE)
    machine = offer.machine
    return machine.link in FAST_LINKS and is_joined(machine, gpu) and machine.gpu_count >= whole


def carried(request: Request, each: int, least: int = 1, *, joined: bool = True) -> tuple[int, LayoutMemory] | None:
    """The fewest machines of so many GPUs that carry a request, and the layout; null where none do.

    Args:
        request: what is asked; its limits say how many GPUs there may be in all.
        each: GPUs of one machine.
        least: fewer GPUs are known not to do.
        joined: whether a fast link joins the GPUs of a machine, which the layout is to suit.
    """

    what = "carried", each, least, joined
    return found(request, what, lambda: _carried(Search(request), each, least, joined=joined))


def _carried(search: Search, each: int, least: int, *, joined: bool) -> tuple[int, LayoutMemory] | None:
    start = max(search.start(), least)
    if start <= each and (memory := in_one(search, start, each, joined=joined)) is not None:
        return 1, memory
    for machines in range(max(2, ceil_div(start, each)), search.request.max_gpus // each + 1):
        if (memory := over_several(search, machines, each, joined=joined)) is not None:
            return machines, memory
    return None


@dataclass(frozen=True, slots=True)
class Priced:
    """A machine with the price on demand that is compared, or what stands in for one."""

    offer: Offer
    price: MachinePrice | None
    doubt: str | None

    @classmethod
    def of(cls, offer: Offer) -> Priced:
        """A machine with its price."""
        price = Wanted().price(offer)
        return cls(offer, price, doubt_of(price, Wanted()))


def most_memory(offers: Iterable[Offer], gpus: Callable[[str], GpuSpec], dollars: float) -> Priced | None:
    """The machine with the most GPU memory that can be rented for so much an hour, of those alike the cheapest.

    Its price can be compared, and one copy of a model suits all of its GPUs (:mod:`gpu_sizer.planning.machines`).

    Args:
        offers: the machines to choose from.
        gpus: gives the spec of an id.
        dollars: the most an hour.

    Returns:
        Null where none costs so little.
    """
    best: tuple[int, float, str, Priced] | None = None
    for offer in offers:
        machine, priced = offer.machine, Priced.of(offer)
        hour = hour_of(priced.price, 1)
        if machine.seen_gpu is None or priced.doubt is not None or hour is None or hour > dollars:
            continue
        gpu = gpus(machine.seen_gpu)
        alone = Layout(machine.gpu_count)
        if engine().never_on(gpu.platform, gpu.compute_capability) or unsuited(alone, joined=is_joined(machine, gpu)):
            continue
        rank = -machine.gpu_count * gpu.visible_bytes, hour, offer.key, priced
        best = rank if best is None or rank[:3] < best[:3] else best
    return best[3] if best is not None else None


@lru_cache(maxsize=512)
def _priced(known: Fleet, gpu: str) -> tuple[Priced, ...]:
    """The machines with a GPU, priced once for all requests."""
    return tuple([Priced.of(offer) for offer in known.of_gpu(gpu)])


def _in_order(machines: Iterable[Priced], least: int) -> tuple[tuple[tuple[Any, ...], Priced], ...]:
    """Machines in the order in which so many GPUs of them stand at best, each behind that order."""
    ordered = [(_at_best(p, ceil_div(least, p.offer.machine.gpu_count)), p) for p in machines]
    return tuple(sorted(ordered, key=itemgetter(0)))


@lru_cache(maxsize=4096)
def _of_gpu_in_order(known: Fleet, gpu: str, least: int) -> tuple[tuple[tuple[Any, ...], Priced], ...]:
    """The machines with a GPU in that order, which no model changes."""
    return _in_order(_priced(known, gpu), least)


def machines_for(request: Request, least: int, known: Fleet | None = None) -> Sequence[tuple[tuple[Any, ...], Priced]]:
    """The machines that a request may be carried by: the one that was named, or all with its GPU, of its provider.

    Args:
        request: what is asked.
        least: GPUs that it takes at least.
        known: the machines there are; null looks for them.

    Returns:
        Each machine behind the :func:`order` of its rental at best, in that order.
    """
    if request.machine is not None:
        return _in_order([Priced.of(request.machine)], least)
    from gpu_sizer.cards.fleet import fleet

    priced = _of_gpu_in_order(known or fleet(request.cards), request.gpu.id, least)
    if request.provider is None and not request.in_nodes:
        return priced
    each = request.gpus_per_node if request.in_nodes else None
    return [
        (at_best, p)
        for at_best, p in priced
        if request.provider in (None, p.offer.provider) and each in (None, p.offer.machine.gpu_count)
    ]


def at_least(
    machine: Offer | None, provider: str | None, gpu: GpuSpec, count: int, known: Fleet
) -> tuple[bool, float | None, bool] | None:
    """What so many GPUs cost at least, before machines are planned for.

    Args:
        machine: the machine that was asked for by name; null is any.
        provider: id of the provider of the machines; null is any.
        gpu: the kind of GPU.
        count: GPUs that it takes at least.
        known: the machines there are.

    Returns:
        Of the machine that would come first among choices if it carried them: whether it takes several, the price an
        hour (null where none is known), and whether that is doubtful. Null where there is no machine.
    """
    if machine is not None:
        return _at_least((Priced.of(machine),), count)
    return _of_gpu_at_least(known, gpu.id, provider, count)


@lru_cache(maxsize=4096)
def _of_gpu_at_least(
    known: Fleet, gpu: str, provider: str | None, count: int
) -> tuple[bool, float | None, bool] | None:
    """:func:`at_least` for the machines with a GPU, which no model changes."""
    return _at_least([p for p in _priced(known, gpu) if provider in (None, p.offer.provider)], count)


def _at_least(machines: Iterable[Priced], count: int) -> tuple[bool, float | None, bool] | None:
    bounds = []
    for p in machines:
        number = ceil_div(count, p.offer.machine.gpu_count)
        bounds.append((number > 1, hour_of(p.price, number), p.doubt is not None))
    return min(bounds, default=None, key=lambda f: (f[0], f[1] is None, f[2], f[1] or 0.0))


def rented(answer: Plan | Fit, known: Fleet | None = None) -> Rental | None:
    """The whole machines for an answer: those that were asked for by name, else the cheapest with its GPUs.

    Args:
        answer: a plan, or a layout that was told and is kept.
        known: the machines there are; null looks for them.

    Returns:
        Null where it does not fit, or no machine is known.
    """
    if answer.memory is None or not answer.fits:
        return None
    told = None if isinstance(answer, Plan) else answer.memory
    return rented_for(answer.request, answer.memory.layout.gpu_count, told, known)


def rented_for(request: Request, least: int, told: LayoutMemory | None, known: Fleet | None = None) -> Rental | None:
    """The whole machines with at least so many GPUs, as :func:`rented`.

    Args:
        request: what is asked.
        least: GPUs that there must be.
        told: the layout that is kept; null lets each machine have its best.
        known: the machines there are; null looks for them.
    """
    if told is not None:
        return _rented_for(request, least, told, known)
    if known is None:
        from gpu_sizer.cards.fleet import fleet

        known = fleet(request.cards)
    what = "rented", least, Same(known), Same(request.machine), request.provider, request.in_nodes
    return found(request, what, lambda: _rented_for(request, least, None, known))


def _rented_for(request: Request, least: int, told: LayoutMemory | None, known: Fleet | None) -> Rental | None:
    carry: dict[tuple[int, bool], tuple[int, LayoutMemory] | None] = {}
    waiting = machines_for(request, least, known)
    # Machines that people cluster, and those that do alone, before all others.
    for likely in (True, False):
        cheapest: tuple[tuple[Any, ...], Rental] | None = None
        for at_best, p in waiting:
            if cheapest is not None and cheapest[0] <= at_best:
                break
            each = p.offer.machine.gpu_count
            if likely != (each >= least or request.machine is not None or is_node(p.offer, request.gpu)):
                continue
            key = each, is_joined(p.offer.machine, request.gpu)
            if key not in carry:
                carry[key] = _holding(request, told, each, least, joined=key[1])
            if (held := carry[key]) is not None:
                made = Rental(p.offer, request.gpu, *held, p.price, p.doubt)
                cheapest = min(filter(None, (cheapest, (order(made), made))), key=itemgetter(0))
        if cheapest is not None:
            return cheapest[1]
    return None


def _at_best(p: Priced, machines: int) -> tuple[Any, ...]:
    """The :func:`order` of so many machines in a layout that suits, with room: none of more of them comes before it."""
    return _order(hour_of(p.price, machines), p.doubt, machines, False, p.offer, suits=True)


@dataclass(frozen=True, slots=True)
class Whole:
    """So many machines that carry a load, all alike, and the layout over their GPUs."""

    machines: int
    gpus_each: int
    memory: LayoutMemory
    rental: Rental | None
    """Machines of that size that can be rented; null where none is known."""


def whole(request: Request, least: int) -> Whole | None:
    """The machines that a request asks to be counted: those that it names, or nodes of their usual size.

    Args:
        request: one that counts machines.
        least: GPUs that it takes at least.

    Returns:
        Null where no number of them carries it.
    """
    if (rental := rented_for(request, least, None)) is not None:
        return Whole(rental.machines, rental.gpus_each, rental.memory, rental)
    each = request.gpus_per_node
    held = _holding(request, None, each, least, joined=True) if request.in_nodes else None
    return Whole(held[0], each, held[1], None) if held is not None else None


def named_machines(answer: Plan) -> Machines | None:
    """The machines that were asked for by name, with the layout over all of their GPUs; null where none was.

    Raises:
        DoesNotFitError: no number of them carries the load.
    """
    if answer.request.machine is None:
        return None
    if (rental := rented(answer)) is None:
        name = answer.request.machine.machine.name
        raise DoesNotFitError(f"no number of {name} up to {amount(answer.request.max_gpus, 'GPU')} carries it")
    return Machines(rental.machines, rental.gpus_each, fit(answer.request, rental.memory.layout))


def _holding(
    request: Request, told: LayoutMemory | None, each: int, least: int, *, joined: bool
) -> tuple[int, LayoutMemory] | None:
    """The fewest machines of so many GPUs: for a layout that is told, or in the best one."""
    if told is None:
        return carried(request.on_nodes(each), each, least, joined=joined)
    machines = ceil_div(least, each)
    if machines > 1 and (least % each or not divides(told.layout, each)):
        return None
    return machines, told
