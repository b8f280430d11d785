"""Over all GPUs: which ones a model takes, in the order people want."""

from __future__ import annotations

from functools import lru_cache, partial
from heapq import heappop, heappush

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.registry import never_on
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import ENGINE
from gpu_sizer.planning.planned import plan, planned
from gpu_sizer.planning.prepared import Same, found
from gpu_sizer.planning.rental import at_least, rented, rented_for
from gpu_sizer.planning.request import make_request, node_of
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.fleet import Fleet
    from gpu_sizer.cards.machine import MachinePrice, Offer
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request

#: Options that an answer shows unless all are asked for.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of GPU for a model: the plan on it, and the cheapest whole machines that carry the load."""

    plan: Plan
    rental: Rental | None

    @property
    def price_per_hour(self) -> float | None:
        """US dollars an hour for the machines."""
        return self.rental.price_hour_usd if self.rental is not None else None

    @property
    def price(self) -> MachinePrice | None:
        """The price of one of them."""
        return self.rental.price if self.rental is not None else None

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        p, per_gpu, price = self.plan, self.plan.per_gpu, self.price
        return {
            "gpu": p.request.gpu.id,
            "gpu_count": p.gpu_count,
            "safe_gpu_count": p.safe_gpu_count,
            "layout": p.layout.model_dump() if p.layout else None,
            "verdict": p.verdict,
            "free_bytes": per_gpu.free_bytes if per_gpu else None,
            "machines": self.rental.summary() if self.rental is not None else None,
            "price_per_hour": self.price_per_hour,
            "price_kind": price.kind if price else None,
            "price_provider": self.rental.offer.provider_name if self.rental is not None and price else None,
            "price_date": price.date.isoformat() if price and price.date else None,
            "reason": p.reason,
        }


@dataclass(frozen=True, slots=True)
class Choices:
    """GPUs for a model: within one machine before over several, the cheapest an hour first, then the fewest."""

    model: ModelCard
    request: Request
    options: tuple[Choice, ...]
    left_out: int = 0
    uncounted: tuple[Uncounted, ...] = ()
    """GPUs on which it is not known what the model takes; neither among ``options`` nor ``left_out``."""
    compared: bool = False
    """Whether these GPUs were named to be compared, and stand in the order in which they were."""
    in_machines: bool = False
    """Whether a number of machines is asked for, of whatever size."""

    @property
    def fits(self) -> bool:
        """Whether it fits on any of them."""
        return any(c.plan.fits for c in self.options)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "model": self.model.id,
            "assumptions": self.options[0].plan.model_dump()["assumptions"] if self.options else {},
            "options": [c.model_dump() for c in self.options],
            "left_out": self.left_out,
            "not_counted": [u.model_dump() for u in self.uncounted],
        }


def which_gpu(
    card: ModelCard,
    gpus: Iterable[GpuSpec | tuple[GpuSpec, Offer]],
    *,
    everything: bool = False,
    in_order: bool = False,
    provider: str | None = None,
    in_machines: bool = False,
    shelf: Catalogue | None = None,
    **options: Any,
) -> Choices:
    """The GPUs on which a model runs, with the number of each; those on which it cannot be counted are named apart.

    Args:
        card: the model.
        gpus: the kinds to try; those in machines that are compared, each with its machine.
        everything: also those on which it does not fit, and beyond the first dozen.
        in_order: keep the order given (a comparison).
        provider: id of a provider: only its machines, and GPUs that it has; null is any.
        in_machines: a number of machines is asked for, of whatever size.
        shelf: whose machines there are; null is the shipped ones and the user's own.
        options: load options of :func:`gpu_sizer.planning.request.make_request`; null values are left out.

    Raises:
        RequestError: a value that makes no sense.
    """
    kept = {k: v for k, v in options.items() if v is not None}
    possible: list[Choice] = []
    uncounted: list[Uncounted] = []
    tried = [(g, None) if isinstance(g, GpuSpec) else g for g in gpus]
    if not in_order:
        from gpu_sizer.cards.fleet import fleet

        machines = fleet(shelf)
        choices = _of_provider([g for g, _ in tried], provider, machines)
        tried = [(g, None) for g in _to_choose_from(choices, kept.get("engine", ENGINE.default), machines)]

    def plan_of(gpu: GpuSpec, machine: Offer | None) -> Plan:
        return plan(make_request(card, gpu, machine=machine, provider=provider, cards=shelf, **kept), details=False)

    for gpu, machine in tried:
        made = counted(card, gpu, partial(plan_of, gpu, machine))
        if isinstance(made, Uncounted):
            uncounted.append(made)
        else:
            possible.append(Choice(made, rented(made)))
    if not possible:
        if uncounted:
            raise UncountableError(uncounted[0].reason, about="model")
        where = f" in a machine of {provider}" if provider is not None else ""
        raise RequestError(f"no GPU to choose from{where}", about="gpu")
    if not in_order:
        possible.sort(key=_wanted)
    fitting = [c for c in possible if c.plan.fits and (provider is None or c.rental is not None)]
    shown = possible if everything or in_order else fitting[:SHOWN]
    return Choices(
        card,
        possible[0].plan.request,
        tuple(shown),
        len(possible) - len(shown),
        tuple(uncounted),
        in_order,
        in_machines,
    )


def _of_provider(gpus: Sequence[GpuSpec], provider: str | None, machines: Fleet) -> Sequence[GpuSpec]:
    """The GPUs that a provider has in its machines; all where none is named."""
    if provider is None:
        return gpus
    return [g for g in gpus if any(o.provider == provider for o in machines.of_gpu(g.id))]


def _to_choose_from(gpus: Sequence[GpuSpec], engine: str, machines: Fleet) -> Sequence[GpuSpec]:
    """The GPUs that are a choice: those that the engine runs on, slices only where they are rented out.

    Where none is left, all: then each says why not.
    """
    kept = [g for g in gpus if (g.is_whole or machines.of_gpu(g.id)) and never_on(engine, g) is None]
    return kept or gpus


def cheapest(request: Request, gpus: Sequence[GpuSpec]) -> Choices:
    """The first choices of :func:`which_gpu`, found without planning for every GPU.

    So many GPUs as hold the weights are the fewest of a kind, and what their machines cost the lowest price; so many as
    carry the load are more, and the machines that carry it cost no less. Of the kind that could still come first the
    next of these is found, until as many are known in full as are shown.

    Args:
        request: model and load; its GPU is not used.
        gpus: the kinds to try.

    Raises:
        RequestError: a value that makes no sense.
    """
    from gpu_sizer.cards.fleet import fleet

    machines = fleet(request.cards)
    what = "cheapest", Same(gpus), machines, Same(request.machine), request.provider, request.in_nodes
    return found(request, what, lambda: _cheapest(request, gpus, machines))


def _cheapest(request: Request, gpus: Sequence[GpuSpec], machines: Fleet) -> Choices:
    """The same, where it was not found before."""
    gpus = _choices(Same(gpus), machines, request.provider, request.engine)
    weights = Search(request).fitting.whole_weights()

    def carried_by(gpu: GpuSpec) -> tuple[Search, LayoutMemory | None]:
        search = Search(replace(request, gpu=gpu))
        return search, search.fewest()

    where = machines, Same(request.machine), request.provider, request.limits.gpus_per_node
    waiting = [*_first_bounds(Same(gpus), weights, *where)]
    counts: dict[int, tuple[Search, LayoutMemory]] = {}
    rentals: dict[int, Rental | None] = {}
    choices: list[Choice] = []
    uncounted: list[Uncounted] = []
    while waiting and len(choices) < SHOWN:
        place = heappop(waiting)[1]
        if place not in counts:
            made = counted(request.model, gpus[place], partial(carried_by, gpus[place]))
            if isinstance(made, Uncounted):
                uncounted.append(made)
                continue
            search, memory = made
            if memory is not None:
                counts[place] = search, memory
                heappush(waiting, (_bound(gpus[place], memory.layout.gpu_count, *where), place))
            continue
        search, memory = counts[place]
        if place not in rentals:
            rental = rentals[place] = rented_for(search.request, memory.layout.gpu_count, None, machines)
            heappush(waiting, (_key(search.request, memory, rental), place))
        else:
            choices.append(Choice(planned(search, memory, details=False), rentals[place]))
    return Choices(request.model, request, tuple(choices), len(gpus) - len(uncounted) - len(choices), tuple(uncounted))


def _bound(
    gpu: GpuSpec, fewest: int, machines: Fleet, machine: Same, provider: str | None, node: int | None
) -> tuple[Any, ...]:
    """The order of a choice of at least so many GPUs, or of one that comes before it."""
    least, each = at_least(machine.it, provider, gpu, fewest, machines), node_of(gpu, node)
    if least is None or (least[0] and fewest <= each):
        # If none of the machines carries it, one of the usual size, whose price is not known, may.
        return _order(True, fewest > each, None, (True, False), fewest, False, "")
    several, price, doubtful = least
    return _order(True, several, price, (doubtful, False), fewest, False, "")


@lru_cache(maxsize=512)
def _first_bounds(gpus: Same, weights: int, *where: Any) -> tuple[tuple[tuple[Any, ...], int], ...]:
    """The bounds of so many GPUs of each kind as hold the weights, each before its place, in their order."""
    fewest = [max(1, ceil_div(weights, gpu.visible_bytes)) for gpu in gpus.it]
    return tuple(sorted([(_bound(gpu, fewest[place], *where), place) for place, gpu in enumerate(gpus.it)]))


@lru_cache(maxsize=64)
def _choices(gpus: Same, machines: Fleet, provider: str | None, engine: str) -> Sequence[GpuSpec]:
    """The GPUs that are a choice, of a provider's where one is named."""
    return _to_choose_from(_of_provider(gpus.it, provider, machines), engine, machines)


def _wanted(choice: Choice) -> tuple[Any, ...]:
    """The order of choices."""
    p = choice.plan
    return _key(p.request, p.memory if p.fits else None, choice.rental)


def _key(request: Request, memory: LayoutMemory | None, rental: Rental | None) -> tuple[Any, ...]:
    """The order of a layout that carries a request on its kind of GPU, or of none that does, and of its machines."""
    count = memory.layout.gpu_count if memory is not None else 0
    several = rental.machines > 1 if rental is not None else count > request.gpus_per_node
    doubtful = rental is None or rental.doubt is not None
    unsuited = rental is not None and rental.unsuited is not None
    price = rental.price_hour_usd if rental is not None else None
    tight = memory is not None and memory.verdict == "tight"
    return _order(memory is not None, several, price, (doubtful, unsuited), count, tight, request.gpu.id)


def _order(
    fits: bool, several: bool, price: float | None, marks: tuple[bool, bool], count: int, tight: bool, name: str
) -> tuple[Any, ...]:
    """What a person wants first: it fits, in one machine, at a price that is known and low, on few GPUs, with room.

    ``marks`` say whether the price is doubtful, and whether no layout suits the machine.
    """
    return (not fits, several, price is None, *marks, price or 0.0, count, tight, name)
