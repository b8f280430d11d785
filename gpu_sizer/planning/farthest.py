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


#: Ends that are guessed before the rest is bisected, and how far from the end a good guess is at most.
GUESSES, NEAR = 3, 32


def largest(
    holds: Callable[[int], bool], low: int, most: int, room: Callable[[int], int | None] = lambda n: None
) -> int:
    """The largest n in [low, most] for which ``holds(n)`` and not ``holds(n + 1)``; 0 where ``holds(low)`` is false.

    Args:
        holds: true up to some end, and false behind it.
        low: where the search begins.
        most: where it ends.
        room: what is left at a value, negative where something is missing, null where that is not known. It falls
            about evenly, so that it tells where the end is likely to be; the answer does not rest on it.
    """
    if not holds(low):
        return 0
    if low < most and (left := room(low)) is not None and left > 0:
        if holds(most):
            return most
        return _bisected(holds, *_guessed(holds, low, most, room))
    step, bad = max(1, low), most + 1
    while low < most:
        trial = min(low + step, most)
        if holds(trial):
            low, step = trial, step * 4
        else:
            bad = trial
            break
    return _bisected(holds, low, bad)


def _bisected(holds: Callable[[int], bool], low: int, bad: int) -> int:
    """The end between a value that holds and one that does not."""
    while bad - low > 1:
        middle = (low + bad) // 2
        if holds(middle):
            low = middle
        else:
            bad = middle
    return low


def _guessed(holds: Callable[[int], bool], low: int, bad: int, room: Callable[[int], int | None]) -> tuple[int, int]:
    """The same two values nearer to the end, by where the room between them would be used up."""
    for _ in range(GUESSES):
        left, missing = room(low), room(bad)
        if bad - low <= NEAR or left is None or missing is None or not left >= 0 > missing:
            break
        guess = min(max(low + (bad - low) * left // (left - missing), low + 1), bad - 1)
        # A good guess is within a block or two of the end: on its other side there is another value near by.
        if holds(guess):
            low, other = guess, min(guess + NEAR, bad - 1)
        else:
            bad, other = guess, max(guess - NEAR, low + 1)
        if low < other < bad:
            low, bad = (other, bad) if holds(other) else (low, other)
    return low, bad


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
                memory = search.evaluate(layout)
                return memory.within_budget and memory.verdict in verdicts and search.is_fast(layout)

            def room(value: int, layout: Layout = layout) -> int | None:
                return None if (search := self._search(value)) is None else search.fitting.free_bytes(layout)

            # A layout of replicas begins with one user for each.
            low = max(best + 1, layout.data_parallel_size if self._grows_users else 1)
            if low <= self._most:
                best = max(best, largest(holds, low, self._most, room))
            if best == self._most:
                break
        return best
