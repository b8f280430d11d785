"""The fewest GPUs in layouts of which some sizes are told: ``with tp 8``, ``2 replicas``."""

from __future__ import annotations

from gpu_sizer.engines.layouts import divisors
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.request import Request


@dataclass(frozen=True, slots=True)
class ToldSizes:
    """Parallel sizes; null where the search is free to choose. Replicas are one unless told."""

    tensor: int | None = None
    pipeline: int | None = None
    data: int = 1
    expert_parallel: bool = False

    def layouts(self, count: int) -> Iterator[Layout]:
        """The layouts of a number of GPUs that keep what was told, the least pipelined first."""
        each, left = divmod(count, self.data)
        for stages in divisors(each) if not left else ():
            ranks = each // stages
            if self.pipeline in (None, stages) and self.tensor in (None, ranks):
                yield Layout(ranks, stages, self.data, self.expert_parallel)


def smallest_with(request: Request, told: ToldSizes) -> Plan:
    """The plan of the fewest GPUs in a layout that keeps the sizes told; one that does not fit where none does.

    Raises:
        RequestError: settings that contradict the load, or a size that is none.
    """
    nearest = Layout(told.tensor or 1, told.pipeline or 1, told.data, told.expert_parallel)
    search, step, chosen = Search(request), nearest.gpu_count, None
    safe: int | None = None
    for count in range(step, max(request.max_gpus, step) + 1, step):
        fitting = [m for m in map(search.evaluate, told.layouts(count)) if m.within_budget and search.is_fast(m.layout)]
        if fitting and chosen is None:
            chosen = max(fitting, key=_preferred)
        if any(m.verdict == "fits" for m in fitting):
            safe = count
            break
        if told.tensor is not None and told.pipeline is not None:
            break
    made = fit(request, chosen.layout if chosen else nearest).as_plan()
    floor = search.floor()
    return replace(made, safe_gpu_count=safe, memory_floor=min(floor, made.gpu_count or floor), sizes_told=True)


def _preferred(m: LayoutMemory) -> tuple[bool, int, int]:
    """What is preferred, larger first: room, few stages, free memory."""
    return m.verdict == "fits", -m.layout.pipeline_parallel_size, m.per_gpu.free_bytes if m.per_gpu else 0
