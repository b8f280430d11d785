"""One model on one kind of GPU under the contexts and users of a sweep, each layout counted once for all of them.

Everything is what the engine's own count (:mod:`gpu_sizer.engines.vllm.fitting`, :mod:`gpu_sizer.engines.vllm.cache`)
gives, so that a sweep knows no constant and no formula of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.engines.lines import Line, Rectangle
from gpu_sizer.engines.vllm.support import scratch_of
from gpu_sizer.records import replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.vllm.cache import CachePlan
    from gpu_sizer.engines.vllm.engine import VllmEngine
    from gpu_sizer.engines.vllm.fitting import VllmFitting
    from gpu_sizer.engines.vllm.model import VllmModel
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.layout import Layout

    Whole = NDArray[np.int64]


class VllmLines:
    """The layouts of one model under the loads of a sweep."""

    def __init__(
        self, engine: VllmEngine, model: VllmModel, gpu: GpuSpec, load: Load, contexts: Whole, users: Whole
    ) -> None:
        """Prepares the layouts of a model.

        Args:
            engine: whose rules hold.
            model: as the engine holds it.
            gpu: every GPU.
            load: what is asked beside contexts and users.
            contexts: ascending.
            users: ascending.
        """
        self._engine, self._model, self._gpu, self._load = engine, model, gpu, load
        self._contexts, self._users = contexts, users
        self._rules = engine.page_rules(gpu, load)
        self._fittings: dict[tuple[int, int], VllmFitting] = {}
        self._blocks: dict[tuple[int, str, int], Whole] = {}
        self._tables: dict[tuple[int, str], Whole] = {}
        self._ramps: dict[tuple[int, int, int], tuple[list[Settings], NDArray[np.intp]]] = {}
        self._activations: dict[tuple[int, bool, int, int, int], Whole] = {}
        self._graphs: dict[tuple[int, int, int, int, int], Whole] = {}

    def ends(self) -> list[int]:
        """Where prompts begin to be processed in chunks; what an indexer or the profile's video holds parts all."""
        number, beyond = len(self._contexts), self._engine.version.chunks_beyond
        if self._model.peak_follows_context:
            return list(range(number + 1))
        whole = number if beyond is None else int(np.searchsorted(self._contexts, beyond, side="right"))
        return [0, whole, number]

    def _plan(self, layout: Layout, s: Settings) -> CachePlan:
        return self._model.cache(layout.tensor_parallel_size, s.kv_cache_dtype, self._rules)

    def _request_blocks(self, layout: Layout, s: Settings) -> Whole:
        tokens = self._engine.version.tokens_in_flight(layout.pipeline_parallel_size, s.max_num_batched_tokens)
        key = (layout.tensor_parallel_size, s.kv_cache_dtype, tokens)
        if (blocks := self._blocks.get(key)) is None:
            blocks = self._blocks[key] = self._plan(layout, s).blocks_per_request(self._contexts, tokens)
        return blocks

    def _table_bytes(self, layout: Layout, s: Settings) -> Whole:
        key = (layout.tensor_parallel_size, s.kv_cache_dtype)
        if (tables := self._tables.get(key)) is None:
            version = self._engine.version
            tables = version.block_tables * self._plan(layout, s).table_bytes(self._contexts)
            if (scratch := scratch_of(self._model.card, self._gpu, version)) is not None:
                tables = tables + scratch.sequence_bytes(layout.tensor_parallel_size)
            self._tables[key] = tables
        return tables

    def _fitting(self, part: Rectangle) -> VllmFitting:
        """The easiest load of a part: what does not hold it holds none of its cells."""
        corner = (part.first_context, part.first_users)
        if (fitting := self._fittings.get(corner)) is None:
            context, users = int(self._contexts[corner[0]]), int(self._users[corner[1]])
            load = replace(self._load, context=context, users=users)
            fitting = self._fittings[corner] = self._engine.fitting(self._model, self._gpu, load)
        return fitting

    def _ramp(self, replicas: int, part: Rectangle) -> tuple[list[Settings], NDArray[np.intp]]:
        """The settings of a part whose sequences are its users, and which of them each column has."""
        key = (replicas, part.first_context, part.first_users)
        if (ramp := self._ramps.get(key)) is None:
            local = -(-self._users[part.first_users : part.stop_users] // replicas)
            numbers, places = np.unique(local, return_inverse=True)
            ramp = self._ramps[key] = [replace(part.settings, max_num_seqs=n) for n in numbers.tolist()], places
        return ramp

    def _peaks(self, layout: Layout, part: Rectangle) -> Whole:
        """The activation peak in each column of a ramp, with the graphs that are added there."""
        model, gpu, version = self._model, self._gpu, self._engine.version
        replicas, pp = layout.data_parallel_size, layout.pipeline_parallel_size
        corner = (replicas, part.first_context, part.first_users)
        settings, places = self._ramp(replicas, part)
        # A peak is that of one stage, whatever their number; so many are costly.
        key = (layout.tensor_parallel_size, layout.expert_parallel, *corner)
        if (peaks := self._activations.get(key)) is None:
            activations = [model.reserve(gpu, layout, s, version).activation_bytes for s in settings]
            peaks = self._activations[key] = np.array(activations, np.int64)[places]
        tp = layout.tensor_parallel_size
        if (graphs := self._graphs.get((tp, pp, *corner))) is None:
            captured = np.array([model.graph_bytes(gpu, tp, pp, s, version) for s in settings], np.int64)
            # The line's own load has the graphs of the first column.
            graphs = self._graphs[tp, pp, *corner] = (captured - captured[0])[places]
        return peaks + graphs

    def line(self, layout: Layout, part: Rectangle) -> Line | None:
        """The line of an accepted layout over one part, or null where not even the easiest load of it fits."""
        fitting, version, s = self._fitting(part), self._engine.version, part.settings
        if (need := fitting.need(layout)) is None:
            return None
        peak = self._peaks(layout, part) if part.ramp else np.array([need.activation_bytes], np.int64)
        left = fitting.budget_bytes - need.overhead_bytes - peak
        null_block = 1 if version.null_block else 0
        checks = layout.pipeline_parallel_size > 1 and version.whole_pipeline_check
        return Line(
            tuple([left - (weights + loading + null_block * block) for weights, block, loading in need.held.kinds]),
            tuple([block for _, block, _ in need.held.kinds]),
            need.roomy_bytes,
            fitting.outside_room(layout),
            sum(need.plan.stage_block_bytes(1)) if checks else 0,
            self._request_blocks(layout, s),
            self._table_bytes(layout, s),
        )
