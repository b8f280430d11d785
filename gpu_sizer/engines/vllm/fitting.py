"""One model on one kind of GPU under one load: what each layout leaves free, and whether vLLM starts."""

from __future__ import annotations

from math import ceil

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least
from gpu_sizer.engines.vllm import sparse
from gpu_sizer.engines.vllm.activations import nccl_alone, sampler_bytes, spared_by_images
from gpu_sizer.engines.vllm.support import scratch_of
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout, layout_of
from gpu_sizer.units import gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.vllm.engine import VllmEngine
    from gpu_sizer.engines.vllm.model import VllmModel
    from gpu_sizer.engines.vllm.needs import LayoutNeed, Needs
    from gpu_sizer.load import Load, Settings
    from gpu_sizer.memory.estimate import Verdict


#: No GPU with a whole model holds more than so many times its tensors, with all that is padded, that kernels copy and
#: that the allocator rounds up, of any card in any version (tests/engines/test_vllm_bounds.py): at most 1.2 times, and
#: 1.45 on ROCm, which pads experts.
MOST_LOADED, MOST_LOADED_ON_ROCM = 1.25, 1.6
#: The largest size of a layout.
MOST_REPLICAS = 65536


class VllmFitting:
    """One model on one kind of GPU under one load, for many layouts."""

    __slots__ = (
        "_captures_beside",
        "_engine",
        "_found",
        "_gpu",
        "_load",
        "_model",
        "_replicas",
        "_rooms",
        "_rules",
        "_scratch",
        "budget_bytes",
    )

    def __init__(self, engine: VllmEngine, model: VllmModel, gpu: GpuSpec, load: Load) -> None:
        self._engine, self._model, self._gpu, self._load = engine, model, gpu, load
        self._rules = engine.page_rules(gpu, load)
        self.budget_bytes = ceil(gpu.visible_bytes * engine.utilization(load))
        beside, outside = gpu.visible_bytes - self.budget_bytes, engine.version.outside_bytes
        several = outside["one" if engine.version.communicators_in_budget else "several"]
        self._rooms = (beside - outside["one"], beside - several, beside - outside["graphs"])
        # Versions that capture graphs beside the budget, where those hold NCCL's collectives.
        beside_budget = gpu.platform == "cuda" and gpu.platform not in engine.version.graphs_in_budget
        self._captures_beside = beside_budget and not gpu.has_nvlink and not load.enforce_eager
        self._scratch = scratch_of(model.card, gpu, engine.version)
        self._replicas: dict[int, tuple[Settings, Needs]] = {}
        self._found: dict[Layout, LayoutMemory] = {}

    def _replica(self, replicas: int) -> tuple[Settings, Needs]:
        """What holds for one replica of a layout."""
        if (kept := self._replicas.get(replicas)) is None:
            s = self._engine.settings(self._model, self._gpu, self._load, layout_of(1, 1, replicas))
            needs = self._model.needs(self._gpu, s, self._rules, self._engine.version)
            kept = self._replicas[replicas] = (s, needs)
        return kept

    def settings(self, layout: Layout) -> Settings:
        """Every default resolved for one replica of a layout.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._replica(layout.data_parallel_size)[0]

    def need(self, layout: Layout) -> LayoutNeed | None:
        """What the GPUs of an accepted layout have to hold, or null where that is not within the budget."""
        _, needs = self._replica(layout.data_parallel_size)
        if not needs.may_do(layout, self.budget_bytes):
            return None
        need = needs.of(layout)
        return need if need.budget_bytes <= self.budget_bytes else None

    def least_reserve(self) -> int:
        """Bytes that every GPU of any layout holds beside weights and cache: as many replicas as there may be."""
        (s, _), version = self._replica(min(self._load.users, MOST_REPLICAS)), self._engine.version
        sampler = sampler_bytes(self._model.card.architecture, s.max_num_seqs, version)
        return sampler + version.single_bytes - self._model.offload_bytes

    def budget(self) -> int:
        """Bytes of a GPU that the engine may fill."""
        return self.budget_bytes

    def whole_weights(self) -> int:
        """Bytes of the weights of the whole model on one GPU.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._replica(1)[1].whole_weights()

    def whole_cache(self) -> int:
        """Bytes of the cache of the whole load on one GPU.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        return self._replica(1)[1].whole_cache()

    def surely_holds(self, tensors: int) -> bool:
        """Whether one GPU surely holds the model and its load, as far as the bytes of all its tensors tell.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        most = MOST_LOADED_ON_ROCM if self._gpu.platform == "rocm" else MOST_LOADED
        room = self.budget_bytes - most * tensors
        return room > 0 and self._replica(1)[1].beside_weights() <= room

    def could_hold(self, layout: Layout, *, safe: bool = False) -> bool:
        """Whether an accepted layout is worth :meth:`evaluate`; false only where that is not within the budget.

        ``safe`` asks for a layout that fits beyond the estimate's error.
        """
        if safe and self._lacks_outside(layout):
            return False
        need = self.need(layout)
        if need is None or not safe:
            return need is not None
        return need.needed_bytes + need.roomy_bytes <= self.budget_bytes

    def could_carry(self, replica: Layout, users: int) -> bool:
        """Whether an accepted replica could hold so many requests; asked of the load of one of them.

        Each takes as many blocks, and more of them leave no more room: batches and states grow with their number.
        """
        needs = self._replica(replica.data_parallel_size)[1]
        return needs.may_carry(replica, self.budget_bytes, users) and self.most_free(replica, users) >= 0

    def most_free(self, replica: Layout, users: int) -> float:
        """No less than a load of so many requests leaves free on the fullest GPU; asked as :meth:`could_carry`."""
        return self.budget_bytes - self._replica(replica.data_parallel_size)[1].needed(replica, users)

    def may_grow_safe(self) -> bool:
        """Whether layouts of several GPUs can fit beyond the estimate's error at all."""
        # Replicas of one GPU each talk to no other.
        return self._load.users > 1 or self.outside_room(layout_of(2)) >= 0

    def free_bytes(self, layout: Layout) -> int:
        """Bytes free on the fullest GPU of an accepted layout; negative where they do not suffice."""
        _, needs = self._replica(layout.data_parallel_size)
        return self.budget_bytes - needs.of(layout).needed_bytes

    def evaluate(self, layout: Layout) -> LayoutMemory:
        """What fills each GPU of a layout, and whether the engine starts.

        Raises:
            RequestError: a setting that contradicts the load.
        """
        if (kept := self._found.get(layout)) is None:
            kept = self._found[layout] = self._evaluated(layout)
        return kept

    def _evaluated(self, layout: Layout) -> LayoutMemory:
        engine, version = self._engine, self._engine.version
        if (reason := engine.refusal(self._model, layout)) is not None:
            return refused(layout, reason)
        (s, needs), capacity = self._replica(layout.data_parallel_size), self._gpu.visible_bytes
        need, budget = needs.of(layout), self.budget_bytes
        plan, request_blocks, band = need.plan, need.request_blocks, need.band_bytes
        cache_blocks, null_block = s.users * request_blocks, 1 if version.null_block else 0
        reserved = sparse.reserved_bytes(
            self._model.card.architecture, self._gpu, layout.tensor_parallel_size, s, version
        )
        ranks = {
            held: RankMemory(
                capacity,
                budget,
                weights,
                cache_blocks * block,
                need.activation_bytes - reserved,
                need.overhead_bytes + buffers + reserved + null_block * block,
                buffers + reserved,
            )
            for held in need.held.kinds
            for weights, block, buffers in (held,)
        }
        fullest = min(ranks.values(), key=lambda r: r.free_bytes) if len(ranks) > 1 else ranks[need.held.kinds[0]]
        # The pool's own block is one of those that what is left holds.
        left = budget - need.activation_bytes - need.overhead_bytes
        pools = [(left - weights - buffers) // block for weights, block, buffers in need.held.kinds if block]
        blocks = max(0, min(pools)) if pools else 0
        concurrency = blocks / request_blocks if request_blocks else 0.0
        tokens = int(concurrency * s.context)
        verdict, reason = _verdict(fullest, need, blocks, s)
        needed = fullest.kv_cache_bytes
        if layout.pipeline_parallel_size > 1 and version.whole_pipeline_check and verdict != "does_not_fit":
            needed = whole = s.users * request_blocks * sum(plan.stage_block_bytes(1))
            if whole - fullest.available_kv_bytes > (band if reason else 0):
                one = f"one stage ({gib(fullest.available_kv_bytes)} available)"
                verdict = "does_not_fit"
                reason = f"{engine.label} compares the cache of all layers ({gib(whole)}) with {one}"
        if verdict == "does_not_fit" and (images := self._in_images(layout, fullest, needed, band)) is not None:
            verdict, reason = "tight", f"{reason}; {images}"
        if verdict == "fits" and (shortage := self.outside_shortage(layout)) is not None:
            verdict, reason = "tight", shortage
        return LayoutMemory(
            layout,
            verdict,
            reason,
            fullest,
            tuple(map(ranks.__getitem__, zip(*need.held.parts, strict=True))),
            tokens,
            concurrency * layout.data_parallel_size,
            need.roomy_bytes,
            blocks=blocks,
            printed_tokens=tokens if version.prints_capacity else plan.printed_tokens(blocks),
            host_bytes=self._host_bytes(layout) if self._model.offload_bytes else 0,
        )

    def _in_images(self, layout: Layout, memory: RankMemory, needed: int, band: int) -> str | None:
        """That a layout starts in the images of a version, whose sampler is another, or null.

        Args:
            layout: one that does not fit.
            memory: of the fullest GPU.
            needed: bytes that must be available for the cache.
            band: the estimate's own error.
        """
        narrow = profile_data("vllm/support")["sampler_of_images"]
        asked, short = self._engine.asked, needed - memory.available_kv_bytes
        if not (at_least(asked, narrow["from"]) and not at_least(asked, narrow["before"]) and short > 0):
            return None
        s, model = self._replica(layout.data_parallel_size)[0], self._model
        spared = spared_by_images(
            model.card, self._gpu, layout, s, self._engine.version, model.has_scaled_experts, model.drafter
        )
        if self._gpu.platform != "cuda" or short - spared > band:
            return None
        return f"vLLM's images sample with FlashInfer, which takes {gib(spared)} less"

    def _host_bytes(self, layout: Layout) -> int:
        """Bytes that stay in the machines' memory for all GPUs of a layout."""
        return self._model.host_share(layout, self._model.rules(self._gpu.generation, self._engine.version.name))

    def _graphs_beside(self, layout: Layout) -> bool:
        """Whether a layout captures graphs beside the budget that hold NCCL's collectives."""
        own = not self._load.disable_custom_all_reduce
        return self._captures_beside and nccl_alone(self._gpu, layout.tensor_parallel_size, own=own)

    def outside_room(self, layout: Layout) -> int:
        """Bytes beside the budget that the CUDA context, communication and a batch's scratch leave; may be negative.

        They are for block tables, and for the scratch of sequences.
        """
        several = layout.tensor_parallel_size * layout.pipeline_parallel_size > 1
        room = self._rooms[2 if self._graphs_beside(layout) else several]
        if self._scratch is not None:
            tokens = self._replica(layout.data_parallel_size)[0].max_num_batched_tokens
            room -= self._scratch.token_bytes(layout.tensor_parallel_size, tokens)
        return room

    def _lacks_outside(self, layout: Layout) -> bool:
        room = self.outside_room(layout)
        return room < 0 or room < self._replica(layout.data_parallel_size)[1].table_bytes(layout)

    def outside_shortage(self, layout: Layout) -> str | None:
        """Why the share leaves too little for what is outside of its account, or null where it leaves enough.

        Outside are the CUDA context and communication (``v1/worker/utils.py: request_memory``), block tables in the
        versions that make them after the profile run, and scratch that it does not reach (``delta.py``).
        """
        if not self._lacks_outside(layout):
            return None
        s, needs = self._replica(layout.data_parallel_size)
        beside, room = self._gpu.visible_bytes - self.budget_bytes, self.outside_room(layout)
        graphs = self._graphs_beside(layout)
        what = "the CUDA context, communication and captured graphs" if graphs else "the CUDA context and communication"
        taken = beside - room
        if room >= 0:
            tables = "block tables and states" if self._scratch is not None else "block tables"
            what = f"the CUDA context, communication and {tables} of {s.max_num_seqs:,} sequences"
            taken += needs.table_bytes(layout)
        leaves = f"utilization {s.gpu_memory_utilization:g} leaves {gib(beside)} a GPU beside the budget"
        return f"{leaves}, where {what} may take {gib(taken)}"


def _verdict(r: RankMemory, need: LayoutNeed, blocks: int, s: Settings) -> tuple[Verdict, str | None]:
    """Where start-up would fail, in the engine's order: loading, profiling, the cache, its states."""
    if r.weights_bytes > r.budget_bytes:
        usable = f"{gib(r.budget_bytes)} usable"
        return "does_not_fit", f"out of memory while loading weights: {gib(r.weights_bytes)} a GPU, {usable}"
    short, free, band = None, r.free_bytes, need.band_bytes
    if free < 0:
        fixed, usable = r.needed_bytes - r.kv_cache_bytes, f"{gib(r.budget_bytes)} usable"
        if fixed > r.budget_bytes:
            short = f"no memory left for the KV cache: weights and activations need {gib(fixed)} of {usable}"
        else:
            cache = f"{gib(r.kv_cache_bytes)} of KV cache, {gib(r.available_kv_bytes)} available"
            short = f"needs {gib(r.needed_bytes)} a GPU of {usable}: {cache}"
        if -free > band:
            return "does_not_fit", short
    if need.plan.has_states and not s.enforce_eager and s.max_num_seqs > blocks:
        return "does_not_fit", f"max_num_seqs ({s.max_num_seqs}) exceeds the {blocks} available state cache blocks"
    if short is not None:
        return "tight", f"{short}; within the estimate's own error of {gib(band)}"
    return ("tight", None) if free < need.roomy_bytes else ("fits", None)
