"""The search for the fewest GPUs: every layout of a count, from the smallest count upwards."""

from __future__ import annotations

from functools import cached_property
from math import inf

from gpu_sizer.engines.registry import never_on
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.memory.estimate import LayoutMemory, refused
from gpu_sizer.memory.layout import Layout, replica_of
from gpu_sizer.planning.plan import Rejection
from gpu_sizer.planning.prepared import known
from gpu_sizer.planning.request import Request
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.engines.engine import Engine, Fitting
    from gpu_sizer.planning.rate import Rates

#: Why slices of GPUs are not planned together (NVIDIA's MIG user guide, Deployment Considerations: Application).
ALONE = "a slice of a GPU works alone, since MIG has no NVLink and no peer-to-peer over which NCCL could join slices"


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
