"""A progress bar for long work: on stderr, and only where a person reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

#: Time between two pictures of a bar.
REFRESH_SECONDS = 0.1


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how much of some work is done; gives the function to call with each part done.

    Args:
        title: what is being done.
        total: the whole, in whatever unit the parts are told.
    """
    if not sys.stderr.isatty() or total <= 0:
        yield lambda part: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # No thread draws it: work may fork, which is safe in a process of one thread alone.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as shown:
        task, drawn = shown.add_task(title, total=total), 0.0

        def advance(part: int) -> None:
            nonlocal drawn
            shown.advance(task, part)
            if (now := monotonic()) - drawn >= REFRESH_SECONDS:
                drawn = now
                shown.refresh()

        yield advance
