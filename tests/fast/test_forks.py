"""Work shared among processes: the same results in the same order, whatever a process does."""

from __future__ import annotations

import os
import threading
import time

import pytest

from gpu_sizer.fast.forks import cores, forked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes part here")


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("items", [[], ["a"], list("abcdefg")])
def test_results_come_in_order(items: list[str], workers: int) -> None:
    told: list[int] = []
    assert forked(str.upper, items, workers, told.append) == [item.upper() for item in items]
    assert sum(told) == len(items)


def test_several_processes_do_it() -> None:
    def work(item: int) -> int:
        time.sleep(0.02)
        return os.getpid()

    assert len(set(forked(work, range(30), 3))) == 3


def test_more_items_than_a_queue_holds() -> None:
    assert forked(lambda item: item + 1, range(5000), 3) == list(range(1, 5001))


def test_what_a_process_does_not_deliver_is_done_here() -> None:
    here = os.getpid()

    def work(item: int) -> int:
        time.sleep(0.01)
        if os.getpid() != here:
            os._exit(3)
        return item * item

    told: list[int] = []
    assert forked(work, range(5), 2, told.append) == [0, 1, 4, 9, 16]
    assert sum(told) == 5


def test_an_error_of_the_work_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        forked(lambda item: 1 // (item - 3), range(4), 2)
    with pytest.raises(ZeroDivisionError):
        forked(lambda item: 1 // item, range(4), 2)


def test_a_process_with_threads_does_not_fork() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert cores() == 1
    finally:
        done.set()
        thread.join()
