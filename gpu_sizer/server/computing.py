"""Where answers are computed: in processes, each within a time. One that takes longer is ended and replaced."""

from __future__ import annotations

import asyncio
import atexit
import multiprocessing
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gpu_sizer.server.answering import Outcome, fault, outcome
from gpu_sizer.server.bodies import Body
from gpu_sizer.server.logs import log_seldom

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


#: Seconds that one answer may take, where nobody says otherwise.
SECONDS = 30.0
#: Processes that compute for one worker: several, so that short requests pass long ones.
PROCESSES = 4
#: What the process from which they part has loaded.
_LOADED = "gpu_sizer.server.warm"


class TooLongError(Exception):
    """A request took longer than is allowed, and its computation was ended."""


def _compute(asked: Connection) -> None:
    """Answers what comes until nobody is there any more. Told to end, the server finishes what is under way first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log_seldom()
    while True:
        try:
            name, body, text = asked.recv()
            asked.send(outcome(name, body, text=text))
        except (EOFError, OSError):
            return


class _Process:
    """One process that computes."""

    def __init__(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if hasattr(context, "set_forkserver_preload"):
            context.set_forkserver_preload([_LOADED])
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_compute, args=(other,), name="computing", daemon=True)
        self._process.start()
        other.close()

    @property
    def id(self) -> int:
        """Of the process, for the system."""
        return int(self._process.pid)

    def answer(self, asked: tuple[Any, ...], until: float) -> Outcome | None:
        """The outcome; null where the process ended by itself.

        Raises:
            TooLongError: there is none by the time (of :func:`time.monotonic`).
        """
        try:
            self._pipe.send(asked)
            if not self._pipe.poll(max(0.0, until - time.monotonic())):
                raise TooLongError
            outcome: Outcome = self._pipe.recv()
        except (EOFError, OSError):
            return None
        return outcome

    def end(self) -> None:
        """Ends it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


class Computing:
    """Processes that compute, with a time for every call of which waiting for a process is a part."""

    def __init__(self, seconds: float = SECONDS, processes: int = PROCESSES) -> None:
        self.seconds = seconds
        # A thread waits for each process that is busy.
        self._waiting = ThreadPoolExecutor(processes, thread_name_prefix="waiting")
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._lock, self._closed = threading.Lock(), False
        # They do not end when they are told to: whoever forgets to close must not wait for them.
        atexit.register(self.close)

    async def run(self, name: str, body: Body | dict[str, Any], *, text: bool = False) -> Outcome:
        """The outcome of a call.

        One that is not begun in time is taken back. One that is not done in time is given up: its process is ended.

        Raises:
            TooLongError: the time is over.
        """
        until = time.monotonic() + self.seconds
        call = asyncio.get_running_loop().run_in_executor(self._waiting, self._answer, (name, body, text), until)
        try:
            return await asyncio.wait_for(call, self.seconds)
        except TimeoutError:
            raise TooLongError from None

    def processes(self) -> set[int]:
        """The ids of the processes that compute."""
        with self._lock:
            return {process.id for process in self._all}

    def start(self) -> None:
        """Starts one process, so that the first request does not wait for it."""
        self._give_back(self._take())

    def _answer(self, asked: tuple[Any, ...], until: float) -> Outcome:
        process = self._take()
        try:
            outcome = process.answer(asked, until)
        except TooLongError:
            self._end(process)
            raise
        if outcome is None:
            self._end(process)
            return fault("the process that computed this ended; the server's log may say why")
        self._give_back(process)
        return outcome

    def _take(self) -> _Process:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        made = _Process()
        with self._lock:
            if not self._closed:
                self._all.add(made)
                return made
        made.end()
        raise TooLongError

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            self._idle.append(process)

    def _end(self, process: _Process) -> None:
        with self._lock:
            self._all.discard(process)
        process.end()

    def close(self) -> None:
        """Takes back what is not begun, and gives up what is."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed, left = True, self._all
            self._all, self._idle = set(), []
        self._waiting.shutdown(wait=False, cancel_futures=True)
        for process in left:
            process.end()
