"""What would make a plan smaller or safer, each lever with its effect computed."""

from __future__ import annotations

from gpu_sizer.engines.registry import INSTEAD
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, WEIGHTS
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from gpu_sizer.memory.estimate import LayoutMemory, Verdict
    from gpu_sizer.planning.plan import Fit, Plan
    from gpu_sizer.planning.request import Request

    LeverKind = Literal[
        "fewer sequences", "smaller cache", "higher utilization", "shorter context", "fewer bits", "another engine"
    ]

#: Sequences at once that a lever tries, down from the engine's default.
FEW_SEQUENCES = 16
#: The highest share of a GPU's memory that is wise to give to an engine.
HIGH_UTILIZATION = 0.95
#: Types of quantized weights that a lever tries, the engine's own before what all have.
FEWER_BITS = (("q8_0", "int8"), ("q4_k_m", "int4"))
#: A shorter context is a lever only where it is still of use.
LEAST_CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Lever:
    """A change of settings and the count and verdict that it gives; ``kind`` says what changes."""

    kind: LeverKind
    settings: dict[str, Any]
    gpu_count: int
    verdict: Verdict

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "settings": dict(self.settings),
            "gpu_count": self.gpu_count,
            "verdict": self.verdict,
        }


def _trials(request: Request, plan: Plan | Fit) -> Iterator[tuple[LeverKind, dict[str, Any]]]:
    settings = plan.settings
    few = max(FEW_SEQUENCES, request.users)
    if settings.max_num_seqs > few:
        yield "fewer sequences", {"max_num_seqs": few}
    if settings.kv_cache_dtype != "float8":
        yield "smaller cache", {"kv_cache_dtype": "float8"}
    if settings.gpu_memory_utilization < HIGH_UTILIZATION:
        yield "higher utilization", {"gpu_memory_utilization": HIGH_UTILIZATION}


def levers(plan: Plan) -> tuple[Lever, ...]:
    """The levers that take GPUs away, or make a tight plan fit with room; none where one GPU fits with room.

    Args:
        plan: the fewest GPUs for a request.
    """
    count, request = plan.gpu_count, plan.request
    if count is None or (count == 1 and plan.verdict == "fits"):
        return ()
    made: list[Lever] = []
    most = count if plan.verdict == "tight" else count - 1
    for kind, settings in _trials(request, plan):
        changed = request.under(**settings)
        if (best := _smallest(changed, most)) is None:
            continue
        if best.layout.gpu_count < count or best.verdict == "fits":
            made.append(Lever(kind, settings, best.layout.gpu_count, best.verdict))
    if count > 1:
        made.extend(_shorter(request, count))
    return tuple(made)


def levers_to_fit(asked: Plan | Fit, count: int) -> tuple[Lever, ...]:
    """The levers that make a number of GPUs suffice which does not; none where it does.

    The last are quantized weights, for models that were released without, and where nothing else does, those of the
    engine that asks least: each at the whole length, or as far as it goes.

    Args:
        asked: the answer about a number of GPUs of one kind.
        count: their number.
    """
    request = asked.request
    if asked.fits:
        return ()
    made = list(_shortened("shorter context", {}, request, count))
    for kind, settings in _trials(request, asked):
        if asked.tuned is None or kind != "fewer sequences":
            made += _changed(kind, settings, request.under(**settings), count)
    if not request.as_released or request.model.quantized:
        return tuple(made)
    for fewer in _fewer_bits(request):
        made += _changed("fewer bits", fewer, request.under(**fewer), count, shorter=True)
    if not made and request.engine != INSTEAD:
        other = replace(request, engine=INSTEAD)
        for fewer in _fewer_bits(other):
            settings = {ENGINE.name: INSTEAD, **fewer}
            made += _changed("another engine", settings, other.under(**fewer), count, shorter=True)
    return tuple(made)


def _changed(
    kind: LeverKind, settings: dict[str, Any], request: Request, count: int, *, shorter: bool = False
) -> Iterator[Lever]:
    """The lever, where it makes this many GPUs suffice, at a shorter length if that is allowed."""
    from gpu_sizer.planning.inverse import best_within

    try:
        best = best_within(Search(request), count)
    except RequestError:
        return
    if best is not None:
        yield Lever(kind, settings, best.layout.gpu_count, best.verdict)
    elif shorter:
        yield from _shortened(kind, settings, request, count)


def _shortened(kind: LeverKind, settings: dict[str, Any], request: Request, count: int) -> Iterator[Lever]:
    """The lever with the longest context at which this many GPUs suffice, with room if any does."""
    from gpu_sizer.planning.inverse import longest_context

    try:
        longest = longest_context(request, count)
    except RequestError:
        return
    if longest.context >= LEAST_CONTEXT:
        safe = longest.safe_context >= LEAST_CONTEXT
        context = longest.safe_context if safe else longest.context
        yield Lever(kind, {**settings, "context": context}, count, "fits" if safe else "tight")


def _fewer_bits(request: Request) -> Iterator[dict[str, Any]]:
    """The settings of quantized weights, of types that the engine has."""
    for own, common in FEWER_BITS:
        yield {WEIGHTS: own if request.get_engine().own_format(own) is not None else common}


def _smallest(request: Request, count: int) -> LayoutMemory | None:
    try:
        search = Search(request)
        return search.smallest(search.start(), count)
    except RequestError:
        return None


def fewest_with_few_sequences(plan: Plan) -> int | None:
    """For a plan that no number carries: the fewest GPUs with few sequences at once; null where none do either."""
    few = max(FEW_SEQUENCES, plan.request.users)
    if plan.settings.max_num_seqs <= few:
        return None
    best = _smallest(plan.request.under(max_num_seqs=few), plan.request.max_gpus)
    return best.layout.gpu_count if best is not None else None


def _shorter(request: Request, count: int) -> Iterator[Lever]:
    """The longest context at which one GPU fewer does."""
    if request.context <= LEAST_CONTEXT or _smallest(request.under(context=LEAST_CONTEXT), count - 1) is None:
        return
    from gpu_sizer.planning.inverse import longest_context

    fewer = longest_context(request, count - 1)
    if LEAST_CONTEXT <= fewer.context < request.context:
        used = fewer.plan.layout.gpu_count if fewer.plan.layout else count - 1
        yield Lever("shorter context", {"context": fewer.context}, used, fewer.plan.verdict)
