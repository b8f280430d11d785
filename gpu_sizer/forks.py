"""Work that is shared among the cores of a machine by processes that part from this one."""

from __future__ import annotations

import os
import pickle
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")
    R = TypeVar("R")


def cores() -> int:
    """Cores that this process may use; 1 where it cannot fork safely, as with other threads in it."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forked(
    work: Callable[[T], R], items: Sequence[T], workers: int, advance: Callable[[int], None] = lambda part: None
) -> list[R]:
    """The results of some work in the order of its items, each of several processes doing its share.

    Args:
        work: whose results can be pickled; what else it changes is lost but for this process's own share.
        items: what it is done for.
        workers: processes, this one included.
        advance: called with how many items are done.

    Raises:
        Exception: as from the work itself: what a process did not deliver is done again in this one.
    """
    workers = min(workers, len(items))
    children = [_parted(work, items[share::workers]) for share in range(1, workers)]
    results: list[R | None] = [None] * len(items)
    try:
        for place in range(0, len(items), max(1, workers)):
            results[place] = work(items[place])
            advance(min(workers, len(items) - place))
    except BaseException:
        for child, pipe in children:
            os.close(pipe)
            os.waitpid(child, 0)
        raise
    for share, (child, pipe) in enumerate(children, 1):
        with os.fdopen(pipe, "rb") as stream:
            sent = stream.read()
        _, status = os.waitpid(child, 0)
        mine = items[share::workers]
        results[share::workers] = pickle.loads(sent) if status == 0 else [work(item) for item in mine]
    return results  # type: ignore[return-value]  # every place is filled by now


def _parted(work: Callable[[T], R], items: Sequence[T]) -> tuple[int, int]:
    """A process that does this work: its id, and the pipe that its results come from."""
    out, into = os.pipe()
    if child := os.fork():
        os.close(into)
        return child, out
    status = 1
    try:
        os.close(out)
        results = pickle.dumps([work(item) for item in items], pickle.HIGHEST_PROTOCOL)
        with os.fdopen(into, "wb") as stream:
            stream.write(results)
        status = 0
    finally:
        # Nothing of the parent's is flushed or cleaned up a second time.
        os._exit(status)
