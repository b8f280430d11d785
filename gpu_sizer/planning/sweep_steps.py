"""Where the count changes with the context, for several numbers of users at once: sweeps that close in on each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.planning.breakpoints import Step, context_steps
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.sweep_slice import cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.planning.request import Request

#: Contexts of the first sweep, and those between two neighbours whose counts differ in each further one.
FIRST, BETWEEN = 1024, 511


def _counts(request: Request, contexts: NDArray[np.int64], users: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fewest GPUs of contexts by users; one more than the most allowed where none does."""
    counts = cells(request, contexts, users)["gpu_count"].astype(np.int64)
    return np.where(counts == 0, request.max_gpus + 1, counts)


def _steps(contexts: NDArray[np.int64], counts: NDArray[np.int64], most_gpus: int, most_steps: int) -> tuple[Step, ...]:
    """The last context of each count, as far as counts are allowed."""
    last = np.append(counts[1:] != counts[:-1], True)
    steps = (Step(int(n), int(c)) for n, c in zip(counts[last], contexts[last], strict=True) if n <= most_gpus)
    return tuple(steps)[:most_steps]


def _one_by_one(request: Request, contexts: NDArray[np.int64], users: NDArray[np.int64]) -> bool:
    """Whether each length is one of its own to the engine, as where its peak follows: a sweep shares nothing then."""
    search, load = Search(request), request.load
    ends = search.engine.lines(search.model, request.gpu, load, contexts, users).ends()
    return len(ends) > len(contexts)


def context_steps_by_users(request: Request, users: Sequence[int], most_steps: int) -> dict[int, tuple[Step, ...]]:
    """For each number of users what :func:`gpu_sizer.planning.breakpoints.context_steps` gives, many times faster.

    Like that function it relies on a law: more context never needs fewer GPUs.

    Args:
        request: its context and users do not matter.
        users: how many requests at once.
        most_steps: steps that are listed.

    Raises:
        RequestError: settings that contradict the load.
    """
    longest = request.model.context.extended or request.model.context.native
    columns = np.array(sorted(set(users)), np.int64)
    contexts = np.unique(np.geomspace(1, longest, FIRST).round().astype(np.int64))
    if not request.get_engine().counts_arrays or _one_by_one(request, contexts, columns):
        return {n: context_steps(request.under(users=n), most_steps) for n in users}
    counts = _counts(request, contexts, columns)
    while True:
        differ = (counts[1:] != counts[:-1]).any(axis=1) & (np.diff(contexts) > 1)
        if not differ.any():
            break
        inner = [
            np.linspace(low, high, BETWEEN + 2).round().astype(np.int64)
            for low, high in zip(contexts[:-1][differ], contexts[1:][differ], strict=True)
        ]
        added = np.setdiff1d(np.concatenate(inner), contexts)
        counts = np.concatenate([counts, _counts(request, added, columns)])
        contexts = np.concatenate([contexts, added])
        order = np.argsort(contexts)
        contexts, counts = contexts[order], counts[order]
    return {int(n): _steps(contexts, counts[:, i], request.max_gpus, most_steps) for i, n in enumerate(columns)}
