"""Where answers are computed: in threads, each within a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

#: Seconds that one answer may take, where nobody says otherwise.
SECONDS = 30.0
#: Threads that compute in one worker. They share one processor; more of them let short requests pass long ones.
THREADS = 8

Result = TypeVar("Result")


class TooLongError(Exception):
    """A request took longer than is allowed; its computation ends on its own and nobody waits for it."""


class Computing:
    """A pool of threads, with a time for every call of which waiting for a thread is a part."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="computing")

    async def run(self, function: Callable[[Any], Result], argument: Any) -> Result:
        """The function's result.

        A call that is not begun in time is taken back. One that runs on holds its thread until it ends: no number of
        requests makes more of them than there are threads.

        Raises:
            TooLongError: the time is over.
        """
        call = asyncio.get_running_loop().run_in_executor(self._pool, function, argument)
        try:
            return await asyncio.wait_for(call, self.seconds)
        except TimeoutError:
            raise TooLongError from None

    def close(self) -> None:
        """Takes back what is not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)
