"""One model on one GPU under every context and number of users: counts, layouts and free bytes as arrays."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.engines.lines import Rectangle
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.prepared import prepared
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.sweep_layouts import FREE_BITS, most_blocks, preference, score
from gpu_sizer.records import replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.engines.lines import Lines, Whole
    from gpu_sizer.load import Settings
    from gpu_sizer.planning.request import Request

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


def _as_many(s: Settings) -> bool:
    return s.max_num_seqs == s.users


def _alike(a: Settings, b: Settings) -> bool:
    """Whether the loads between two corners have the settings of both, or as many sequences as users."""
    if a.max_num_batched_tokens != b.max_num_batched_tokens:
        return False
    return a.max_num_seqs == b.max_num_seqs or (_as_many(a) and _as_many(b))


class _Best:
    """The best scores of one count, and the layouts that have them."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self.scores: Whole | None = None
        self.which = np.zeros(0, np.int32)
        self.layouts: list[Layout] = []

    def put(self, layout: Layout, score: Whole, rows: slice, columns: slice) -> None:
        """Takes the scores of a layout where they are better than those before."""
        if self.scores is None:
            self.scores, self.which = np.full(self._shape, -1, np.int64), np.zeros(self._shape, np.int32)
        if not self.layouts or self.layouts[-1] is not layout:
            self.layouts.append(layout)
        part = self.scores[rows, columns]
        better = score > part
        np.copyto(part, score, where=better)
        np.copyto(self.which[rows, columns], len(self.layouts) - 1, where=better)


class Slice:
    """The cells of one request whose context and users vary; both ascending."""

    def __init__(self, request: Request, lines: Lines, contexts: Whole, users: Whole) -> None:
        self.request = request.under(context=int(contexts[-1]), users=int(users[-1]))
        self.contexts, self.users, self._lines = contexts, users, lines
        self.search = Search(self.request)
        self._rectangles: dict[int, list[Rectangle]] = {}
        self._meets: dict[Layout, NDArray[np.bool_]] = {}

    def _settings(self, context: int, users: int, replicas: int) -> Settings:
        load = replace(self.request.load, context=int(self.contexts[context]), users=int(self.users[users]))
        search = self.search
        return search.engine.settings(search.model, self.request.gpu, load, Layout(data_parallel_size=replicas))

    def rectangles(self, replicas: int) -> list[Rectangle]:
        """The cells with users for so many replicas, parted until each part has one set of settings.

        Between the engine's own ends sequences and tokens grow with context and users: parts whose first and last
        cells agree have one set of settings throughout. Beyond the engine's default there are as many sequences as
        users.
        """
        if (made := self._rectangles.get(replicas)) is not None:
            return made
        made = self._rectangles[replicas] = []
        # Under a rate in all there is work for more replicas than users.
        in_all = self.request.load.requests_per_second is not None
        start = 0 if in_all else int(np.searchsorted(self.users, replicas))
        pending = [
            (low, high, start, len(self.users))
            for low, high in pairwise(self._lines.ends())
            if low < high and start < len(self.users)
        ]
        while pending:
            low, high, left, right = pending.pop()
            first, last = self._settings(low, left, replicas), self._settings(high - 1, right - 1, replicas)
            if _alike(first, last):
                ramp = first.max_num_seqs != last.max_num_seqs
                made.append(Rectangle(low, high, left, right, last, ramp))
            elif high - low == 1 or (right - left > 1 and _alike(first, self._settings(high - 1, left, replicas))):
                middle = (left + right) // 2
                pending += [(low, high, left, middle), (low, high, middle, right)]
            else:
                middle = (low + high) // 2
                pending += [(low, middle, left, right), (middle, high, left, right)]
        return made

    def _fast(self, layout: Layout) -> NDArray[np.bool_]:
        """For which numbers of users a layout reaches the rates that are asked for; its context does not matter."""
        if (kept := self._meets.get(layout)) is None:
            kept = self._meets[layout] = self.search.rates.meets_for(layout, self.users.astype(np.float64))
        return kept

    def _start(self) -> int:
        """The least count that any cell's search begins with: the easiest cell's."""
        starts = [
            Search(self.request.under(context=int(self.contexts[c]), users=int(self.users[0]))).start()
            for c in {0, len(self.contexts) - 1}
        ]
        return min(starts)

    def cells(self) -> NDArray[np.void]:
        """Contexts by users, as records of :data:`CELL`.

        Raises:
            RequestError: settings that contradict the load.
        """
        cells = np.zeros((len(self.contexts), len(self.users)), CELL)
        # The engine's own check of the hardest load: sequences asked for may be below the users.
        self._settings(len(self.contexts) - 1, len(self.users) - 1, 1)
        open_ = np.ones(cells.shape, np.bool_)
        # The fewest users at each context that still have no count.
        never = int(self.users[-1]) + 1
        least = np.full(len(self.contexts), self.users[0])
        for count in range(max(1, self._start()), self.request.max_gpus + 1):
            # Neither the first contexts nor the last that all have their counts are looked at again.
            rows = np.flatnonzero(least < never)
            if not len(rows):
                break
            first, last = int(rows[0]), int(rows[-1]) + 1
            best = _Best((last - first, len(self.users)))
            for layout in self.search.accepted(count, self.request.layouts):
                for part in self.rectangles(layout.data_parallel_size):
                    self._score(best, layout, part, least, first, last)
            if best.scores is not None:
                self._fill(cells[first:last], open_[first:last], best)
                still = open_[first:last]
                least[first:last] = np.where(still.any(axis=1), self.users[still.argmax(axis=1)], never)
        return cells

    def _score(self, best: _Best, layout: Layout, part: Rectangle, least: Whole, first: int, last: int) -> None:
        """Puts the layout's scores where they are better, in cells of the part that may still need a count.

        Args:
            best: the best scores of the count, from the context ``first`` on.
            layout: accepted by the engine.
            part: cells under one set of settings.
            least: the fewest users at each context that have no count.
            first: the first context with a cell that has no count.
            last: past the last of them.
        """
        start, stop = max(part.first_context, first), min(part.stop_context, last)
        if start >= stop:
            return
        fewest = max(int(least[start:stop].min()), int(self.users[part.first_users]))
        if fewest > self.users[part.stop_users - 1] or (line := self._lines.line(layout, part)) is None:
            return
        blocks, replicas = line.request_blocks, layout.data_parallel_size
        left = max(part.first_users, int(np.searchsorted(self.users, fewest)))
        local = -(-self.users[left : part.stop_users] // replicas)
        most = most_blocks(line)
        # Blocks that a request may take in each column: fewer, the more users there are.
        each = (most[left - part.first_users :] if len(most) > 1 else most) // local
        # Longer contexts take no fewer blocks: those that the fewest users do not fit in are at the end.
        stop = start + int(np.searchsorted(blocks[start:stop], each[0], side="right"))
        if start >= stop:
            return
        blocks = blocks[start:stop]
        right = left + int(np.count_nonzero(each >= blocks[0]))
        columns = slice(left - part.first_users, right - part.first_users)
        local = local[: right - left]
        sequences = local if part.ramp else np.array([part.settings.max_num_seqs], np.int64)
        of_one, tables = line.table_bytes[start:stop], None
        # Longer contexts and more sequences have larger tables.
        if int(of_one[-1]) * int(sequences[-1]) > line.outside:
            tables = of_one[:, None] * sequences[None, :]
        rank = preference(layout, self.request.gpus_per_node)
        fast = self._fast(layout)[left:right] if self.request.load.asks_rate else None
        if fast is not None and not fast.any():
            return
        scores = score(line, rank, blocks[:, None] * local[None, :], tables, columns)
        if fast is not None:
            scores[:, ~fast] = -1
        best.put(layout, scores, slice(start - first, stop - first), slice(left, right))

    @staticmethod
    def _fill(cells: NDArray[np.void], open_: NDArray[np.bool_], best: _Best) -> None:
        """Gives cells without a count that of the best scores, and closes them."""
        assert best.scores is not None
        filled = open_ & (best.scores >= 0)
        scores, chosen = best.scores[filled], best.which[filled]
        for name in (
            "gpu_count",
            "tensor_parallel_size",
            "pipeline_parallel_size",
            "data_parallel_size",
            "expert_parallel",
        ):
            cells[name][filled] = np.array([getattr(x, name) for x in best.layouts])[chosen]
        cells["free_bytes"][filled] = scores & ((1 << FREE_BITS) - 1)
        cells["tight"][filled] = scores >> (FREE_BITS + 3) == 0
        open_ &= ~filled


def _one_by_one(request: Request, contexts: Whole, users: Whole) -> NDArray[np.void]:
    """Cells of an engine that counts one load at a time: the search itself, cell by cell."""
    cells = np.zeros((len(contexts), len(users)), CELL)
    for c, context in enumerate(contexts.tolist()):
        for u, count in enumerate(users.tolist()):
            search = Search(request.under(context=context, users=count))
            best = search.smallest(search.start(), request.max_gpus)
            if best is not None and best.per_gpu is not None:
                x = best.layout
                cells[c, u] = (
                    *(x.gpu_count, x.tensor_parallel_size, x.pipeline_parallel_size, x.data_parallel_size),
                    *(x.expert_parallel, best.verdict == "tight", best.per_gpu.free_bytes),
                )
    return cells


def cells(request: Request, contexts: Whole, users: Whole) -> NDArray[np.void]:
    """The cells of a request whose context and users vary, both ascending: contexts by users.

    Raises:
        RequestError: settings that contradict the load.
    """
    engine = request.get_engine()
    if not engine.counts_arrays:
        return _one_by_one(request, contexts, users)
    lines = engine.lines(prepared(request), request.gpu, request.load, contexts, users)
    return Slice(request, lines, contexts, users).cells()
