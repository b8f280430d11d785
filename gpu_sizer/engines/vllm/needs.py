"""What each GPU of a layout has to hold: everything but the memory that it has.

GPUs that differ in nothing but their memory share these figures, so that a question about many GPUs counts them once.
"""

from __future__ import annotations

from gpu_sizer.engines.doubts import may_keep_bytes
from gpu_sizer.engines.vllm.activations import Reserve, joined_workers
from gpu_sizer.engines.vllm.loading import Kernels, LoadingExtra, batch_widths
from gpu_sizer.engines.vllm.support import scratch_of
from gpu_sizer.memory.layout import Layout, layout_of
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.vllm.cache import CachePlan
    from gpu_sizer.engines.vllm.model import HeldStages, VllmModel
    from gpu_sizer.engines.vllm.pages import PageRules
    from gpu_sizer.engines.vllm.version import VersionProfile
    from gpu_sizer.load import Settings


@dataclass(frozen=True, slots=True)
class LayoutNeed:
    """What the GPUs of one layout have to hold."""

    held: HeldStages
    budget_bytes: int
    """The least budget under which the engine starts and carries the load."""
    needed_bytes: int
    """What the fullest GPU holds, all of it."""
    activation_bytes: int
    overhead_bytes: int
    """The same on every GPU, whatever it loads."""
    band_bytes: int
    roomy_bytes: int
    """Free bytes from which on the layout fits; fewer are tight."""
    request_blocks: int
    """Blocks of the pool that one request takes."""
    plan: CachePlan


class Needs:
    """One model under one set of settings on GPUs of one kind."""

    __slots__ = (
        *("_model", "_gpu", "_settings", "_rules", "_version", "_kernels", "_pool", "_null_block"),
        *("_plans", "_leasts", "_reserves", "_ranks", "_loading", "_graphs", "_tables", "_found", "_whole"),
    )

    def __init__(
        self, model: VllmModel, gpu: GpuSpec, settings: Settings, rules: PageRules, version: VersionProfile
    ) -> None:
        """Prepares the layouts of a model.

        Args:
            model: the model.
            gpu: any GPU of the kind.
            settings: all resolved, for one replica.
            rules: how pages are allocated.
            version: constants of the engine's version.
        """
        self._model, self._gpu, self._settings, self._rules, self._version = model, gpu, settings, rules, version
        triton = not model.is_compressed
        self._kernels = Kernels(gpu.platform, gpu.generation, version.name, gpu.has_float8, triton)
        # Models with states need a block for every sequence (see VllmFitting).
        self._pool = 0 if settings.enforce_eager else settings.max_num_seqs
        self._null_block = 1 if version.null_block else 0
        self._plans: dict[int, CachePlan] = {}
        self._leasts: dict[tuple[int, bool, int, bool, int, int], tuple[int, int]] = {}
        self._reserves: dict[tuple[int, bool, int, int], Reserve] = {}
        self._ranks: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        self._loading: dict[tuple[int, int], LoadingExtra] = {}
        self._graphs: dict[tuple[int, int], int] = {}
        self._tables: dict[tuple[int, int], int] = {}
        self._found: dict[Layout, LayoutNeed] = {}
        self._whole: int | None = None

    def beside_weights(self) -> int:
        """Bytes that one GPU with every layer needs beside weights and what loading adds to them, whatever the batch.

        Each part as :meth:`of` counts it; no tensor is made to tell.
        """
        plan, reserve = self._plan(1), self._reserve(layout_of())
        blocks = max(self._pools(plan, self._request_blocks(plan, layout_of())))
        fixed = reserve.activation_bytes + reserve.overhead_bytes + self._graph_bytes(1, 1)
        batch = sum(batch_widths(self._model.card, 1, self._kernels)) * self._settings.max_num_batched_tokens
        return fixed + batch + blocks * plan.stage_block_bytes(1)[0]

    def _pools(self, plan: CachePlan, request_blocks: int) -> tuple[int, int]:
        """Blocks of the pool that the load takes, and those without which the engine does not start."""
        load = self._settings.users * request_blocks + self._null_block
        return load, self._pool if plan.has_states else 0

    def _plan(self, tp: int) -> CachePlan:
        if (kept := self._plans.get(tp)) is None:
            kept = self._plans[tp] = self._model.cache(tp, self._settings.kv_cache_dtype, self._rules)
        return kept

    def _request_blocks(self, plan: CachePlan, layout: Layout) -> int:
        s = self._settings
        tokens = self._version.tokens_in_flight(layout.pipeline_parallel_size, s.max_num_batched_tokens)
        return plan.blocks_per_request(s.context, tokens, layout.decode_context_parallel_size)

    def whole_weights(self) -> int:
        """Bytes of the weights of the whole model on one GPU; no cache is planned for it."""
        # Each GPU that joins leaves as much in the machine's memory: the model is what it is, GPUs hold more.
        if self._whole is None:
            self._whole = self._weights(layout_of()) + self._model.offload_bytes
        return self._whole

    def whole_cache(self) -> int:
        """Bytes of the cache of the whole load on one GPU."""
        _, block, blocks = self._one_rank(layout_of())
        return blocks * block

    def _weights(self, layout: Layout) -> int:
        """Bytes of weights on a rank that has every layer."""
        rules = self._model.rules(self._gpu.generation, self._version.name)
        return self._model.stages(layout.tensor_parallel_size, layout.expert_ranks, 1, rules)[0]

    def _one_rank(self, layout: Layout) -> tuple[int, int, int]:
        """Bytes of weights and of a block on a rank that has every layer, and the blocks of the load."""
        tp, dcp = layout.tensor_parallel_size, layout.decode_context_parallel_size
        key = (tp, layout.expert_ranks, dcp)
        if (kept := self._ranks.get(key)) is None:
            plan = self._plan(tp)
            blocks = self._request_blocks(plan, layout_of(tp, 1, 1, False, dcp))
            block = plan.stage_block_bytes(1)[0]
            kept = self._ranks[key] = (self._weights(layout), block, self._settings.users * blocks)
        return kept

    def _least(self, layout: Layout) -> tuple[int, int]:
        """Bytes of weights and cache on a rank that has every layer, and what each GPU holds beside them at least."""
        several, workers = layout.pipeline_parallel_size > 1, joined_workers(layout)
        tp, dp, dcp = layout.tensor_parallel_size, layout.data_parallel_size, layout.decode_context_parallel_size
        key = (tp, several, workers, layout.expert_parallel, dp, dcp)
        if (kept := self._leasts.get(key)) is None:
            weights, block, blocks = self._one_rank(layout)
            if self._plan(tp).has_states:
                blocks = max(blocks, self._pool)
            each = self._reserve(layout)
            # Of a pipeline, as if each stage had the graphs of one layer.
            graphs = self._graph_bytes(tp, self._model.card.architecture.num_hidden_layers if several else 1)
            beside = each.activation_bytes + each.overhead_bytes + graphs
            kept = self._leasts[key] = (weights + blocks * block, beside)
        return kept

    def table_bytes(self, layout: Layout) -> int:
        """Block tables, and scratch of sequences, that stand outside of the budget's account on every GPU."""
        key = (layout.tensor_parallel_size, layout.decode_context_parallel_size)
        if (kept := self._tables.get(key)) is None:
            tp, dcp = key
            rows = self._version.block_tables * self._settings.max_num_seqs
            row = self._plan(tp).table_bytes(ceil_div(self._settings.context, dcp)) if rows else 0
            kept = rows * row
            if (scratch := scratch_of(self._model.card, self._gpu, self._version)) is not None:
                kept += self._settings.max_num_seqs * scratch.sequence_bytes(tp)
            self._tables[key] = kept
        return kept

    def may_do(self, layout: Layout, budget: int) -> bool:
        """Whether an accepted layout is worth :meth:`of`; false only where it needs more than the budget.

        No stage is counted, only their average: stages together hold no less than one rank that has every layer.
        """
        (together, each), stages = self._least(layout), layout.pipeline_parallel_size
        return together - (stages - 1) * self._model.offload_bytes <= (budget - each) * stages

    def may_carry(self, layout: Layout, budget: int, users: int) -> bool:
        """The same of so many times the load's requests."""
        (weights, block, blocks), (_, each) = self._one_rank(layout), self._least(layout)
        stages = layout.pipeline_parallel_size
        together = weights + users * blocks * block - (stages - 1) * self._model.offload_bytes
        return together <= (budget - each) * stages

    def needed(self, layout: Layout, users: int) -> int:
        """Bytes on the fullest GPU of an accepted layout with so many times the load's requests."""
        need = self.of(layout)
        blocks = users * self._settings.users * need.request_blocks + self._null_block
        return need.activation_bytes + need.overhead_bytes + need.held.fullest(blocks)

    def of(self, layout: Layout) -> LayoutNeed:
        """What the GPUs of an accepted layout have to hold."""
        if (kept := self._found.get(layout)) is None:
            kept = self._found[layout] = self._counted(layout)
        return kept

    def _reserve(self, layout: Layout) -> Reserve:
        """The activation peak and the overhead beside graphs, on every GPU of a layout."""
        several = layout.pipeline_parallel_size > 1
        key = (layout.tensor_parallel_size, several, joined_workers(layout), layout.expert_ranks)
        if (kept := self._reserves.get(key)) is None:
            kept = self._reserves[key] = self._model.reserve(self._gpu, layout, self._settings, self._version)
        return kept

    def _graph_bytes(self, tp: int, stages: int) -> int:
        """The captured graphs of one of so many pipeline stages."""
        if (kept := self._graphs.get((tp, stages))) is None:
            made = self._model.graph_bytes(self._gpu, tp, stages, self._settings, self._version)
            kept = self._graphs[tp, stages] = made
        return kept

    def _counted(self, layout: Layout) -> LayoutNeed:
        model, s, pp = self._model, self._settings, layout.pipeline_parallel_size
        plan, reserve = self._plan(layout.tensor_parallel_size), self._reserve(layout)
        blocks = self._request_blocks(plan, layout)
        sizes = (layout.tensor_parallel_size, layout.expert_ranks)
        if (loading := self._loading.get(sizes)) is None:
            loading = self._loading[sizes] = model.loading_extra(*sizes, self._kernels)
        held = model.held(layout, plan, loading, s.max_num_batched_tokens)
        overhead = reserve.overhead_bytes + self._graph_bytes(layout.tensor_parallel_size, pp)
        fixed = reserve.activation_bytes + overhead
        pool, least = self._pools(plan, blocks)
        budget = needed = fixed + held.fullest(pool)
        if least > pool:
            budget = fixed + held.fullest(least)
        band = reserve.band_bytes
        roomy = max(band, may_keep_bytes(model.card, model.inventory, layout))
        return LayoutNeed(held, budget, needed, reserve.activation_bytes, overhead, band, roomy, blocks, plan)
