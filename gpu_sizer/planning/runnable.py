"""Over the catalogue: which models a number of GPUs runs, in the order people want."""

from __future__ import annotations

from functools import cached_property, partial

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.registry import engine_for
from gpu_sizer.errors import UncountableError
from gpu_sizer.load import ENGINE, LOAD, told
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.inverse import best_within, longest
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.estimate import LayoutMemory, Verdict
    from gpu_sizer.model.counts import Counts
    from gpu_sizer.planning.request import Request


#: In which order the models that run may stand.
ORDERS = ("newest", "rated")
#: Models that an answer shows in words.
SHOWN_MODELS = 20
#: Models, none of them too large at once, that are worth a process of their own: what it takes by itself is as much as
#: some hundred of them.
LEAST_SHARE = 256
#: A context below which a model is of little use; one whose own length is shorter needs that.
USEFUL_CONTEXT = 8192


@dataclass(frozen=True, slots=True)
class Reach:
    """What a row shows of a model."""

    verdict: Verdict
    """At the context asked."""
    weights_format: str
    """The format in which most bytes of the weights are."""
    max_context: int
    """The longest that fits; 0 where none does."""
    layout: Layout | None = None
    """The best at the context asked, or at the longest where it does not fit."""
    free_bytes: int | None = None
    """What that leaves free on the fullest GPU."""


@dataclass(frozen=True)
class RunnableModel:
    """One model on the GPUs asked about.

    ``fits`` is at the context asked (the model's full length by default), ``max_context`` the longest that fits.
    """

    model: ModelCard
    fits: bool
    """Whether it runs at the context asked."""
    useful: bool
    """Whether it runs at the context asked, or at a shorter one that is of use."""
    context: int
    total_parameters: int
    look: Callable[[], Reach] = field(compare=False, repr=False)
    """Finds what its row shows: lists show few models, and it takes longer than whether it fits."""

    @cached_property
    def _reach(self) -> Reach:
        return self.look()

    @property
    def verdict(self) -> Verdict:
        """The verdict at the context asked."""
        return self._reach.verdict

    @property
    def weights_format(self) -> str:
        """The format in which most bytes of the weights are."""
        return self._reach.weights_format

    @property
    def max_context(self) -> int:
        """The longest context that fits; 0 where none does."""
        return self._reach.max_context

    @property
    def layout(self) -> Layout | None:
        """The best layout at the context asked, or at the longest where it does not fit."""
        return self._reach.layout

    @property
    def free_bytes(self) -> int | None:
        """What that leaves free on the fullest GPU."""
        return self._reach.free_bytes

    @property
    def runs(self) -> bool:
        """Whether it runs at any context."""
        return self.useful or self.max_context > 0

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
    called: str | None = None
    """How the models are called that were tried; null where those of the whole catalogue were."""
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
        return any(m.runs for m in self.models)

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


def _are_kept_whole(options: Mapping[str, Any]) -> bool:
    """Whether models are held as released, and nothing of them is kept off the GPUs."""
    asked = [s for s in LOAD if options.get(s.name, s.default) != s.default]
    return not any(s.of_model or s.counted for s in asked)


class _Rows:
    """What the rows of a list say of models on a number of GPUs.

    Args:
        gpu: the kind of GPU.
        count: how many.
        options: load options; those that are left out have their defaults.
        counts: what a model's tensors sum to.
        everything: also rows of models that run at no context of use.
    """

    def __init__(
        self,
        gpu: GpuSpec,
        count: int,
        options: dict[str, Any],
        counts: Callable[[ModelCard], Counts],
        *,
        everything: bool,
    ) -> None:
        self._gpu, self._count, self._counts, self._everything = gpu, count, counts, everything
        self._options = dict(options)
        self._wanted: int | None = self._options.pop("context", None)
        self._whole = _are_kept_whole(self._options)
        self._most_bytes = count * gpu.visible_bytes
        self._known: dict[int, Counts] = {}
        self._alike: dict[tuple[int, int, str], Request] = {}

    def counts(self, card: ModelCard) -> Counts:
        """What the model's tensors sum to."""
        # Releases of one card bear its id.
        if (kept := self._known.get(id(card))) is None:
            kept = self._known[id(card)] = self._counts(card)
        return kept

    def is_too_large(self, card: ModelCard) -> bool:
        """Whether a model's layers alone are more than the GPUs have; false where that is not known at once."""
        return self._whole and self.counts(card).layer_bytes > self._most_bytes

    def _holds_layers(self, search: Search, size: int) -> bool:
        """Whether the GPUs could hold layers of so many bytes, beside what each needs for itself."""
        return size <= self._most_bytes and search.least_for(size) <= self._count

    def context(self, card: ModelCard) -> int:
        """Tokens that are asked for: the model's own length unless told."""
        return self._wanted or card.context.native

    def _request(self, card: ModelCard) -> Request:
        """At the context asked, or as much of it as the model can take."""
        # Options are checked once for all models alike, by which an engine's version and what ``k`` means are told.
        engine = engine_for(self._options.get("engine", ENGINE.default), card)
        key = min(self.context(card), _limit(card)), card.context.native, engine
        if (kept := self._alike.get(key)) is None:
            kept = self._alike[key] = make_request(card, self._gpu, context=key[0], **self._options)
        return replace(kept, model=card)

    def _best(self, search: Search) -> LayoutMemory | None:
        """The best layout at the context asked; a model that cannot take it does not fit."""
        model = search.request.model
        return best_within(search, self._count) if self.context(model) <= _limit(model) else None

    def _surely_fits(self, search: Search, sums: Counts | None) -> bool:
        """Whether one of the GPUs surely holds everything: all that a list shows of most models that fit."""
        if sums is None or search.request.load.asks_rate:
            return False
        return search.fitting.surely_holds(sums.whole_bytes)

    def _fits(self, request: Request, sums: Counts | None) -> bool:
        """Whether the model runs at the request's own context."""
        search = Search(request)
        return self._surely_fits(search, sums) or best_within(search, self._count) is not None

    def of(self, card: ModelCard) -> tuple[bool, bool, int, Reach | None]:
        """Fit, use and parameters of a model, and what its row shows where that is known at once."""
        request = self._request(card)
        search, sums = Search(request), self.counts(card) if self._whole else None
        total = sums.total if sums is not None else search.known.total_parameters
        if sums is not None and not self._holds_layers(search, sums.layer_bytes):
            return False, False, total, _nowhere(card)
        try:
            if self.context(card) <= _limit(card) and self._surely_fits(search, sums):
                return True, True, total, None
            best = self._best(search)
        except UncountableError:
            # What is too large is so whatever its cache would take.
            if search.start() <= self._count:
                raise
            best = None
        if best is None and search.start() > self._count:
            return False, False, total, _nowhere(card)
        if best is not None:
            return True, True, total, self._reach(search, best) if request.context == _limit(card) else None
        least = min(USEFUL_CONTEXT, self.context(card))
        useful = least <= _limit(card) and self._fits(request.under(context=least), sums)
        # Whether one runs at all is its place in the list of everything.
        return False, useful, total, self.reach(card) if self._everything and not useful else None

    def reach(self, card: ModelCard) -> Reach:
        """What the row of a model shows that is not too large."""
        search = Search(self._request(card))
        return self._reach(search, self._best(search))

    def _reach(self, search: Search, best: LayoutMemory | None) -> Reach:
        """The same, of its best layout at the context asked; null where none fits."""
        request, shown = search.request, best
        limit = _limit(request.model)
        far = limit if best is not None and request.context == limit else longest(request, self._count)
        if best is None and far:
            shown = best_within(Search(request.under(context=far)), self._count)
        free = shown.per_gpu.free_bytes if shown is not None and shown.per_gpu is not None else None
        verdict = best.verdict if best is not None else "does_not_fit"
        return Reach(verdict, search.known.weights_format, far, shown.layout if shown is not None else None, free)


def _limit(card: ModelCard) -> int:
    """The longest context that a model can take."""
    return card.context.extended or card.context.native


def _nowhere(card: ModelCard) -> Reach:
    """Of a model that runs at no context."""
    return Reach("does_not_fit", card.weights.dtype, 0)


def _same(reach: Reach) -> Reach:
    return reach


def _newest(m: RunnableModel) -> tuple[Any, ...]:
    """What a reader wants to see first: it fits, as it was released, of a late year, large."""
    year = m.model.released.year if m.model.released is not None else 0
    return (not m.fits, not m.runs, m.model.quantized, -year, -m.total_parameters, m.model.id)


def by_rating(runnable: Runnable, ratings: dict[str, float], rated_by: str) -> Runnable:
    """The same models with the best rated first; those without a rating follow as before.

    Quantized releases still stand behind the others, and what fits before what does not.

    Args:
        runnable: the models that run.
        ratings: points by the id of a model.
        rated_by: whose ratings these are, of which day and under which licence.
    """

    def best(m: RunnableModel) -> tuple[Any, ...]:
        fits, shorter, quantized, *rest = _newest(m)
        return (fits, shorter, quantized, m.model.id not in ratings, -ratings.get(m.model.id, 0.0), *rest)

    return replace(runnable, models=tuple(sorted(runnable.models, key=best)), ratings=ratings, rated_by=rated_by)


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

    rows = _Rows(gpu, count, kept, known, everything=everything)

    def row(card: ModelCard) -> tuple[bool, bool, int, Reach | None] | Uncounted:
        return counted(card, gpu, partial(rows.of, card))

    if workers == 1:
        made = [row(card) for card in models]
    else:
        from gpu_sizer.fast.forks import cores, forked

        likely = sum(not rows.is_too_large(card) for card in models)
        made = forked(row, models, min(workers or cores(), likely // LEAST_SHARE))
    uncounted: list[Uncounted] = []
    listed: list[RunnableModel] = []
    for card, told_of in zip(models, made, strict=True):
        if isinstance(told_of, Uncounted):
            uncounted.append(told_of)
            continue
        fits, useful, total, reach = told_of
        if everything or useful:
            look = partial(rows.reach, card) if reach is None else partial(_same, reach)
            listed.append(RunnableModel(card, fits, useful, rows.context(card), total, look))
    listed.sort(key=_newest)
    left_out = len(models) - len(uncounted) - len(listed)
    asked = told({s.name: kept.get(s.name, s.default) for s in LOAD})
    return Runnable(gpu, count, asked, tuple(listed), left_out, everything, machine, tuple(uncounted))
