"""The search for the fewest GPUs: every layout of a count, from the smallest count upwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.planning.plan import Alternative, Fit, Plan, Rejection, Tuned
from gpu_sizer.planning.request import Request
from gpu_sizer.records import replace
from gpu_sizer.units import ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.engine import Engine, PreparedModel

#: Contexts whose counts a plan lists where they differ.
USUAL_CONTEXTS = (8192, 32768, 131072)
#: Sequences at once that a tuned plan may ask for, largest first.
TUNED_SEQUENCES = (512, 256, 128, 64, 32, 16)
#: Smaller batch that a tuned plan may ask for.
TUNED_TOKENS = 2048


class _Hashed:
    """A card that hashes by identity: cards hold dictionaries, and comparing them whole would cost more."""

    __slots__ = ("card",)

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def __hash__(self) -> int:
        return id(self.card)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.card is self.card


@lru_cache(maxsize=64)
def _prepared(engine_name: str, weights_dtype: str | None, card: _Hashed) -> PreparedModel:
    found: PreparedModel = engine(engine_name).model(card.card, weights_dtype)
    return found


def prepared(request: Request) -> PreparedModel:
    """The request's model, prepared once for many layouts."""
    return _prepared(request.engine, request.weights_dtype, _Hashed(request.model))


class Search:
    """One request's search; layouts are evaluated once."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.engine: Engine = request.get_engine()
        self.model = prepared(request)
        self._load = request.load
        self._found: dict[Layout, LayoutMemory] = {}
        self._refused: dict[tuple[int, bool], str | None] = {}

    def evaluate(self, layout: Layout) -> LayoutMemory:
        """The layout's memory and verdict."""
        if (found := self._found.get(layout)) is None:
            found = self._found[layout] = self.engine.evaluate(self.model, self.request.gpu, layout, self._load)
        return found

    def layouts(self, count: int, kind: str) -> Iterator[Layout]:
        """The layouts of a count, replicas of the whole model included where there are users for them."""
        for layout in self.engine.layouts(self.model, count, self.request.users, kind):
            if self._within_node(layout):
                yield layout

    def _within_node(self, layout: Layout) -> bool:
        """Whether a layout stays within the machine where it has to."""
        if not self.request.single_node:
            return True
        return layout.gpu_count <= self.request.gpus_per_node

    def _rank(self, m: LayoutMemory) -> tuple[bool, bool, bool, bool, int]:
        """What is preferred, larger first: room, tensor parallelism within a node, no experts spread, free memory."""
        layout, node = m.layout, self.request.gpus_per_node
        within = layout.tensor_parallel_size <= node
        one_node = within and layout.pipeline_parallel_size == 1
        free = m.per_gpu.free_bytes if m.per_gpu else 0
        return (m.verdict == "fits", within, one_node, not layout.expert_parallel, free)

    def best(self, count: int, kind: str | None = None) -> LayoutMemory | None:
        """The best layout of exactly this count that fits, or null."""
        fitting = [m for m in map(self.evaluate, self.layouts(count, kind or self.request.layouts)) if m.within_budget]
        return max(fitting, key=self._rank, default=None)

    def smallest(self, start: int, stop: int, kind: str | None = None, *, safe: bool = False) -> LayoutMemory | None:
        """The best layout of the smallest count in [start, stop] that fits."""
        for count in range(start, stop + 1):
            found = self.best(count, kind)
            if found is not None and (found.verdict == "fits" or not safe):
                return found
        return None

    def _together(self, needed: int) -> int:
        """The least number of GPUs that hold this many bytes beside what every one of them needs for itself."""
        one = self.evaluate(Layout())
        assert one.per_gpu is not None
        usable = one.per_gpu.budget_bytes - self.engine.least_reserve(self.model, self.request.gpu, self.request.load)
        return max(1, ceil_div(needed, usable)) if usable > 0 else self.request.max_gpus + 1

    def floor(self) -> int:
        """The least number of GPUs whose memory together holds everything, however split."""
        one = self.evaluate(Layout())
        assert one.per_gpu is not None
        return self._together(one.per_gpu.weights_bytes + one.per_gpu.kv_cache_bytes)

    def start(self) -> int:
        """Where the search begins: fewer GPUs cannot even hold the weights.

        The cache is left out, since finer blocks may make it smaller under tensor parallelism.
        """
        one = self.evaluate(Layout())
        assert one.per_gpu is not None
        return self._together(one.per_gpu.weights_bytes)

    def node_counts(self) -> list[int]:
        """Counts that machines have: 1, 2, 4 ... up to a node, then whole nodes."""
        node = self.request.gpus_per_node
        counts = [n for n in (1, 2, 4, 8) if n <= node]
        if node not in counts:
            counts.append(node)
        return sorted(counts) + list(range(2 * node, self.request.max_gpus + 1, node))

    def rejection(self, count: int) -> Rejection:
        """Why this count does not do: the layout that came nearest, or the engine's rule."""
        tried = [self.evaluate(x) for x in self.layouts(count, self.request.layouts)]
        nearest = max(
            (m for m in tried if m.per_gpu is not None),
            key=lambda m: m.per_gpu.free_bytes if m.per_gpu else 0,
            default=None,
        )
        rules = list(
            dict.fromkeys(
                f"{m.layout.describe()}: {m.reason}" for m in tried if m.refused and not m.layout.expert_parallel
            )
        )
        if nearest is None:
            return Rejection(count, None, "; ".join(rules) or "no layout of this count")
        reason = f"{nearest.layout.describe()}: {nearest.reason}"
        return Rejection(count, nearest.layout, "; ".join([reason, *rules[:1]]))


def _weights_format(model: PreparedModel) -> str:
    """The format in which most bytes of the weights are."""
    sizes: Counter[str] = Counter()
    for tensor, layers in model.inventory.everything():
        sizes[tensor.fmt] += storage_bytes(tensor.shape, tensor.fmt) * tensor.copies * layers
    return sizes.most_common(1)[0][0]


def _warnings(request: Request, weights: str) -> tuple[str, ...]:
    gpu, card, engine = request.gpu, request.model, request.get_engine()
    found = list(engine.notes(card))
    if gpu.supports_bfloat16 is False and (request.weights_dtype or card.weights.dtype) == "bfloat16":
        found.append(f"{gpu.name} has no bfloat16: run with --dtype float16 (the same size)")
    if not card.verified:
        found.append(f"the architecture of {card.name} was inferred and is not verified")
    if card.context.extended and request.context > card.context.native:
        found.append(f"{request.context:,} tokens need {card.context.method} (native: {card.context.native:,})")
    if card.architecture.towers and not engine.counts_towers(card):
        found.append("the peak of the vision or audio encoder is not in the estimate: limit images with large batches")
    if gpu.memory.visible_basis == "estimated":
        found.append(f"the memory that a program sees on {gpu.name} is estimated, not measured")
    return (*found, *card.notes)


def fit(request: Request, layout: Layout) -> Fit:
    """Whether one layout fits.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    return fit_of(search, search.evaluate(layout))


def fit_of(search: Search, memory: LayoutMemory) -> Fit:
    """The answer about one layout whose memory is known.

    Raises:
        RequestError: settings that contradict the load.
    """
    request = search.request
    settings = search.engine.settings(search.model, request.gpu, request.load, memory.layout)
    inventory, weights = search.model.inventory, _weights_format(search.model)
    return Fit(
        request,
        settings,
        memory,
        inventory.total_parameters,
        inventory.active_parameters,
        weights,
        _warnings(request, weights),
    )


def _tuned(search: Search, stop: int) -> Tuned | None:
    """Fewer than ``stop`` + 1 GPUs under lower settings, or null."""
    request = search.request
    if stop < 1:
        return None
    users = request.users
    options: list[dict[str, int]] = []
    lowerable = search.engine.lowerable
    now = search.engine.settings(search.model, request.gpu, request.load, Layout())
    if "max_num_seqs" in lowerable and request.max_num_seqs is None:
        options = [{"max_num_seqs": n} for n in TUNED_SEQUENCES if users <= n < now.max_num_seqs]
    fewer_tokens = request.max_num_batched_tokens is None and now.max_num_batched_tokens > TUNED_TOKENS
    if "max_num_batched_tokens" in lowerable and fewer_tokens and (options or "max_num_seqs" not in lowerable):
        options.append({**(options[-1] if options else {}), "max_num_batched_tokens": TUNED_TOKENS})
    if not options:
        return None

    def smallest(settings: dict[str, int], start: int, last: int) -> LayoutMemory | None:
        trial = Search(replace(request, **settings))  # type: ignore[arg-type]
        return trial.smallest(start, last, safe=True)

    least = smallest(options[-1], 1, stop)
    if least is None:
        return None
    count = least.layout.gpu_count
    for settings in options:
        found = smallest(settings, count, count)
        if found is not None and found.per_gpu is not None:
            return Tuned(count, found.layout, settings, found.verdict, found.per_gpu)
    return None


def _alternatives(search: Search, chosen: LayoutMemory, safe: LayoutMemory | None) -> Iterator[Alternative]:
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
    nodes = [n for n in search.node_counts() if count < n <= most]
    if count not in search.node_counts():
        for n in nodes:
            if (found := search.best(n)) is not None:
                yield from made("usual machine", found)
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
        search = Search(replace(request, context=length))
        found = search.smallest(search.start(), request.max_gpus)
        counts.append((length, found.layout.gpu_count if found else None))
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
    one = search.evaluate(Layout()).per_gpu
    assert one is not None
    needed = gib(one.weights_bytes + one.kv_cache_bytes)
    return f"{needed} of weights and cache need at least {floor} GPUs; the most allowed is {most}"


def plan(request: Request, *, details: bool = True) -> Plan:
    """The fewest GPUs that serve a request.

    Args:
        request: what is asked.
        details: also alternatives, rejections, tuned settings and counts at other lengths.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    inventory = search.model.inventory
    floor = search.floor()
    chosen = search.smallest(search.start(), request.max_gpus)
    safe = chosen
    if chosen is not None and chosen.verdict == "tight":
        safe = search.smallest(chosen.layout.gpu_count + 1, request.max_gpus, safe=True)
    count = chosen.layout.gpu_count if chosen else None
    weights = _weights_format(search.model)
    reason = None
    if chosen is None:
        reason = _why_none(search, floor)
    rejected: tuple[Rejection, ...] = ()
    if details:
        last = (count or request.max_gpus + 1) - 1
        rejected = tuple(search.rejection(n) for n in range(max(1, last - 7), last + 1))
    return Plan(
        request=request,
        settings=search.engine.settings(search.model, request.gpu, request.load, chosen.layout if chosen else Layout()),
        verdict=chosen.verdict if chosen else "does_not_fit",
        memory=chosen,
        safe_gpu_count=safe.layout.gpu_count if safe else None,
        memory_floor=min(floor, count) if count else floor,
        reason=reason,
        total_parameters=inventory.total_parameters,
        active_parameters=inventory.active_parameters,
        weights_format=weights,
        alternatives=tuple(_alternatives(search, chosen, safe)) if chosen and details else (),
        rejections=rejected,
        tuned=_tuned(search, (count or request.max_gpus + 1) - 1) if details else None,
        context_counts=_context_counts(request, count) if details else (),
        warnings=_warnings(request, weights),
    )
