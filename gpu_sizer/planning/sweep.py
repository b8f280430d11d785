"""Sweeps: models x GPUs x types x utilizations x contexts x users, in arrays, each cell exactly what ``size`` gives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_sizer.errors import RequestError
from gpu_sizer.load import MOST_USERS, VARIED
from gpu_sizer.model.bounds import MOST_TOKENS
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.sweep_slice import CELL
from gpu_sizer.planning.sweep_slice import cells as slice_cells
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import dataclass, field

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
    settings: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values of each setting that may vary; null is the default, and the only one where none is given."""

    def __post_init__(self) -> None:
        settings = {s.name: tuple(self.settings.get(s.name, (s.default,))) for s in VARIED}
        object.__setattr__(self, "settings", settings)
        named = {name: getattr(self, name) for name in ("models", "gpus", "contexts", "users")}
        for name, values in {**named, **{s.axis: settings[s.name] for s in VARIED}}.items():
            if not values:
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
        """Models, GPUs, the settings that may vary (weight types, cache types, utilizations), contexts, users."""
        outer = (self.models, self.gpus, *self.settings.values())
        return (*map(len, outer), len(self.contexts), len(self.users))

    def chosen(self, place: tuple[int, ...]) -> dict[str, Any]:
        """The settings of one place on the outer axes."""
        return {name: values[i] for (name, values), i in zip(self.settings.items(), place[2:], strict=True)}

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

    place: tuple[int, ...]
    model: str
    gpu: str
    settings: dict[str, Any]
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
                    **self.settings,
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
    _, _, *kinds = map(range, axes.shape[:-2])
    for values in product(*kinds):
        _request(axes, (0, 0, *values), load)
    places = product(*map(range, axes.shape[:-2]))
    return (block for place in places for block in _blocks(axes, place, _request(axes, place, load), chunk))


def _request(axes: Axes, place: tuple[int, ...], load: dict[str, Any]) -> Request:
    """The request behind all cells of one place of the outer axes."""
    options: Any = {**axes.chosen(place), **load}
    return make_request(axes.models[place[0]], axes.gpus[place[1]], context=1, users=axes.users[-1], **options)


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
        yield Block(place, card.id, gpu.id, axes.chosen(place), first, contexts, axes.users, cells, uncounted)


class Sweep:
    """A whole sweep in memory: ``counts``, ``layouts`` and ``free_bytes`` have the shape of the axes.

    ``uncounted`` holds, by their place on the outer axes, the pairs that cannot be counted; their counts are 0.
    """

    def __init__(
        self, axes: Axes, cells: NDArray[np.void], uncounted: dict[tuple[int, ...], Uncounted] | None = None
    ) -> None:
        self.axes, self.cells, self.uncounted = axes, cells, uncounted or {}

    @property
    def counts(self) -> NDArray[np.int32]:
        """The fewest GPUs; 0 where no count does, the model takes no such context, or the pair cannot be counted."""
        counts: NDArray[np.int32] = self.cells["gpu_count"]
        return counts

    @property
    def layouts(self) -> NDArray[np.void]:
        """Tensor, pipeline and data parallel sizes, and whether experts are spread."""
        names = ["tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "expert_parallel"]
        layouts: NDArray[np.void] = self.cells[names]
        return layouts

    @property
    def tight(self) -> NDArray[np.bool_]:
        """Whether the free memory is within the estimate's own error."""
        tight: NDArray[np.bool_] = self.cells["tight"]
        return tight

    @property
    def free_bytes(self) -> NDArray[np.int64]:
        """Bytes free on the fullest GPU; 0 where no count does."""
        free_bytes: NDArray[np.int64] = self.cells["free_bytes"]
        return free_bytes

    def blocks(self) -> Iterator[Block]:
        """One block for each model, GPU, types and utilization."""
        a = self.axes
        for place in product(*(range(n) for n in a.shape[:-2])):
            names = (a.models[place[0]].id, a.gpus[place[1]].id, a.chosen(place))
            yield Block(place, *names, 0, a.contexts, a.users, self.cells[place], self.uncounted.get(place))

    def to_records(self) -> list[dict[str, Any]]:
        """One flat object a cell, in the order of the axes: the rows of a data frame of pandas or polars."""
        return [record for block in self.blocks() for record in block.records()]


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
