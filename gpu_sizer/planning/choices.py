"""Over the catalogue: which models a number of GPUs runs, and which GPUs a model takes, in the order people want."""

from __future__ import annotations

from bisect import insort
from functools import partial
from operator import itemgetter

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.registry import never_on
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import AS_RELEASED, ENGINE, LOAD, told
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.inverse import best_within, longest
from gpu_sizer.planning.rental import at_least, rented
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search, plan
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass, field, replace
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.machine import MachinePrice, Offer
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.estimate import Verdict
    from gpu_sizer.model.counts import Counts
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.planning.request import Request

#: In which order the models that run may stand.
ORDERS = ("newest", "rated")
#: Options that an answer shows unless all are asked for.
SHOWN = 12
#: Models that an answer shows in words.
SHOWN_MODELS = 20
#: Models that are worth a process of their own.
LEAST_SHARE = 64
#: A context below which a model is of little use; one whose own length is shorter needs that.
USEFUL_CONTEXT = 8192


@dataclass(frozen=True, slots=True)
class RunnableModel:
    """One model on the GPUs asked about.

    ``fits`` is at the context asked (the model's full length by default), ``max_context`` the longest that fits.
    """

    model: ModelCard
    verdict: Verdict
    layout: Layout | None
    free_bytes: int | None
    max_context: int
    context: int
    total_parameters: int
    weights_format: str
    """The format in which most bytes of the weights are."""

    @property
    def fits(self) -> bool:
        """Whether it runs at the context asked."""
        return self.verdict != "does_not_fit"

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "model": self.model.id,
            "fits": self.fits,
            "verdict": self.verdict,
            "layout": self.layout.model_dump() if self.layout else None,
            "free_bytes": self.free_bytes,
            "context": self.context,
            "max_context": self.max_context,
            "parameters": self.total_parameters,
            "weights_dtype": self.weights_format,
            "quantized": self.model.quantized,
            "released": self.model.released.isoformat() if self.model.released else None,
        }


@dataclass(frozen=True, slots=True)
class Runnable:
    """What a number of GPUs runs: the models that fit, then those that fit at a shorter context.

    Those released unquantized stand before quantized ones; of either the newest year first, and of a year the largest.

    ``assumptions`` are the settings that are always told or were asked for; a context of null means that every model
    was tried at its own full length.
    """

    gpu: GpuSpec
    gpu_count: int
    assumptions: dict[str, Any]
    models: tuple[RunnableModel, ...]
    left_out: int = 0
    everything: bool = False
    machine: Offer | None = None
    """The machine that was asked for by name, whose GPUs these are."""
    uncounted: tuple[Uncounted, ...] = ()
    """Models of which it is not known what they take here; neither among ``models`` nor ``left_out``."""
    ratings: dict[str, float] = field(default_factory=dict)
    """Points by the id of a model, where the best rated come first."""
    rated_by: str | None = None
    """Whose ratings these are, of which day and under which licence; null where the newest come first."""

    @property
    def context(self) -> int | None:
        """The tokens of one request; null for each model's own full length."""
        asked: int | None = self.assumptions["context"]
        return asked

    @property
    def shown(self) -> tuple[RunnableModel, ...]:
        """The models that a person is shown: the first ones, or all where all are asked for."""
        return self.models if self.everything else self.models[:SHOWN_MODELS]

    @property
    def fits(self) -> bool:
        """Whether any model runs."""
        return any(m.max_context for m in self.models)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "gpu": self.gpu.id,
            "gpu_count": self.gpu_count,
            "machine": self.machine.key if self.machine is not None else None,
            "assumptions": dict(self.assumptions),
            "models": [m.model_dump() | self._rating(m) for m in self.models],
            **({"rated_by": self.rated_by} if self.rated_by is not None else {}),
            "left_out": self.left_out,
            "not_counted": [u.model_dump() for u in self.uncounted],
        }

    @property
    def any_rated(self) -> bool:
        """Whether one of its models has a rating."""
        return any(m.model.id in self.ratings for m in self.models)

    def _rating(self, m: RunnableModel) -> dict[str, float | None]:
        if self.rated_by is None:
            return {}
        rating = self.ratings.get(m.model.id)
        return {"rating": None if rating is None else round(rating, 2)}


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


def _is_too_large(request: Request, counts: Counts, count: int) -> bool:
    """Whether a model's layers alone are more than so many GPUs have; false where that is not known at once."""
    load = request.load
    kept_off = load.of_model() is not AS_RELEASED or any(s.counted for s in load.changed())
    return not kept_off and counts.layer_bytes > count * request.gpu.visible_bytes


def _runnable(card: ModelCard, gpu: GpuSpec, count: int, options: dict[str, Any], counts: Counts) -> tuple[Any, ...]:
    """What a row says of its model: one that cannot take the context asked does not fit."""
    wanted = options.pop("context", None)
    native = card.context.native
    limit = card.context.extended or native
    request = make_request(card, gpu, context=min(wanted or native, limit), **options)
    search = Search(request)
    total = counts.total if request.load.of_model() is AS_RELEASED else search.known.total_parameters
    if _is_too_large(request, counts, count) or search.start() > count:
        return "does_not_fit", None, None, 0, wanted or native, total, card.weights.dtype
    best = best_within(request, count) if (wanted or 0) <= limit else None
    reach = limit if best and request.context == limit else longest(request, count)
    shown = best
    if best is None and reach:
        shown = best_within(request.under(context=reach), count)
    return (
        best.verdict if best else "does_not_fit",
        shown.layout if shown else None,
        shown.per_gpu.free_bytes if shown and shown.per_gpu else None,
        reach,
        wanted or native,
        total,
        search.known.weights_format,
    )


def _newest(m: RunnableModel) -> tuple[Any, ...]:
    """What a reader wants to see first: it fits, as it was released, of a late year, large."""
    order = {"fits": 0, "tight": 0, "does_not_fit": 1}
    year = m.model.released.year if m.model.released is not None else 0
    return (order[m.verdict], not m.max_context, m.model.quantized, -year, -m.total_parameters, m.model.id)


def by_rating(found: Runnable, ratings: dict[str, float], rated_by: str) -> Runnable:
    """The same models with the best rated first; those without a rating follow as before.

    Quantized releases still stand behind the others, and what fits before what does not.

    Args:
        found: the models that run.
        ratings: points by the id of a model.
        rated_by: whose ratings these are, of which day and under which licence.
    """

    def best(m: RunnableModel) -> tuple[Any, ...]:
        fits, shorter, quantized, *rest = _newest(m)
        return (fits, shorter, quantized, m.model.id not in ratings, -ratings.get(m.model.id, 0.0), *rest)

    return replace(found, models=tuple(sorted(found.models, key=best)), ratings=ratings, rated_by=rated_by)


def what_fits(
    cards: Iterable[ModelCard],
    gpu: GpuSpec,
    count: int,
    *,
    machine: Offer | None = None,
    everything: bool = False,
    workers: int = 1,
    counts: Callable[[ModelCard], Counts] | None = None,
    **options: Any,
) -> Runnable:
    """The models that a number of GPUs runs; those that cannot be counted are named apart.

    Args:
        cards: the models to try.
        gpu: the kind of GPU.
        count: how many.
        machine: the machine that was asked for by name, whose GPUs these are; a node is one of it.
        everything: also models that do not run at all, or only at a context too short to be of use.
        workers: processes that share the models; 0 is one for each core.
        counts: what a model's tensors sum to; a shelf of the catalogue keeps it. Null counts them.
        options: load options of :func:`gpu_sizer.planning.request.make_request`; null values are left out.

    Raises:
        RequestError: a value that makes no sense.
    """
    from gpu_sizer.model.counts import counts_of

    kept = {k: v for k, v in options.items() if v is not None}
    if machine is not None:
        kept.setdefault("gpus_per_node", machine.machine.gpu_count)
    models, known = list(cards), counts or counts_of

    def row(card: ModelCard) -> tuple[Any, ...] | Uncounted:
        return counted(card, gpu, lambda: _runnable(card, gpu, count, dict(kept), known(card)))

    if workers == 1:
        found = [row(card) for card in models]
    else:
        from gpu_sizer.fast.forks import cores, forked

        found = forked(row, models, min(workers or cores(), ceil_div(len(models), LEAST_SHARE)))
    uncounted = tuple(m for m in found if isinstance(m, Uncounted))
    rows = [RunnableModel(c, *m) for c, m in zip(models, found, strict=True) if not isinstance(m, Uncounted)]
    rows.sort(key=_newest)
    listed = [m for m in rows if everything or m.fits or m.max_context >= min(USEFUL_CONTEXT, m.context)]
    asked = told({s.name: kept.get(s.name, s.default) for s in LOAD})
    return Runnable(gpu, count, asked, tuple(listed), len(rows) - len(listed), everything, machine, uncounted)


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
    found: list[Choice] = []
    uncounted: list[Uncounted] = []
    tried = [(g, None) if isinstance(g, GpuSpec) else g for g in gpus]
    if not in_order:
        choices = _of_provider([g for g, _ in tried], provider, shelf)
        tried = [(g, None) for g in _to_choose_from(choices, kept.get("engine", ENGINE.default), shelf)]

    def planned(gpu: GpuSpec, machine: Offer | None) -> Plan:
        return plan(make_request(card, gpu, machine=machine, provider=provider, cards=shelf, **kept), details=False)

    for gpu, machine in tried:
        made = counted(card, gpu, partial(planned, gpu, machine))
        if isinstance(made, Uncounted):
            uncounted.append(made)
        else:
            found.append(Choice(made, rented(made)))
    if not found:
        if uncounted:
            raise UncountableError(uncounted[0].reason, about="model")
        where = f" in a machine of {provider}" if provider is not None else ""
        raise RequestError(f"no GPU to choose from{where}", about="gpu")
    if not in_order:
        found.sort(key=_wanted)
    fitting = [c for c in found if c.plan.fits and (provider is None or c.rental is not None)]
    shown = found if everything or in_order else fitting[:SHOWN]
    return Choices(
        card, found[0].plan.request, tuple(shown), len(found) - len(shown), tuple(uncounted), in_order, in_machines
    )


def _of_provider(gpus: Iterable[GpuSpec], provider: str | None, shelf: Catalogue | None) -> Sequence[GpuSpec]:
    """The GPUs that a provider has in its machines; all where none is named."""
    if provider is None:
        return list(gpus)
    from gpu_sizer.cards.fleet import fleet

    return [g for g in gpus if any(o.provider == provider for o in fleet(shelf).of_gpu(g.id))]


def _to_choose_from(gpus: Sequence[GpuSpec], engine: str, shelf: Catalogue | None) -> Sequence[GpuSpec]:
    """The GPUs that are a choice: those that the engine runs on, slices only where they are rented out.

    Where none is left, all: then each says why not.
    """
    from gpu_sizer.cards.fleet import fleet

    machines = fleet(shelf)
    kept = [g for g in gpus if (g.is_whole or machines.of_gpu(g.id)) and never_on(engine, g) is None]
    return kept or gpus


def cheapest(request: Request, gpus: Sequence[GpuSpec]) -> Choices:
    """The first choices of :func:`which_gpu`, found without planning for every GPU.

    So many GPUs as hold the weights are the fewest of a kind, and what their machines cost the lowest price: kinds are
    planned for in that order, until none that is left can come before those found.

    Args:
        request: model and load; its GPU is not used.
        gpus: the kinds to try.

    Raises:
        RequestError: a value that makes no sense.
    """
    from gpu_sizer.cards.fleet import fleet

    def planned(gpu: GpuSpec) -> Plan:
        return plan(replace(request, gpu=gpu), details=False, why=False)

    gpus = _to_choose_from(_of_provider(gpus, request.provider, request.cards), request.engine, request.cards)
    weights = Search(request).fitting.whole_weights()
    machines = fleet(request.cards)

    def first(here: Request, fewest: int) -> tuple[Any, ...]:
        """The order of a choice of at least so many GPUs, or of one that comes before it."""
        single, least, current = at_least(here, fewest, machines)
        several = not single and fewest > here.gpus_per_node
        return _order(True, several, least, (not current, False), fewest, False, "")

    waiting: list[tuple[tuple[Any, ...], int]] = []
    for place, gpu in enumerate(gpus):
        waiting.append((first(replace(request, gpu=gpu), max(1, ceil_div(weights, gpu.visible_bytes))), place))
    waiting.sort()
    found: list[tuple[tuple[Any, ...], Choice]] = []
    uncounted: list[Uncounted] = []
    for least_key, place in waiting:
        if len(found) >= SHOWN and found[SHOWN - 1][0] < least_key:
            break
        gpu = gpus[place]
        made = counted(request.model, gpu, partial(planned, gpu))
        if isinstance(made, Uncounted):
            uncounted.append(made)
        elif made.fits:
            if len(found) >= SHOWN and found[SHOWN - 1][0] < first(made.request, made.gpu_count or 1):
                continue
            choice = Choice(made, rented(made, machines))
            insort(found, (_wanted(choice), choice), key=itemgetter(0))
    shown = tuple(choice for _, choice in found[:SHOWN])
    return Choices(request.model, request, shown, len(gpus) - len(uncounted) - len(shown), tuple(uncounted))


def _wanted(choice: Choice) -> tuple[Any, ...]:
    """The order of choices."""
    p, rental, count = choice.plan, choice.rental, choice.plan.gpu_count or 0
    several = rental.machines > 1 if rental is not None else count > p.request.gpus_per_node
    doubtful = rental is None or rental.doubt is not None
    unsuited = rental is not None and rental.unsuited is not None
    tight = p.verdict == "tight"
    return _order(p.fits, several, choice.price_per_hour, (doubtful, unsuited), count, tight, p.request.gpu.id)


def _order(
    fits: bool, several: bool, price: float | None, marks: tuple[bool, bool], count: int, tight: bool, name: str
) -> tuple[Any, ...]:
    """What a person wants first: it fits, in one machine, at a price that is known and low, on few GPUs, with room.

    ``marks`` say whether the price is doubtful, and whether no layout suits the machine.
    """
    return (not fits, several, price is None, *marks, price or 0.0, count, tight, name)
