"""One model on one GPU under every context and number of users: counts, layouts and free bytes as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.engines.vllm.engine import VllmEngine, VllmModel
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.sweep_layouts import FREE_BITS, blocks_per_request, layout_line, tokens_in_flight
from gpu_sizer.records import dataclass, replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.engines.load import Settings
    from gpu_sizer.planning.request import Request
    from gpu_sizer.planning.sweep_layouts import LayoutLine, Whole

#: The columns of a cell. A count of 0 means that no count up to the most allowed does.
CELL = np.dtype(
    [
        ("gpu_count", np.int32),
        ("tensor_parallel_size", np.int32),
        ("pipeline_parallel_size", np.int32),
        ("data_parallel_size", np.int32),
        ("expert_parallel", np.bool_),
        ("tight", np.bool_),
        ("free_bytes", np.int64),
    ]
)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Contexts and users, as ranges of indices, under one set of engine settings."""

    first_context: int
    stop_context: int
    first_users: int
    stop_users: int
    settings: Settings


def _same(a: Settings, b: Settings) -> bool:
    return (a.max_num_seqs, a.max_num_batched_tokens) == (b.max_num_seqs, b.max_num_batched_tokens)


class Slice:
    """The cells of one request whose context and users vary; both ascending."""

    def __init__(self, request: Request, contexts: Whole, users: Whole) -> None:
        self.request = replace(request, context=int(contexts[-1]), users=int(users[-1]))
        self.contexts, self.users = contexts, users
        self.search = Search(self.request)
        engine, model = self.search.engine, self.search.model
        assert isinstance(engine, VllmEngine)
        assert isinstance(model, VllmModel)
        self.engine: VllmEngine = engine
        self.model: VllmModel = model
        self._rectangles: dict[int, list[Rectangle]] = {}
        self._blocks: dict[tuple[int, str, int], Whole] = {}
        self._refusals: dict[tuple[int, int, int, bool], bool] = {}

    def _settings(self, context: int, users: int, replicas: int) -> Settings:
        load = replace(self.request.load, context=int(self.contexts[context]), users=int(self.users[users]))
        return self.engine.settings(self.model, self.request.gpu, load, Layout(data_parallel_size=replicas))

    def rectangles(self, replicas: int) -> list[Rectangle]:
        """The cells with users for so many replicas, parted until each part has one set of settings.

        Sequences and tokens grow with context and users, except where prompts begin to be processed in chunks:
        parts whose first and last cells agree have one set of settings throughout.
        """
        if (found := self._rectangles.get(replicas)) is not None:
            return found
        found = self._rectangles[replicas] = []
        start = int(np.searchsorted(self.users, replicas))
        chunked = int(np.searchsorted(self.contexts, self.engine.version.chunks_beyond, side="right"))
        pending = [
            (low, high, start, len(self.users))
            for low, high in ((0, chunked), (chunked, len(self.contexts)))
            if low < high and start < len(self.users)
        ]
        while pending:
            low, high, left, right = pending.pop()
            first, last = self._settings(low, left, replicas), self._settings(high - 1, right - 1, replicas)
            if _same(first, last):
                found.append(Rectangle(low, high, left, right, last))
            elif high - low == 1 or (right - left > 1 and _same(first, self._settings(high - 1, left, replicas))):
                middle = (left + right) // 2
                pending += [(low, high, left, middle), (low, high, middle, right)]
            else:
                middle = (low + high) // 2
                pending += [(low, middle, left, right), (middle, high, left, right)]
        return found

    def _layouts(self, count: int) -> Iterator[Layout]:
        for layout in self.search.layouts(count, self.request.layouts):
            # What the engine refuses depends on the cut alone, not on the replicas, but for experts.
            replicas = layout.data_parallel_size if layout.expert_parallel else 1
            key = (layout.tensor_parallel_size, layout.pipeline_parallel_size, replicas, layout.expert_parallel)
            if (refused := self._refusals.get(key)) is None:
                refused = self._refusals[key] = self.engine.refusal(self.model, layout) is not None
            if not refused:
                yield layout

    def _request_blocks(self, layout: Layout, s: Settings) -> Whole:
        tokens = tokens_in_flight(self.engine, layout, s)
        key = (layout.tensor_parallel_size, s.kv_cache_dtype, tokens)
        if (found := self._blocks.get(key)) is None:
            rules = self.engine.page_rules(self.request.gpu, self.request.load)
            plan = self.model.cache(layout.tensor_parallel_size, s.kv_cache_dtype, rules)
            found = self._blocks[key] = blocks_per_request(plan, self.contexts, tokens)
        return found

    def _line(self, layout: Layout, part: Rectangle) -> LayoutLine:
        load = replace(
            self.request.load,
            context=int(self.contexts[part.stop_context - 1]),
            users=int(self.users[part.stop_users - 1]),
        )
        return layout_line(self.engine, self.model, self.request, layout, load, part.settings)

    def _start(self) -> int:
        """The least count that any cell's search begins with: the easiest cell's."""
        starts = [
            Search(replace(self.request, context=int(self.contexts[c]), users=int(self.users[0]))).start()
            for c in {0, len(self.contexts) - 1}
        ]
        return min(starts)

    def cells(self) -> NDArray[np.void]:
        """Contexts by users, as records of :data:`CELL`.

        Raises:
            RequestError: settings that contradict the load.
        """
        shape = (len(self.contexts), len(self.users))
        cells = np.zeros(shape, CELL)
        # The engine's own check of the hardest load: sequences asked for may be below the users.
        self._settings(len(self.contexts) - 1, len(self.users) - 1, 1)
        open_ = np.ones(shape, np.bool_)
        # The fewest users at each context that still have no count.
        least = np.full(len(self.contexts), self.users[0])
        never = int(self.users[-1]) + 1
        for count in range(max(1, self._start()), self.request.max_gpus + 1):
            if not open_.any():
                break
            best: Whole | None = None
            layouts: list[Layout] = []
            for layout in self._layouts(count):
                for part in self.rectangles(layout.data_parallel_size):
                    rows = slice(part.first_context, part.stop_context)
                    columns = slice(part.first_users, part.stop_users)
                    # A cell that has its count asks nothing more of the engine.
                    if not open_[rows, columns].any():
                        continue
                    line = self._line(layout, part)
                    if line.most_blocks < 0:
                        continue
                    blocks = self._request_blocks(layout, part.settings)[rows]
                    limit = line.most_blocks // np.maximum(blocks, 1) * layout.data_parallel_size
                    # Only where some cell without a count could fit are its cells looked at one by one.
                    near = limit >= np.maximum(least[rows], self.users[part.first_users])
                    if not near.any():
                        continue
                    first, last = int(near.argmax()), len(near) - int(near[::-1].argmax())
                    most_users = int(np.searchsorted(self.users, limit[first:last].max(), side="right"))
                    rows = slice(rows.start + first, rows.start + last)
                    fewest = int(np.searchsorted(self.users, least[rows].min()))
                    columns = slice(max(columns.start, fewest), min(columns.stop, most_users))
                    blocks = blocks[first:last]
                    local = -(-self.users[columns] // layout.data_parallel_size)
                    score = line.score(blocks[:, None] * local[None, :])
                    if best is None:
                        best, which = np.full(shape, -1, np.int64), np.zeros(shape, np.int32)
                    part_best = best[rows, columns]
                    better = score > part_best
                    part_best[better] = score[better]
                    which[rows, columns][better] = len(layouts)
                layouts.append(layout)
            if best is None:
                continue
            found = open_ & (best >= 0)
            if found.any():
                self._fill(cells, found, best, np.asarray(which), layouts)
                open_ &= ~found
                least = np.where(open_.any(axis=1), self.users[open_.argmax(axis=1)], never)
        return cells

    @staticmethod
    def _fill(
        cells: NDArray[np.void], found: NDArray[np.bool_], best: Whole, which: Whole, layouts: list[Layout]
    ) -> None:
        scores, chosen = best[found], which[found]
        for name in (
            "gpu_count",
            "tensor_parallel_size",
            "pipeline_parallel_size",
            "data_parallel_size",
            "expert_parallel",
        ):
            cells[name][found] = np.array([getattr(x, name) for x in layouts])[chosen]
        cells["free_bytes"][found] = scores & ((1 << FREE_BITS) - 1)
        cells["tight"][found] = scores >> (FREE_BITS + 3) == 0


def _one_by_one(request: Request, contexts: Whole, users: Whole) -> NDArray[np.void]:
    """Cells of an engine whose rules are not known here: the search itself, cell by cell."""
    cells = np.zeros((len(contexts), len(users)), CELL)
    for c, context in enumerate(contexts.tolist()):
        for u, count in enumerate(users.tolist()):
            search = Search(replace(request, context=context, users=count))
            found = search.smallest(search.start(), request.max_gpus)
            if found is not None and found.per_gpu is not None:
                x = found.layout
                cells[c, u] = (
                    *(x.gpu_count, x.tensor_parallel_size, x.pipeline_parallel_size, x.data_parallel_size),
                    *(x.expert_parallel, found.verdict == "tight", found.per_gpu.free_bytes),
                )
    return cells


def vectorised(request: Request) -> bool:
    """Whether cells are computed as arrays; otherwise one by one, each by a search of its own."""
    return isinstance(request.get_engine(), VllmEngine)


def cells(request: Request, contexts: Whole, users: Whole) -> NDArray[np.void]:
    """The cells of a request whose context and users vary, both ascending: contexts by users.

    Raises:
        RequestError: settings that contradict the load.
    """
    if vectorised(request):
        return Slice(request, contexts, users).cells()
    return _one_by_one(request, contexts, users)
