"""How far a load can grow on a number of GPUs: the largest value that a layout still carries, layout by layout.

More context and more users never take less memory in one layout, so each layout has one end, found by bisection.
A layout that does not carry one more than the best so far need not be searched at all.
"""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.planning.search import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.memory.estimate import Verdict
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.planning.request import Request


def largest(holds: Callable[[int], bool], low: int, most: int) -> int:
    """The largest n in [low, most] for which ``holds(n)`` and not ``holds(n + 1)``; 0 where ``holds(low)`` is false."""
    if not holds(low):
        return 0
    step, bad = max(1, low), most + 1
    while low < most:
        trial = min(low + step, most)
        if holds(trial):
            low, step = trial, step * 4
        else:
            bad = trial
            break
    while bad - low > 1:
        middle = (low + bad) // 2
        if holds(middle):
            low = middle
        else:
            bad = middle
    return low


class Growth:
    """One load that grows on a number of GPUs, or fewer where no layout uses all of them."""

    __slots__ = ("_count", "_grows_users", "_most", "_searches", "_vary")

    def __init__(self, vary: Callable[[int], Request], most: int, count: int) -> None:
        """``vary`` gives the request of a value, which is at most ``most``."""
        self._vary, self._most, self._count = vary, most, count
        self._grows_users = vary(1).users != vary(most).users
        self._searches: dict[int, Search | None] = {}

    def _search(self, value: int) -> Search | None:
        """The search of a value; null where more users are asked than the sequences that were allowed."""
        if value not in self._searches:
            search = Search(self._vary(value))
            try:
                if self._grows_users:
                    search.start()
            except RequestError as error:
                if error.about != "users":
                    raise
                self._searches[value] = None
            else:
                self._searches[value] = search
        return self._searches[value]

    def _layouts(self) -> Iterator[Layout]:
        """Every layout of the count that the engine takes, then of those below it that can hold the weights."""
        least = self._search(1)
        if least is None:
            return
        widest = Search(self._vary(self._most))
        for count in range(self._count, least.start() - 1, -1):
            yield from widest.accepted(count, widest.request.layouts)

    def end(self, verdicts: Sequence[Verdict]) -> int:
        """The largest value at which a layout has one of these verdicts; 0 where none has."""
        best = 0
        for layout in self._layouts():

            def holds(value: int, layout: Layout = layout) -> bool:
                if (search := self._search(value)) is None or not search.fitting.could_hold(layout):
                    return False
                found = search.evaluate(layout)
                return found.within_budget and found.verdict in verdicts and search.is_fast(layout)

            # A layout of replicas begins with one user for each.
            low = max(best + 1, layout.data_parallel_size if self._grows_users else 1)
            if low <= self._most:
                best = max(best, largest(holds, low, self._most))
            if best == self._most:
                break
        return best
