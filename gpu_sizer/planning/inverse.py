"""The questions the other way round: what a given number of GPUs carries. Every answer is the planner's own.

The largest context and the most users are found by bisection on the very search that finds the fewest GPUs,
so one token or one user more does not fit, in any layout of that many GPUs or fewer.
"""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.load import MOST_USERS
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.farthest import Growth
from gpu_sizer.planning.machines import over_several
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.planning.request import Request


@dataclass(frozen=True, slots=True)
class LongestContext:
    """The longest context on a number of GPUs; 0 where not even one token fits. ``limit`` is the model's own.

    ``safe_context`` is the longest that fits with room beyond the estimate's own error; 0 where none does.
    """

    context: int
    safe_context: int
    limit: int
    gpu_count: int
    plan: Plan

    @property
    def fits(self) -> bool:
        """Whether anything fits."""
        return self.context > 0

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "model": self.plan.request.model.id,
            "gpu": self.plan.request.gpu.id,
            "gpu_count": self.gpu_count,
            "engine": self.plan.request.engine,
            "context": self.context,
            "safe_context": self.safe_context,
            "limit": self.limit,
            "plan": {**self.plan.model_dump(), "gpu_count": self.gpu_count},
        }


@dataclass(frozen=True, slots=True)
class MostUsers:
    """The most requests at once on a number of GPUs, each of the request's full length; 0 where none fits.

    ``safe_users`` is the most that fit with room beyond the estimate's own error; 0 where not even one does.
    """

    users: int
    safe_users: int
    gpu_count: int
    plan: Plan

    @property
    def fits(self) -> bool:
        """Whether anything fits."""
        return self.users > 0

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "model": self.plan.request.model.id,
            "gpu": self.plan.request.gpu.id,
            "gpu_count": self.gpu_count,
            "engine": self.plan.request.engine,
            "users": self.users,
            "safe_users": self.safe_users,
            "context": self.plan.request.context,
            "plan": {**self.plan.model_dump(), "gpu_count": self.gpu_count},
        }


@dataclass(frozen=True, slots=True)
class OnCount:
    """Whether a number of GPUs suffices: its best layout, the fewest that do, and the floor.

    Where no layout uses all of them (5 GPUs under tensor parallelism alone), ``fit`` is of those that it uses.
    """

    fit: Fit
    gpu_count: int
    needed: int | None
    memory_floor: int

    @property
    def fits(self) -> bool:
        """Whether it fits within what the engine may use; not where it is short by less than the estimate's error."""
        return self.fit.fits

    def model_dump(self) -> dict[str, Any]:
        """The JSON object: a plan whose ``gpu_count`` is the one asked."""
        dumped = self.fit.model_dump()
        return {
            **dumped,
            "gpu_count": self.gpu_count,
            "memory_floor": self.memory_floor,
            "needed_gpu_count": self.needed,
            "warnings": [*dumped["warnings"], *self.notes()],
        }

    def notes(self) -> list[str]:
        """GPUs that the layout leaves unused."""
        idle = self.gpu_count - self.fit.gpu_count
        return (
            [f"no layout uses all {self.gpu_count} GPUs: {idle} {verb(idle, 'stays', 'stay')} unused"]
            if idle > 0 and self.fits
            else []
        )


def best_within(search: Search, count: int) -> LayoutMemory | None:
    """The best layout of this many GPUs, or of the most below it where no layout of it fits; null where none does."""
    try:
        # What fits takes no fewer than the search starts from: that is counted where nothing fits.
        if (best := search.best(count)) is not None:
            return best
        for n in range(count - 1, search.start() - 1, -1):
            if (best := search.best(n)) is not None:
                return best
    except RequestError as error:
        # More users than the sequences that were asked for can never run at once.
        if error.about != "users":
            raise
    return None


def on_count(request: Request, count: int) -> OnCount:
    """Whether this many GPUs carry a request.

    Raises:
        RequestError: settings that contradict the load.
    """
    search = Search(request)
    best = (_over_machines(search, count) if request.counts_machines else None) or best_within(search, count)
    layout = best.layout if best is not None else search.rejection(count).layout
    if layout is None:
        layout = Layout(1, count) if request.layouts == "pipeline" else Layout(count)
    needed = None
    if best is None:
        more = search.smallest(max(search.start(), count + 1), max(request.max_gpus, count))
        needed = more.layout.gpu_count if more else None
    else:
        fewest = search.smallest(search.start(), count)
        needed = fewest.layout.gpu_count if fewest else None
    return OnCount(fit(request, layout), count, needed, min(search.floor(), needed or search.floor()))


def _over_machines(search: Search, count: int) -> LayoutMemory | None:
    """The best layout over all GPUs of several whole machines, where machines are asked about; null in one or none."""
    each = search.request.gpus_per_node
    if count <= each or count % each:
        return None

    return over_several(search, count // each, each)


def plan_on(request: Request, count: int) -> Plan:
    """The plan of exactly this many GPUs (or of the most below it that a layout uses), whether it fits or not."""
    counted = on_count(request, count)
    return replace(counted.fit.as_plan(), memory_floor=counted.memory_floor)


def _ends(vary: Callable[[int], Request], most: int, count: int) -> tuple[int, int]:
    """The largest n up to most that fits, and the largest that fits with room; 0 where none does."""
    end = Growth(vary, most, count).end(("fits", "tight"))
    return end, Growth(vary, end, count).end(("fits",)) if end else 0


def longest(request: Request, count: int) -> int:
    """The longest context alone, without the plan that it rests on; 0 where not even one token fits."""
    limit = request.model.context.extended or request.model.context.native
    return Growth(lambda n: request.under(context=n), limit, count).end(("fits", "tight"))


def longest_context(request: Request, count: int) -> LongestContext:
    """The longest context of every one of the request's users on a number of GPUs.

    Args:
        request: whose own context is not used.
        count: GPUs.

    Raises:
        RequestError: settings that contradict the load.
    """
    limit = request.model.context.extended or request.model.context.native

    context, safe = _ends(lambda n: request.under(context=n), limit, count)
    shown = request.under(context=context or request.model.context.native)
    return LongestContext(context, safe, limit, count, plan_on(shown, count))


def most_users(request: Request, count: int) -> MostUsers:
    """The most requests of the request's context at once on a number of GPUs.

    Args:
        request: whose own number of users is not used.
        count: GPUs.

    Raises:
        RequestError: settings that contradict the load.
    """
    users, safe = _ends(lambda n: request.under(users=n), MOST_USERS, count)
    return MostUsers(users, safe, count, plan_on(request.under(users=users or 1), count))
