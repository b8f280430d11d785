"""Text Generation Inference: a prefill is measured, and blocks of the cache take what is left of nine tenths."""

from __future__ import annotations

from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.one_version import OneVersion
from gpu_sizer.engines.pools import full_pool_bytes, full_pool_tokens
from gpu_sizer.engines.tgi.prefill import constants, prefill_tokens
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import forward_bytes, workspace_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightRules, refusal
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.units import GIB, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard

#: The launcher's default of ``--dtype`` where the release has no half type.
_HALF = {"float32": "float16"}
AMPERE = 8


class TgiModel(HeldModel):
    """One model as TGI holds it; its vocabulary need not divide (layers/tensor_parallel.py)."""

    def __init__(self, card: ModelCard, weights_dtype: str | None) -> None:
        inventory = build_inventory(card, weights_dtype or _HALF.get(card.weights.dtype))
        super().__init__(card, inventory, WeightRules(vocabulary_multiple_of_ranks=True))
        self.refuse_states("TGI")


class TgiEngine(OneVersion):
    """The profile of TGI 3."""

    held = TgiModel
    half = _HALF
    lowerable = ("max_num_batched_tokens",)
    spans_nodes = False

    def describe(self) -> str:
        """The profile in words."""
        return f"Text Generation Inference {self.release}"

    def settings(self, model: TgiModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The launcher's defaults for these GPUs and this model.

        Raises:
            RequestError: a batch smaller than the users.
        """
        users = self.users(load, layout, "max_batch_size")
        tokens = load.max_num_batched_tokens or prefill_tokens(model.card, gpu, layout.tensor_parallel_size)
        dtype = self.cache_dtype(model.card, load)
        fraction = load.gpu_memory_utilization or constants()["memory_fraction"]
        return load.resolved(
            users=users,
            gpu_memory_utilization=fraction,
            kv_cache_dtype=dtype,
            max_num_seqs=load.max_num_seqs or users,
            max_num_batched_tokens=tokens,
            hybrid_kv=False,
            block_size=None,
        )

    def settings_words(self, settings: Settings) -> str:
        """The settings in TGI's own names."""
        s, wiggle = settings, constants()["wiggle_room"]
        return (
            f"cuda-memory-fraction {s.gpu_memory_utilization:g}, of which TGI takes {wiggle:.0%}; "
            f"max-batch-prefill-tokens {s.max_num_batched_tokens}"
        )

    def layouts(self, model: TgiModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Shards of one machine, and whole replicas."""
        for layout in parallel_layouts(model, count, users, kind, pipelines=False, experts=False):
            if layout.tensor_parallel_size <= constants()["most_gpus"]:
                yield layout

    def refusal(self, model: TgiModel, layout: Layout) -> str | None:
        """The engine's rule that forbids this layout, or null."""
        shards = layout.tensor_parallel_size
        if layout.pipeline_parallel_size > 1:
            return "TGI has no pipelines: its shards cut every layer"
        if layout.expert_parallel or layout.decode_context_parallel_size > 1:
            return "TGI spreads neither whole experts nor a cache over its shards"
        if shards > constants()["most_gpus"]:
            return f"TGI's shards are of one machine: {shards} are too many"
        for block in model.card.architecture.blocks.values():
            # flash_llama_modeling.py: FlashLlamaAttention; latent attention has no key/value heads to cut.
            if block.mixer and block.mixer.heads % shards:
                return f"{block.mixer.heads} attention heads do not divide by {shards} shards"
            if block.mixer and block.mixer.kv_heads % shards:
                return f"{block.mixer.kv_heads} key/value heads do not divide by {shards} shards"
        return refusal(model.inventory, layout, model.rules)

    def evaluate(self, model: TgiModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU: nine tenths of the fraction less weights, context and the measured prefill."""
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        c, a, tp = constants(), model.card.architecture, layout.tensor_parallel_size
        s, bounds = self.settings(model, gpu, load, layout), ((0, model.layers),)
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        (cell,) = model.cells(tp, types, bounds, windows=False)
        major = gpu.generation
        page = c["block_size"] if major is not None and major >= AMPERE else c["old_block_size"]
        context = c["context_gib"] + (c["communication_gib"] if tp > 1 and gpu.has_nvlink else 0)
        activation = forward_bytes(a, layout, s.max_num_batched_tokens)
        activation += workspace_bytes(a, gpu, layout, s.max_num_batched_tokens, model.has_scaled_experts)
        r = RankMemory(
            capacity_bytes=gpu.visible_bytes,
            budget_bytes=int(gpu.visible_bytes * s.gpu_memory_utilization * c["wiggle_room"]),
            weights_bytes=model.weights(tp, 1, bounds)[0].total,
            kv_cache_bytes=full_pool_bytes(cell, s.context, s.users, page),
            activation_bytes=activation,
            overhead_bytes=int(context * GIB),
        )
        tokens = full_pool_tokens(cell, r.available_kv_bytes, page)
        return self.pooled(layout, (r,), s, tokens, page, self._reason(r))

    @staticmethod
    def _reason(r: RankMemory) -> str | None:
        """Where start-up would fail, or null."""
        if r.free_bytes >= 0:
            return None
        if r.available_kv_bytes <= 0:
            need = gib(r.needed_bytes - r.kv_cache_bytes)
            return f"no memory left for the KV cache: weights and the prefill need {need} of {gib(r.budget_bytes)}"
        return f"{gib(r.kv_cache_bytes)} of KV cache needed, {gib(r.available_kv_bytes)} available"


ENGINE = TgiEngine
