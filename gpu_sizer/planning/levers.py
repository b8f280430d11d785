"""What would make a plan smaller or safer, each lever with its effect computed."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gpu_sizer.memory.estimate import LayoutMemory, Verdict
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.request import Request

#: Sequences at once that a lever tries, down from the engine's default.
FEW_SEQUENCES = 16
#: The highest share of a GPU's memory that is wise to give to an engine.
HIGH_UTILIZATION = 0.95
#: A shorter context is a lever only where it is still of use.
LEAST_CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Lever:
    """A change of settings and the count and verdict that it gives."""

    text: str
    settings: dict[str, Any]
    gpu_count: int
    verdict: Verdict

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "lever": self.text,
            "settings": dict(self.settings),
            "gpu_count": self.gpu_count,
            "verdict": self.verdict,
        }


def _trials(request: Request, plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    settings = plan.settings
    few = max(FEW_SEQUENCES, request.users)
    if settings.max_num_seqs > few:
        yield f"fewer sequences at once (--max-num-seqs {few})", {"max_num_seqs": few}
    if settings.kv_cache_dtype != "float8":
        yield "an fp8 cache (--kv-cache-dtype fp8)", {"kv_cache_dtype": "float8"}
    if settings.gpu_memory_utilization < HIGH_UTILIZATION:
        text = f"higher utilization (--utilization {HIGH_UTILIZATION:g})"
        yield text, {"gpu_memory_utilization": HIGH_UTILIZATION}


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
    for text, settings in _trials(request, plan):
        changed = request.under(**settings)
        if (best := _smallest(changed, most)) is None:
            continue
        if best.layout.gpu_count < count or best.verdict == "fits":
            found.append(Lever(text, settings, best.layout.gpu_count, best.verdict))
    if count > 1:
        found.extend(_shorter(request, count))
    return tuple(found)


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
        yield Lever(
            f"a shorter context (--context {fewer.context})", {"context": fewer.context}, used, fewer.plan.verdict
        )


def advice(plan: Plan) -> tuple[str, list[str]]:
    """What would make a plan smaller or safer: a title, and a line for each change with its effect."""
    title = "What would make it smaller" if (plan.gpu_count or 0) > 1 else "What would give room"
    return title, _lines(levers(plan), plan.gpu_count)


def _lines(found: Sequence[Lever], plan_count: int | None) -> list[str]:
    """What would make a plan smaller, line by line."""
    result = []
    for lever in found:
        what = f"{lever.gpu_count} instead of {plan_count}" if lever.gpu_count != plan_count else "fits with room"
        result.append(f"{lever.text}: {what}" + (", tight" if lever.verdict == "tight" else ""))
    return result
