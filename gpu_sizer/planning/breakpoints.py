"""Where the number of GPUs changes as the context or the number of users grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpu_sizer.load import MOST_USERS
from gpu_sizer.planning.farthest import largest
from gpu_sizer.planning.request import Request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass

#: Steps that are listed.
MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A number of GPUs, and the largest context or number of users that it carries."""

    gpu_count: int
    upto: int


def _steps(smallest: Callable[[int], int | None], most: int, most_steps: int = MOST_STEPS) -> Iterator[Step]:
    """Count by count: how far each goes."""
    value = 1
    for _ in range(most_steps):
        count = smallest(value)
        if count is None:
            return
        upto = largest(lambda n, count=count: (smallest(n) or count + 1) <= count, value, most)  # type: ignore[misc]
        yield Step(count, upto)
        if upto >= most:
            return
        value = upto + 1


def _smallest(request: Request) -> int | None:
    search = Search(request)
    best = search.smallest(search.start(), request.max_gpus)
    return best.layout.gpu_count if best else None


def context_steps(request: Request, most_steps: int = MOST_STEPS) -> tuple[Step, ...]:
    """Where the count changes with the context, up to the model's own length (or the extended one)."""
    longest = request.model.context.extended or request.model.context.native
    return tuple(_steps(lambda n: _smallest(request.under(context=n)), longest, most_steps))


def user_steps(request: Request) -> tuple[Step, ...]:
    """Where the count changes with the number of users at the request's context."""
    return tuple(_steps(lambda n: _smallest(request.under(users=n)), MOST_USERS))
