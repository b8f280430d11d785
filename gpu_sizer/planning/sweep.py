"""Sweeps: models x GPUs x types x utilizations x contexts x users, in arrays, each cell exactly what ``size`` gives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_sizer.errors import RequestError
from gpu_sizer.load import MOST_USERS
from gpu_sizer.model.bounds import MOST_TOKENS
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.sweep_slice import CELL
from gpu_sizer.planning.sweep_slice import cells as slice_cells
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.planning.request import Request

#: Cells that are computed at once.
CHUNK = 1 << 18
#: The verdict on cells of a pair of which it is not known what it takes.
NOT_COUNTED = "not_counted"


@dataclass(frozen=True, slots=True)
class Axes:
    """What is swept; contexts and users ascending."""

    models: tuple[ModelCard, ...]
    gpus: tuple[GpuSpec, ...]
    contexts: tuple[int, ...]
    users: tuple[int, ...] = (1,)
    weights_dtypes: tuple[str | None, ...] = (None,)
    kv_cache_dtypes: tuple[str | None, ...] = (None,)
    utilizations: tuple[float | None, ...] = (None,)

    def __post_init__(self) -> None:
        for name in ("models", "gpus", "contexts", "users", "weights_dtypes", "kv_cache_dtypes", "utilizations"):
            if not getattr(self, name):
                raise RequestError(f"a sweep needs at least one of {name}")
        for name in ("contexts", "users"):
            values = getattr(self, name)
            if any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
                raise RequestError(f"{name} must be whole numbers of at least 1")
            object.__setattr__(self, name, tuple(sorted(set(values))))
        if self.contexts[-1] > MOST_TOKENS or self.users[-1] > MOST_USERS:
            raise RequestError(f"contexts go up to 2**40 tokens and users up to {MOST_USERS:,}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Models, GPUs, weight types, cache types, utilizations, contexts, users."""
        outer = (self.models, self.gpus, self.weights_dtypes, self.kv_cache_dtypes, self.utilizations)
        return (*map(len, outer), len(self.contexts), len(self.users))

    @property
    def size(self) -> int:
        """Cells."""
        total = 1
        for n in self.shape:
            total *= n
        return total


@dataclass(frozen=True, slots=True)
class Block:
    """A run of neighbouring cells: one model, GPU, types and utilization, some contexts, all users."""

    place: tuple[int, int, int, int, int]
    model: str
    gpu: str
    weights_dtype: str | None
    kv_cache_dtype: str | None
    utilization: float | None
    first_context: int
    contexts: tuple[int, ...]
    users: tuple[int, ...]
    cells: NDArray[np.void]
    uncounted: Uncounted | None = None
    """Why none of these cells is counted; null where all are."""

    def verdict(self, count: int, tight: bool) -> str:
        """The word for a cell."""
        if self.uncounted is not None:
            return NOT_COUNTED
        return ("tight" if tight else "fits") if count else "does_not_fit"

    def records(self) -> Iterator[dict[str, Any]]:
        """One object a cell; a count of null means that none does, that the model takes no such context, or by its
        verdict that the pair cannot be counted."""
        for c, context in enumerate(self.contexts):
            for users, cell in zip(self.users, self.cells[c].tolist(), strict=True):
                count, tp, pp, dp, ep, tight, free = cell
                yield {
                    "model": self.model,
                    "gpu": self.gpu,
                    "weights_dtype": self.weights_dtype,
                    "kv_cache_dtype": self.kv_cache_dtype,
                    "gpu_memory_utilization": self.utilization,
                    "context": context,
                    "users": users,
                    "verdict": self.verdict(count, tight),
                    "gpu_count": count or None,
                    "tensor_parallel_size": tp or None,
                    "pipeline_parallel_size": pp or None,
                    "data_parallel_size": dp or None,
                    "expert_parallel": ep if count else None,
                    "free_bytes": free if count else None,
                }


def sweep_blocks(axes: Axes, *, chunk: int = CHUNK, **load: Any) -> Iterator[Block]:
    """The cells of a sweep, some at a time, in the order of the axes: memory does not grow with the sweep.

    Every option is checked before the first block. Cells of a pair that cannot be counted say so; the others follow.

    Args:
        axes: what is swept.
        chunk: cells of one block at most (at least one context with all its users).
        load: the other options of ``size``, the same for every cell.

    Raises:
        RequestError: a value that makes no sense.
    """
    _, _, *kinds = map(range, axes.shape[:5])
    for values in product(*kinds):
        _request(axes, (0, 0, *values), load)
    places = product(*map(range, axes.shape[:5]))
    return (block for place in places for block in _blocks(axes, place, _request(axes, place, load), chunk))


def _request(axes: Axes, place: tuple[int, ...], load: dict[str, Any]) -> Request:
    """The request behind all cells of one place of the outer axes."""
    m, g, w, k, u = place
    options = {
        "weights_dtype": axes.weights_dtypes[w],
        "kv_cache_dtype": axes.kv_cache_dtypes[k],
        "gpu_memory_utilization": axes.utilizations[u],
    }
    return make_request(axes.models[m], axes.gpus[g], context=1, users=axes.users[-1], **options, **load)  # type: ignore[arg-type]


def _blocks(axes: Axes, place: tuple[int, ...], request: Request, chunk: int) -> Iterator[Block]:
    users = np.array(axes.users, np.int64)
    step = max(1, chunk // len(users))
    card, gpu = request.model, request.gpu
    longest = card.context.extended or card.context.native
    uncounted: Uncounted | None = None
    for first in range(0, len(axes.contexts), step):
        contexts = axes.contexts[first : first + step]
        cells = np.zeros((len(contexts), len(users)), CELL)
        taken = bisect_right(contexts, longest)
        if taken and uncounted is None:
            lengths = np.array(contexts[:taken], np.int64)
            made = counted(card, gpu, lambda lengths=lengths: slice_cells(request, lengths, users))  # type: ignore[misc]
            if isinstance(made, Uncounted):
                uncounted = made
            else:
                cells[:taken] = made
        load = request.load
        names = (card.id, gpu.id, load.weights_dtype, load.kv_cache_dtype, load.gpu_memory_utilization)
        yield Block(place, *names, first, contexts, axes.users, cells, uncounted)  # type: ignore[arg-type]


class Sweep:
    """A whole sweep in memory: ``counts``, ``layouts`` and ``free_bytes`` have the shape of the axes.

    ``uncounted`` holds, by their place on the first five axes, the pairs that cannot be counted; their counts are 0.
    """

    def __init__(
        self, axes: Axes, cells: NDArray[np.void], uncounted: dict[tuple[int, ...], Uncounted] | None = None
    ) -> None:
        self.axes, self.cells, self.uncounted = axes, cells, uncounted or {}

    @property
    def counts(self) -> NDArray[np.int32]:
        """The fewest GPUs; 0 where no count does, the model takes no such context, or the pair cannot be counted."""
        found: NDArray[np.int32] = self.cells["gpu_count"]
        return found

    @property
    def layouts(self) -> NDArray[np.void]:
        """Tensor, pipeline and data parallel sizes, and whether experts are spread."""
        names = ["tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "expert_parallel"]
        found: NDArray[np.void] = self.cells[names]
        return found

    @property
    def tight(self) -> NDArray[np.bool_]:
        """Whether the free memory is within the estimate's own error."""
        found: NDArray[np.bool_] = self.cells["tight"]
        return found

    @property
    def free_bytes(self) -> NDArray[np.int64]:
        """Bytes free on the fullest GPU; 0 where no count does."""
        found: NDArray[np.int64] = self.cells["free_bytes"]
        return found

    def blocks(self) -> Iterator[Block]:
        """One block for each model, GPU, types and utilization."""
        a = self.axes
        for m, g, w, k, r in product(*(range(n) for n in a.shape[:5])):
            names = (a.models[m].id, a.gpus[g].id, a.weights_dtypes[w], a.kv_cache_dtypes[k], a.utilizations[r])
            place = (m, g, w, k, r)
            yield Block(place, *names, 0, a.contexts, a.users, self.cells[place], self.uncounted.get(place))

    def to_records(self) -> list[dict[str, Any]]:
        """One flat object a cell, in the order of the axes: the rows of a data frame of pandas or polars."""
        return [record for block in self.blocks() for record in block.records()]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from gpu_sizer.reports.notebook import sweep_html

        return sweep_html(self)


def sweep_cards(axes: Axes, **load: Any) -> Sweep:
    """A whole sweep of cards; ``load`` are the other options of ``size``.

    Raises:
        RequestError: a value that makes no sense.
    """
    cells = np.zeros(axes.shape, CELL)
    uncounted: dict[tuple[int, ...], Uncounted] = {}
    for block in sweep_blocks(axes, **load):
        if block.uncounted is not None:
            uncounted[block.place] = block.uncounted
        cells[block.place][block.first_context : block.first_context + len(block.contexts)] = block.cells
    return Sweep(axes, cells, uncounted)


def counts(models: Sequence[ModelCard], gpus: Sequence[GpuSpec], context: int, users: int = 1, **load: Any) -> Any:
    """The fewest GPUs of every pair at one load: models by GPUs, 0 where none does."""
    return sweep_cards(Axes(tuple(models), tuple(gpus), (context,), (users,)), **load).counts.reshape(
        len(models), len(gpus)
    )
