"""Work that is shared among the cores of a machine by processes that part from this one."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    T = TypeVar("T")
    R = TypeVar("R")

#: Bytes of the number of an item in the queue.
NUMBER_BYTES = 4
#: Numbers that a queue is sure to hold: 4 KiB, the least that pipes take without a reader.
QUEUED = 1024


def cores() -> int:
    """Cores that this process may use; 1 where it cannot fork safely, as with other threads in it."""
    threading = sys.modules.get("threading")
    if not hasattr(os, "fork") or (threading is not None and threading.active_count() > 1):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forked(
    work: Callable[[T], R], items: Sequence[T], workers: int, advance: Callable[[int], None] = lambda part: None
) -> list[R]:
    """The results of some work in the order of its items, each of several processes taking the next that is left.

    Args:
        work: whose results can be pickled; what else it changes in other processes is lost.
        items: what it is done for.
        workers: processes, this one included.
        advance: called with how many more items are done.

    Raises:
        Exception: as from the work itself: what a process did not deliver is done again in this one.
    """
    if min(workers, len(items)) < 2:
        alone = []
        for item in items:
            alone.append(work(item))
            advance(1)
        return alone
    import pickle

    step = -(-len(items) // QUEUED)
    queue, into = os.pipe()
    os.write(into, b"".join(n.to_bytes(NUMBER_BYTES) for n in range(0, len(items), step)))
    os.close(into)
    children = [_parted(work, items, queue, step) for _ in range(min(workers, len(items)) - 1)]
    results: dict[int, R] = {}
    told = 0
    try:
        for place in _taken(queue, step, len(items)):
            results[place] = work(items[place])
            # Whatever comes before in the queue is done or nearly so.
            advance(place + 1 - told)
            told = place + 1
    except BaseException:
        for child, pipe in children:
            os.close(pipe)
            os.waitpid(child, 0)
        raise
    finally:
        os.close(queue)
    for child, pipe in children:
        with os.fdopen(pipe, "rb") as stream:
            sent = stream.read()
        _, status = os.waitpid(child, 0)
        if status == 0:
            results.update(pickle.loads(sent))
    for place, item in enumerate(items):
        if place not in results:
            results[place] = work(item)
    advance(len(items) - told)
    return [results[place] for place in range(len(items))]


def _taken(queue: int, step: int, number: int) -> Iterator[int]:
    """The places of the items that this process takes from the queue, until it is empty.

    A pipe gives what stands in it to one reader at a time, and whole numbers are all that it holds.
    """
    while taken := os.read(queue, NUMBER_BYTES):
        first = int.from_bytes(taken)
        yield from range(first, min(first + step, number))


def _parted(work: Callable[[T], R], items: Sequence[T], queue: int, step: int) -> tuple[int, int]:
    """A process that takes its share of the work: its id, and the pipe that its results come from."""
    out, into = os.pipe()
    if child := os.fork():
        os.close(into)
        return child, out
    status = 1
    try:
        import pickle

        os.close(out)
        done = {place: work(items[place]) for place in _taken(queue, step, len(items))}
        with os.fdopen(into, "wb") as stream:
            pickle.dump(done, stream, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        # Nothing of the parent's is flushed or cleaned up a second time.
        os._exit(status)
