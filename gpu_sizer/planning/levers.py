"""What would make a plan smaller or safer, each lever with its effect computed."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from gpu_sizer.memory.estimate import LayoutMemory, Verdict
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.request import Request

    LeverKind = Literal["fewer sequences", "smaller cache", "higher utilization", "shorter context"]

#: Sequences at once that a lever tries, down from the engine's default.
FEW_SEQUENCES = 16
#: The highest share of a GPU's memory that is wise to give to an engine.
HIGH_UTILIZATION = 0.95
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


def _trials(request: Request, plan: Plan) -> Iterator[tuple[LeverKind, dict[str, Any]]]:
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
    found: list[Lever] = []
    most = count if plan.verdict == "tight" else count - 1
    for kind, settings in _trials(request, plan):
        changed = request.under(**settings)
        if (best := _smallest(changed, most)) is None:
            continue
        if best.layout.gpu_count < count or best.verdict == "fits":
            found.append(Lever(kind, settings, best.layout.gpu_count, best.verdict))
    if count > 1:
        found.extend(_shorter(request, count))
    return tuple(found)


def _smallest(request: Request, count: int) -> LayoutMemory | None:
    try:
        search = Search(request)
        return search.smallest(search.start(), count)
    except RequestError:
        return None


def _shorter(request: Request, count: int) -> Iterator[Lever]:
    """The longest context at which one GPU fewer does."""
    if request.context <= LEAST_CONTEXT or _smallest(request.under(context=LEAST_CONTEXT), count - 1) is None:
        return
    from gpu_sizer.planning.inverse import longest_context

    fewer = longest_context(request, count - 1)
    if LEAST_CONTEXT <= fewer.context < request.context:
        used = fewer.plan.layout.gpu_count if fewer.plan.layout else count - 1
        yield Lever("shorter context", {"context": fewer.context}, used, fewer.plan.verdict)
