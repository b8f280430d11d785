"""The search for the fewest GPUs: every layout of a count, from the smallest count upwards."""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import inf

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine, never_on
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.memory.estimate import LayoutMemory, refused
from gpu_sizer.memory.layout import Layout, layout_of, replica_of
from gpu_sizer.planning.plan import ABOUT_FAST_ENOUGH, Alternative, Fit, Plan, Rejection, Tuned
from gpu_sizer.planning.request import Request
from gpu_sizer.records import replace, unfinished
from gpu_sizer.units import ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.engine import Engine, Fitting, PreparedModel
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.planning.rate import Rates
    from gpu_sizer.planning.speed import Speeds
    from gpu_sizer.timing.work import Work

    Found = TypeVar("Found")

#: Contexts whose counts a plan lists where they differ.
USUAL_CONTEXTS = (8192, 32768, 131072)
#: Sequences at once that a tuned plan may ask for, largest first.
TUNED_SEQUENCES = (512, 256, 128, 64, 32, 16)
#: Smaller batch that a tuned plan may ask for.
TUNED_TOKENS = 2048
#: Why slices of GPUs are not planned together (NVIDIA's MIG user guide, Deployment Considerations: Application).
ALONE = "a slice of a GPU works alone, since MIG has no NVLink and no peer-to-peer over which NCCL could join slices"
#: Counts of one model whose layouts are kept.
MOST_KEPT = 512
#: Loads on kinds of GPU, of one model, whose layouts stay evaluated.
MOST_LOADS = 128
#: Results of searches for one model that are kept.
MOST_FOUND = 1024
#: Stands for what was not found yet, where nothing found is null.
_UNKNOWN = object()
#: Kinds of GPU, lengths and settings of one model whose speeds are kept.
MOST_SPEEDS = 64


class Same:
    """What hashes by identity: cards and specs hold dictionaries, and comparing them whole would cost more."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it


class _Known:
    """A model as an engine holds it, and what of it depends on neither GPU nor load."""

    def __init__(self, engine: Engine, model: PreparedModel, card: ModelCard) -> None:
        self._engine, self.model, self._card = engine, model, card
        self._accepted: dict[tuple[int, str, int], tuple[Layout, ...]] = {}
        self._preferred: dict[tuple[int, str, int, int], tuple[tuple[Layout, ...], ...]] = {}
        self._rules: dict[tuple[int, str, int], tuple[str, ...]] = {}
        self._fittings: dict[tuple[int, Load], tuple[GpuSpec, Fitting]] = {}
        self._ranks: dict[tuple[int, str, int], tuple[tuple[int, int], ...]] = {}
        self._tensor_sizes: dict[int, tuple[int, ...]] = {}
        self._speeds: dict[tuple[Same, float, float, Load, bool], Speeds] = {}
        self._found: dict[tuple[Any, ...], Any] = {}

    def found(self, request: Request, what: tuple[Any, ...], find: Callable[[], Found]) -> Found:
        """What a search for a request found, kept: it hangs on GPU, load and limits, and comes again as they do."""
        key = (Same(request.gpu), request.load, request.limits, what)
        if (kept := self._found.get(key, _UNKNOWN)) is _UNKNOWN:
            if len(self._found) >= MOST_FOUND:
                self._found.clear()
            kept = self._found[key] = find()
        found: Found = kept
        return found

    @cached_property
    def total_parameters(self) -> int:
        """All parameters."""
        return self.model.inventory.total_parameters

    @cached_property
    def active_parameters(self) -> int:
        """Those that one token uses."""
        return self.model.inventory.active_parameters

    @cached_property
    def active_without_embedding(self) -> int:
        """Those of the language model that one token computes with."""
        return self.model.inventory.active_without_embedding

    @cached_property
    def checkpoint_parameters(self) -> int:
        """All that the checkpoint holds."""
        return self.model.inventory.checkpoint_parameters

    @cached_property
    def weights_format(self) -> str:
        """The format in which most bytes of the weights are, or the engine's own name for it."""
        if (own := getattr(self.model, "weights_format", None)) is not None:
            return str(own)
        return self.model.inventory.main_format

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the engine's users have to know of it."""
        return self._engine.notes(self._card)

    @cached_property
    def work(self) -> Work:
        """What a token and a prompt ask of the GPUs."""
        from gpu_sizer.timing.work import work_of

        return work_of(self.model.card, self.model.inventory)

    def fitting(self, gpu: GpuSpec, load: Load) -> Fitting:
        """The model on a kind of GPU under a load: one question asks for it many times, and the next ones again.

        Raises:
            RequestError: a GPU on which the engine does not run this model.
        """
        # The spec is kept beside what was found, so that no other can bear its identity.
        key = (id(gpu), load)
        if (kept := self._fittings.get(key)) is None:
            if len(self._fittings) >= MOST_LOADS:
                self._fittings.clear()
            kept = self._fittings[key] = gpu, self._engine.fitting(self.model, gpu, load)
        return kept[1]

    def speeds(self, request: Request, prompt: float, answer: float, *, sure: bool) -> Speeds:
        """The speeds on a GPU with prompts and answers of some length: the same for any users and rates.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known.
        """
        from gpu_sizer.planning.speed import Speeds

        key = Same(request.gpu), prompt, answer, request.load.alone(), sure
        if (kept := self._speeds.get(key)) is None:
            if len(self._speeds) >= MOST_SPEEDS:
                self._speeds.clear()
            kept = self._speeds[key] = Speeds(request, self, prompt=prompt, answer=answer, sure=sure)
        return kept

    def accepted(self, count: int, kind: str, users: int) -> tuple[Layout, ...]:
        """The layouts of a count that the engine does not refuse."""
        key = (count, kind, min(users, count))
        if (kept := self._accepted.get(key)) is None:
            model, refusal = self.model, self._engine.refusal
            layouts = self._engine.layouts(model, count, users, kind)
            kept = tuple([layout for layout in layouts if refusal(model, layout) is None])
            if len(self._accepted) < MOST_KEPT:
                self._accepted[key] = kept
        return kept

    def rules(self, count: int, kind: str, users: int) -> tuple[str, ...]:
        """Why the engine refuses layouts of a count, each reason once; those that spread experts are left out."""
        key = (count, kind, min(users, count))
        if (kept := self._rules.get(key)) is None:
            model, refusal = self.model, self._engine.refusal
            kept = tuple(
                dict.fromkeys(
                    f"{layout.describe()}: {reason}"
                    for layout in self._engine.layouts(model, count, users, kind)
                    if not layout.expert_parallel and (reason := refusal(model, layout)) is not None
                )
            )
            if len(self._rules) < MOST_KEPT:
                self._rules[key] = kept
        return kept

    def preferred(self, count: int, kind: str, users: int, node: int) -> tuple[tuple[Layout, ...], ...]:
        """The accepted layouts by preference: tensor parallelism within a node of so many GPUs, no experts spread."""
        key = (count, kind, min(users, count), node)
        if (kept := self._preferred.get(key)) is None:
            alike: dict[tuple[bool, bool, bool], list[Layout]] = {}
            for layout in self.accepted(count, kind, users):
                within = layout.tensor_parallel_size <= node
                one_node = within and layout.pipeline_parallel_size == 1
                alike.setdefault((within, one_node, not layout.expert_parallel), []).append(layout)
            kept = tuple([tuple(alike[rank]) for rank in sorted(alike, reverse=True)])
            if len(self._preferred) < MOST_KEPT:
                self._preferred[key] = kept
        return kept

    def tensor_sizes(self, most: int, kind: str) -> tuple[int, ...]:
        """Over how many ranks layouts of up to so many GPUs may cut each layer: no accepted one does over others.

        Stages and replicas are refused for reasons of their own, and never make a refused cut good.
        """
        if kind == "pipeline":
            return (1,)
        if (kept := self._tensor_sizes.get(most)) is None:
            model, refusal, spreads = self.model, self._engine.refusal, {False, self.model.has_experts}
            kept = self._tensor_sizes[most] = tuple(
                [t for t in range(1, most + 1) if any(refusal(model, layout_of(t, 1, 1, x)) is None for x in spreads)]
            )
        return kept

    def ranks(self, count: int, kind: str, users: int) -> tuple[tuple[int, int], ...]:
        """Over how many ranks accepted layouts of a count cut each layer, and how many groups share the experts."""
        from gpu_sizer.planning.speed import groups_of

        key = (count, kind, min(users, count))
        if (kept := self._ranks.get(key)) is None:
            layouts = self.accepted(count, kind, users)
            kept = tuple({(x.tensor_parallel_size, groups_of(x, self.work)): None for x in layouts})
            if len(self._ranks) < MOST_KEPT:
                self._ranks[key] = kept
        return kept


@lru_cache(maxsize=64)
def _known(engine_name: str, of_model: Load, card: Same) -> _Known:
    """A prepared model, kept by all of a load that changes it."""
    own = engine(engine_name)
    return _Known(own, own.model(card.it, of_model), card.it)


def known(request: Request) -> _Known:
    """The request's model, prepared once for many GPUs and loads."""
    return _known(request.engine, request.load.of_model(), Same(request.model))


def found(request: Request, what: tuple[Any, ...], find: Callable[[], Found]) -> Found:
    """What is found of a request, kept beside its model."""
    return known(request).found(request, what, find)


def prepared(request: Request) -> PreparedModel:
    """The request's model as its engine holds it."""
    return known(request).model


class Search:
    """One request's search; layouts are evaluated once.

    Raises:
        UncountableError: the engine does not run on the GPU, or what it takes there is not known.
    """

    def __init__(self, request: Request, *, above: Search | None = None, likely: bool = False) -> None:
        """Prepares a search.

        Args:
            request: what is asked.
            above: the same under higher settings: what is too slow there is not faster under lower ones.
            likely: whether layouts do whose estimate reaches the rates that are asked for, where surely none need to.
        """
        self.request, self._above, self._likely = request, above, likely
        self.engine: Engine = request.get_engine()
        if (why := never_on(request.engine, request.gpu)) is not None:
            raise UncountableError(why, about="gpu")
        self.known = known(request)
        self.model = self.known.model
        self.fitting = self.known.fitting(request.gpu, request.load)
        self._usable: int | None = None
        self._rejections: dict[int, Rejection] = {}

    def evaluate(self, layout: Layout) -> LayoutMemory:
        """The layout's memory and verdict."""
        if layout.gpu_count > 1 and not self.request.gpu.is_whole:
            return refused(layout, ALONE)
        return self.fitting.evaluate(layout)

    @cached_property
    def rates(self) -> Rates:
        """The speeds of its layouts.

        Raises:
            RequestError: a GPU or engine of whose speed nothing is known.
        """
        from gpu_sizer.planning.rate import Rates

        return Rates(self.request, self.known, sure=not self._likely)

    @cached_property
    def _bounds(self) -> Rates | None:
        """What rules layouts out that cannot be fast enough, where rates are asked for and speeds are known; else null.

        A speed that is not known is an error only where a layout has the memory. Lower settings have the same bounds.
        """
        if self._above is not None:
            return self._above._bounds
        if not self.request.load.asks_rate:
            return None
        try:
            return self.rates
        except RequestError:
            return None

    @property
    def fails_later(self) -> bool:
        """Whether lower settings may be refused that the search itself did not come to: speeds are not known."""
        return self.request.load.asks_rate and self._bounds is None

    def is_fast(self, layout: Layout) -> bool:
        """Whether a layout reaches the rates that are asked for, as the search has to know; true where none is."""
        return not self.request.load.asks_rate or self.rates.meets(layout)

    def _may_be_fast(self, layout: Layout) -> bool:
        """Whether a layout could reach them, as far as that is known before its memory is looked at."""
        bounds = self._bounds
        assert bounds is not None
        return bounds.may_meet(layout) and self._could_carry(layout) and self.is_fast(layout)

    @cached_property
    def _for_one(self) -> Fitting:
        """The layouts for one user, whatever the rates: replicas of any number are the same, and so are other loads."""
        return self.known.fitting(self.request.gpu, self.request.load.alone(self.request.context))

    def _could_carry(self, layout: Layout) -> bool:
        """Whether the replicas of a layout could hold the requests of all users, as far as one of them tells."""
        return self._for_one.could_carry(replica_of(layout), ceil_div(self.request.users, layout.data_parallel_size))

    def _too_slow(self, layout: Layout) -> bool:
        """Whether a layout was too slow under higher settings, where it held its share."""
        above = self._above
        if above is None or not self.request.load.asks_rate:
            return False
        return above.evaluate(layout).within_budget and not above.is_fast(layout)

    @property
    def sharers(self) -> int:
        """Copies of the model for which there is work: as many as users, any number under a rate in all."""
        request = self.request
        return request.users if request.load.requests_per_second is None else max(request.users, request.max_gpus)

    def layouts(self, count: int, kind: str) -> Iterator[Layout]:
        """The layouts of a count, replicas of the whole model included where there are users for them."""
        if self._takes(count):
            yield from self.engine.layouts(self.model, count, self.sharers, kind)

    def accepted(self, count: int, kind: str) -> tuple[Layout, ...]:
        """Those of them that the engine does not refuse."""
        return self.known.accepted(count, kind, self.sharers) if self._takes(count) else ()

    def _takes(self, count: int) -> bool:
        """Whether so many GPUs stay within the machine where they have to, and work together at all."""
        if count > 1 and not self.request.gpu.is_whole:
            return False
        return not self.request.limits.single_node or count <= self.request.gpus_per_node

    def best(
        self,
        count: int,
        kind: str | None = None,
        *,
        safe: bool = False,
        among: Callable[[Layout], bool] | None = None,
    ) -> LayoutMemory | None:
        """The best layout of exactly this count that fits, or null.

        That with room beyond the estimate's error, then the preferred, then the one with most free memory; ``safe``
        takes none without such room, ``among`` only layouts of which it says yes.
        """
        if not self._takes(count):
            return None
        request, fitting, tight, bounds = self.request, self.fitting, None, self._bounds
        if bounds is not None and not bounds.may_any_meet(count, kind or request.layouts, self.sharers):
            return None
        for alike in self.known.preferred(count, kind or request.layouts, self.sharers, request.gpus_per_node):
            possible = [
                x
                for x in alike
                if (among is None or among(x))
                and (bounds is None or (self._could_load(x) and self._may_be_fast(x)))
                and not self._too_slow(x)
                and fitting.could_hold(x, safe=safe)
            ]
            if len(possible) > 1:
                possible.sort(key=fitting.free_bytes, reverse=True)
            for layout in possible:
                # Where its speed is known, it is known at once, and rules out more.
                if bounds is not None and (fitting.free_bytes(layout) < 0 or not self.is_fast(layout)):
                    continue
                memory = fitting.evaluate(layout)
                if not memory.within_budget or not self.is_fast(layout):
                    continue
                if memory.verdict == "fits":
                    return memory
                if tight is None and not safe:
                    tight = memory
        return tight

    def smallest(self, start: int, stop: int, kind: str | None = None, *, safe: bool = False) -> LayoutMemory | None:
        """The best layout of the smallest count in [start, stop] that fits, with room beyond the error if ``safe``."""
        if safe and start > 1 and not self.fitting.may_grow_safe():
            return None
        for count in range(start, stop + 1):
            if (best := self.best(count, kind, safe=safe)) is not None:
                return best
        return None

    def fewest(self) -> LayoutMemory | None:
        """The best layout of the fewest GPUs that do, or null where none up to the most allowed do."""
        request = self.request
        return self.known.found(request, ("fewest",), lambda: self.smallest(self.start(), request.max_gpus))

    def fewest_safe(self, beyond: int) -> LayoutMemory | None:
        """The best layout of the fewest GPUs beyond a number that do with room beyond the error; null where none do."""
        request = self.request
        return self.known.found(
            request, ("safe", beyond), lambda: self.smallest(beyond + 1, request.max_gpus, safe=True)
        )

    def least_for(self, size: int) -> int:
        """The least number of GPUs that hold so many bytes, beside what each needs for itself."""
        if self._usable is None:
            self._usable = self.fitting.budget() - self.fitting.least_reserve()
        return max(1, ceil_div(size, self._usable)) if self._usable > 0 else self.request.max_gpus + 1

    def floor(self) -> int:
        """The least number of GPUs whose memory together holds everything, however split."""
        return self.least_for(self.fitting.whole_weights() + self.fitting.whole_cache())

    def start(self) -> int:
        """Where the search begins: fewer GPUs cannot even hold the weights.

        The cache is left out, since finer blocks may make it smaller under tensor parallelism.
        """
        return self.least_for(self.fitting.whole_weights())

    @cached_property
    def _least_together(self) -> int:
        return self.start()

    def _could_load(self, layout: Layout) -> bool:
        """Whether the GPUs of one replica together could hold the weights."""
        return replica_of(layout).gpu_count >= self._least_together

    def node_counts(self) -> list[int]:
        """Counts that machines have: 1, 2, 4 ... up to a node, then whole nodes."""
        node = self.request.gpus_per_node
        counts = [n for n in (1, 2, 4, 8) if n <= node]
        if node not in counts:
            counts.append(node)
        return sorted(counts) + list(range(2 * node, self.request.max_gpus + 1, node))

    def _none_of(self, count: int) -> str:
        return ALONE if count > 1 and not self.request.gpu.is_whole else "no layout of this count"

    def rejection(self, count: int) -> Rejection:
        """Why this count does not do: the layout that came nearest, or the engine's rule."""
        if (kept := self._rejections.get(count)) is None:
            kept = self._rejections[count] = self._rejected(count)
        return kept

    def _freest(self, layouts: Sequence[Layout]) -> Layout:
        """The first of those that leave most free; what one request leaves rules out the others."""
        users, most_free = self.request.users, self._for_one.most_free
        bounds = [most_free(replica_of(x), ceil_div(users, x.data_parallel_size)) for x in layouts]
        best, most = 0, -inf
        for place in sorted(range(len(layouts)), key=lambda n: -bounds[n]):
            if bounds[place] < most:
                break
            if ((free := self.fitting.free_bytes(layouts[place])), -place) > (most, -best):
                best, most = place, free
        return layouts[best]

    def _rejected(self, count: int) -> Rejection:
        kind = self.request.layouts
        accepted = self.accepted(count, kind)
        rules = self.known.rules(count, kind, self.sharers) if self._takes(count) else ()
        if not accepted:
            return Rejection(count, None, "; ".join(rules) or self._none_of(count))
        nearest = self.evaluate(self._freest(accepted))
        if nearest.within_budget and self.request.load.asks_rate:
            likely = [x for x in accepted if self._could_carry(x) and not self._for_one.evaluate(replica_of(x)).refused]
            layout, reason = self.rates.nearest(likely, lambda x: self.evaluate(x).within_budget)
            return Rejection(count, layout, f"{layout.describe()}: {reason}")
        reason = f"{nearest.layout.describe()}: {nearest.reason}"
        free = nearest.per_gpu.free_bytes if nearest.per_gpu is not None else 0
        return Rejection(count, nearest.layout, "; ".join([reason, *rules[:1]]), -free if free < 0 else None)


def _in_machines(memory: LayoutMemory | None) -> Iterator[str]:
    """What the machines have to hold beside their GPUs."""
    if memory is not None and memory.host_bytes:
        yield (
            f"the machines hold {gib(memory.host_bytes)} in their own memory, in all, of what was asked to stay off the"
            " GPUs; each token crosses the bus for it"
        )


def _warnings(search: Search, settings: Settings) -> tuple[str, ...]:
    request, engine = search.request, search.engine
    gpu, card = request.gpu, request.model
    warnings = [*request.not_taken(settings), *search.known.notes, *engine.gpu_notes(gpu)]
    if gpu.supports_bfloat16 is False and (request.what_if or card.weights.dtype) == "bfloat16":
        warnings.append(f"{gpu.name} has no bfloat16: run with --dtype float16 (the same size)")
    if not card.verified:
        warnings.append(f"the architecture of {card.name} was inferred and is not verified")
    if card.context.extended and request.context > card.context.native:
        warnings.append(f"{request.context:,} tokens need {card.context.method} (native: {card.context.native:,})")
    if card.architecture.towers and not engine.counts_towers(card):
        warnings.append(
            "the peak of the vision or audio encoder is not in the estimate: limit images with large batches"
        )
    if gpu.memory.visible_basis == "estimated":
        warnings.append(f"the memory that a program sees on {gpu.name} is estimated, not measured")
    if request.machine is not None and (trap := request.machine.machine.trap) is not None:
        warnings.append(f"{request.machine.machine.name}: {trap}")
    return (*warnings, *card.notes)


def fit(request: Request, layout: Layout, *, gpus: int | None = None) -> Fit:
    """Whether one layout fits, and where it does not, under which lower settings it does.

    Args:
        request: model, GPU and load.
        layout: as the engine is told.
        gpus: how many there are, where that was told: a layout over more does not start.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    if gpus is not None and layout.gpu_count > gpus:
        there = "1 is" if gpus == 1 else f"{gpus} are"
        return fit_of(search, refused(layout, f"that takes {layout.gpu_count} GPUs, and {there} there"))
    memory = search.evaluate(layout)
    made = fit_of(search, memory)
    if made.fits or memory.refused:
        return made
    return replace(made, tuned=_tuned_layout(search, layout))


def fit_of(search: Search, memory: LayoutMemory) -> Fit:
    """The answer about one layout whose memory is known.

    Raises:
        RequestError: settings that contradict the load.
    """
    request = search.request
    settings = search.fitting.settings(memory.layout)
    known = search.known
    return Fit(
        request,
        settings,
        memory,
        known.total_parameters,
        known.active_parameters,
        known.active_without_embedding,
        known.checkpoint_parameters,
        known.weights_format,
        (*_in_machines(memory), *_warnings(search, settings)),
        speed=search.rates.speed(memory.layout) if request.load.asks_rate and memory.within_budget else None,
    )


def _lower_settings(search: Search, layout: Layout) -> list[dict[str, Any]]:
    """Settings below a layout's defaults that still carry the load, the highest first."""
    request, lowerable, now = search.request, search.engine.lowerable, search.fitting.settings(layout)
    options: list[dict[str, Any]] = []
    if "max_num_seqs" in lowerable and request.load.max_num_seqs is None:
        options = [{"max_num_seqs": n} for n in TUNED_SEQUENCES if request.users <= n < now.max_num_seqs]
    fewer_tokens = request.load.max_num_batched_tokens is None and now.max_num_batched_tokens > TUNED_TOKENS
    if "max_num_batched_tokens" in lowerable and fewer_tokens and (options or "max_num_seqs" not in lowerable):
        options.append({**(options[-1] if options else {}), "max_num_batched_tokens": TUNED_TOKENS})
    return options


def _tuned_layout(search: Search, layout: Layout) -> Tuned | None:
    """The highest settings below the defaults under which a layout fits, or null."""
    for settings in _lower_settings(search, layout):
        memory = Search(search.request.under(**settings)).evaluate(layout)
        if memory.verdict == "fits" and memory.per_gpu is not None:
            return Tuned(layout.gpu_count, layout, settings, memory.verdict, memory.per_gpu)
    return None


def _tuned(search: Search, stop: int) -> Tuned | None:
    """Fewer than ``stop`` + 1 GPUs under lower settings, or null."""
    request = search.request
    if stop < 1 or not (options := _lower_settings(search, Layout())):
        return None

    def smallest(settings: dict[str, Any], start: int, last: int) -> LayoutMemory | None:
        trial = Search(request.under(**settings), above=search)
        return trial.smallest(max(start, trial.start()), last, safe=True)

    least = smallest(options[-1], 1, stop)
    if least is None:
        return None
    count = least.layout.gpu_count
    for settings in options:
        best = smallest(settings, count, count)
        if best is not None and best.per_gpu is not None:
            return Tuned(count, best.layout, settings, best.verdict, best.per_gpu)
    return None


def _about_fast_enough(search: Search, chosen: LayoutMemory | None) -> Iterator[Alternative]:
    """The fewest GPUs whose estimate reaches the rates, where fewer do than surely reach them."""
    trial = Search(search.request, likely=True)
    stop = chosen.layout.gpu_count - 1 if chosen is not None else search.request.max_gpus
    m = trial.smallest(trial.start(), stop)
    if m is not None and m.per_gpu is not None:
        speed = trial.rates.speed(m.layout)
        yield Alternative(ABOUT_FAST_ENOUGH, m.layout.gpu_count, m.layout, m.per_gpu, m.verdict, speed)


def _alternatives(search: Search, chosen: LayoutMemory | None, safe: LayoutMemory | None) -> Iterator[Alternative]:
    if search.request.load.asks_rate:
        yield from _about_fast_enough(search, chosen)
    if chosen is None:
        return
    count, most = chosen.layout.gpu_count, search.request.max_gpus

    shown = {chosen.layout}

    def made(kind: str, m: LayoutMemory | None) -> Iterator[Alternative]:
        if m is not None and m.per_gpu is not None and m.layout not in shown:
            shown.add(m.layout)
            yield Alternative(kind, m.layout.gpu_count, m.layout, m.per_gpu, m.verdict)

    if safe is not None and safe.layout.gpu_count != count:
        yield from made("with room to spare", safe)
    if chosen.layout.pipeline_parallel_size > 1 and search.request.layouts == "any":
        yield from made("tensor parallel only", search.smallest(count, most, "tensor"))
    counts = search.node_counts()
    if count not in counts:
        for n in counts:
            if count < n <= most and (best := search.best(n)) is not None:
                yield from made("usual machine", best)
                break


def _context_counts(request: Request, chosen: int | None) -> tuple[tuple[int, int | None], ...]:
    """Counts at the usual lengths up to the model's own; empty where all are equal."""
    native = max(request.context, request.model.context.native)
    lengths = [*(c for c in USUAL_CONTEXTS if c < native), native]
    counts: list[tuple[int, int | None]] = []
    for length in lengths:
        if length == request.context:
            counts.append((length, chosen))
            continue
        best = Search(request.under(context=length)).fewest()
        counts.append((length, best.layout.gpu_count if best else None))
    if not any(length == request.context for length in lengths):
        counts = sorted([*counts, (request.context, chosen)])
    return tuple(counts) if len({n for _, n in counts}) > 1 else ()


def _why_none(search: Search, floor: int) -> str:
    """Why no count up to the most allowed does."""
    most = search.request.max_gpus
    if floor <= most:
        # Engines of one machine, or of few heads, have no layout at all of large counts.
        for count in range(most, 0, -1):
            if (nearest := search.rejection(count)).layout is not None:
                beyond = "" if count == most else f", and no larger count has a layout that {search.engine.title} takes"
                return f"{count} GPUs do not do: {nearest.reason}{beyond}"
    needed = gib(search.fitting.whole_weights() + search.fitting.whole_cache())
    if not search.request.gpu.is_whole:
        return f"{needed} of weights and cache are more than it has, and {ALONE}"
    return f"{needed} of weights and cache need at least {floor} GPUs; the most allowed is {most}"


def plan(request: Request, *, details: bool = True, why: bool = True) -> Plan:
    """The fewest GPUs that serve a request.

    Args:
        request: what is asked.
        details: also alternatives, rejections, tuned settings and counts at other lengths.
        why: where no count does, also the reason.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    return planned(search, search.fewest(), details=details, why=why)


def planned(search: Search, chosen: LayoutMemory | None, *, details: bool, why: bool = True) -> Plan:
    """The plan of a layout that a search found to be that of the fewest GPUs; null where none does.

    Reasons and details are looked for when they are read: they ask more of a search than its answer does.

    Raises:
        RequestError: settings that contradict the load.
    """
    request, floor = search.request, search.floor()
    safe = chosen
    if chosen is not None and chosen.verdict == "tight":
        safe = search.fewest_safe(chosen.layout.gpu_count)
    count = chosen.layout.gpu_count if chosen else None
    last = (count or request.max_gpus + 1) - 1
    settings = search.fitting.settings(chosen.layout if chosen else Layout())
    later: dict[str, Callable[[], Any]] = {"warnings": lambda: (*_in_machines(chosen), *_warnings(search, settings))}
    if chosen is None and why:
        later["reason"] = lambda: _why_none(search, floor)
    if details:
        later["rejections"] = lambda: tuple([search.rejection(n) for n in range(max(1, last - 7), last + 1)])
        later["tuned"] = lambda: _tuned(search, last)
        later["alternatives"] = lambda: tuple(_alternatives(search, chosen, safe))
        if not request.load.asks_rate:
            later["context_counts"] = lambda: _context_counts(request, count)
    values = {
        "request": request,
        "settings": settings,
        "verdict": chosen.verdict if chosen else "does_not_fit",
        "reason": None,
        "memory": chosen,
        "safe_gpu_count": safe.layout.gpu_count if safe else None,
        "memory_floor": min(floor, count) if count else floor,
        "total_parameters": search.known.total_parameters,
        "active_parameters": search.known.active_parameters,
        "active_without_embedding": search.known.active_without_embedding,
        "checkpoint_parameters": search.known.checkpoint_parameters,
        "weights_format": search.known.weights_format,
        "speed": search.rates.speed(chosen.layout) if chosen and request.load.asks_rate else None,
    }
    made: Plan = unfinished(Plan, values, later)
    if search.fails_later:
        # What is refused is refused by the call.
        for name in later:
            getattr(made, name)
    return made
