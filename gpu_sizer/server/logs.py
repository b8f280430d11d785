"""A log that callers cannot fill: of messages that are alike, a few in a while."""

from __future__ import annotations

import logging
import time

#: Messages alike that are written in a while, and how long that is in seconds.
MOST_ALIKE, WHILE = 5, 60.0
#: Whose messages callers can cause: uvicorn's of bad requests, asyncio's of sockets, our own of faults.
LOGS = ("uvicorn.error", "asyncio", "gpu_sizer.server")


class Seldom(logging.Filter):
    """Lets through the first messages of a kind in a while, and says with the next how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], list[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is written."""
        now = time.monotonic()
        # What was said, without the figures in it: the text before they are put in.
        seen = self._seen.setdefault((record.name, str(record.msg)[:80]), [now, 0.0, 0.0])
        began, written, left_out = seen
        if now - began >= WHILE:
            began, written = now, 0.0
        if written >= MOST_ALIKE:
            seen[:] = began, written, left_out + 1
            return False
        if left_out:
            record.msg = f"{record.msg} ({left_out:.0f} more like this were not written)"
        seen[:] = began, written + 1, 0.0
        return True


def log_seldom() -> None:
    """Bounds the log of this process."""
    for name in LOGS:
        log = logging.getLogger(name)
        if not any(isinstance(f, Seldom) for f in log.filters):
            log.addFilter(Seldom())
