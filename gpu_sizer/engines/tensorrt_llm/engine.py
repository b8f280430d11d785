"""TensorRT-LLM (PyTorch backend): a share of what is free after weights and activations goes to the cache."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.one_version import HALF, OneVersion
from gpu_sizer.engines.pools import full_pool_bytes, full_pool_tokens
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import forward_bytes, workspace_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout, bounds_of
from gpu_sizer.memory.weights import WeightRules
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace
from gpu_sizer.units import GIB, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.tensorrt_llm.drafts import Drafter

#: Logits are made in float32 for the sampler (_torch/pyexecutor/sampler.py).
LOGIT_BYTES = 4


def stage_bounds(layers: int, stages: int) -> tuple[tuple[int, int], ...]:
    """First and past-the-last layer of each stage: what is left over goes to the first (mapping.py: pp_layers)."""
    base, left = divmod(layers, stages)
    return bounds_of([base + (stage < left) for stage in range(stages)])


class TensorrtLlmModel(HeldModel):
    """One model as TensorRT-LLM holds it; its vocabulary is padded to a multiple of the ranks (LMHead)."""

    def __init__(self, card: ModelCard, load: Load) -> None:
        inventory = build_inventory(card, load.weights_dtype or HALF.get(card.weights.dtype))
        rules = WeightRules(vocabulary_multiple_of_ranks=True)
        super().__init__(card, inventory, rules)
        self.refuse_states("TensorRT-LLM")
        self.drafter: Drafter | None = None
        if load.speculative is not None:
            from gpu_sizer.engines.tensorrt_llm.drafts import drafter_of

            known = TensorrtLlmEngine().constants["drafts"]
            self.drafter = drafter_of(card, inventory, load.speculative, rules, known)


class TensorrtLlmEngine(OneVersion):
    """The profile of TensorRT-LLM's PyTorch backend."""

    held = TensorrtLlmModel
    lowerable = ("max_num_batched_tokens",)
    counted = frozenset(("speculative",))

    def check(self, load: Load) -> None:
        """Refuses a type of cache that is not known, options that are not counted, and what tells no drafts.

        Raises:
            RequestError: what it is.
        """
        super().check(load)
        if load.speculative is not None:
            from gpu_sizer.engines.speculation import speculation

            speculation(load.speculative)

    def describe(self) -> str:
        """The profile in words."""
        return f"{self.title} {self.release}, PyTorch backend"

    def settings(self, model: TensorrtLlmModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The engine's defaults.

        Raises:
            RequestError: a batch smaller than the users.
        """
        c, users = self.constants, self.users(load, layout, "max_batch_size")
        sequences = load.max_num_seqs or max(users, c["max_batch_size"])
        tokens = load.max_num_batched_tokens or c["max_num_tokens"]
        dtype = self.cache_dtype(model.card, load)
        fraction = load.gpu_memory_utilization or c["free_fraction"]
        return load.resolved(
            users=users,
            gpu_memory_utilization=fraction,
            kv_cache_dtype=dtype,
            max_num_seqs=sequences,
            max_num_batched_tokens=tokens,
            hybrid_kv=False,
            block_size=None,
            prefix_caching=None,
            disable_custom_all_reduce=False,
        )

    def settings_words(self, settings: Settings) -> str:
        """The settings in TensorRT-LLM's own names."""
        s = settings
        return (
            f"free_gpu_memory_fraction {s.gpu_memory_utilization:g} of what is left; max_batch_size {s.max_num_seqs}, "
            f"max_num_tokens {s.max_num_batched_tokens}; the whole context in every layer"
        )

    def layouts(self, model: TensorrtLlmModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Tensor, pipeline and expert parallelism, and replicas."""
        return parallel_layouts(model, count, users, kind)

    def refusal(self, model: TensorrtLlmModel, layout: Layout) -> str | None:
        """The engine's rule that forbids this layout, or null."""
        if layout.decode_context_parallel_size > 1:
            return "decode context parallelism is planned for vLLM alone"
        if model.drafter is not None:
            if layout.pipeline_parallel_size > 1:
                return "what drafts on a pipeline of stages is not counted here for TensorRT-LLM"
            if (reason := model.drafter.refusal(layout)) is not None:
                return reason
        return model.refusal(layout)

    def evaluate(self, model: TensorrtLlmModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU: the cache gets a fraction of what weights, activations and context leave.

        ``available = (total - peak) * fraction`` (``_cal_max_memory``); what the fraction leaves free counts as
        overhead here.
        """
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        c, a, s = self.constants, model.card.architecture, self.settings(model, gpu, load, layout)
        tp, pp, page = layout.tensor_parallel_size, layout.pipeline_parallel_size, c["block_size"]
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        bounds = stage_bounds(model.layers, pp)
        several = tp * pp > 1 and gpu.has_nvlink
        fixed = int((c["context_gib"] + (c["communication_gib"] if several else 0)) * GIB)
        loading, tokens = int(c["loading_gib"] * GIB), s.max_num_batched_tokens
        activation = forward_bytes(a, layout, tokens)
        activation += workspace_bytes(a, gpu, layout, tokens, model.has_scaled_experts)
        stages, pools, verified, added, context = [], [], 1, 0, s.context
        cells = model.cells(tp, types, bounds, windows=False)
        if (drafter := model.drafter) is not None:
            # One stage alone (refusal).
            activation, verified = drafter.peak(layout, tokens, activation), drafter.verified
            cells = [replace(cells[0], full=cells[0].full + drafter.kept(tp, types))]
            added, context = drafter.weights_bytes(layout), s.context + drafter.more_tokens()
            loading += drafter.buffer_bytes(model.card, s)
        activation = max(activation, s.max_num_seqs * verified * a.vocab_size * LOGIT_BYTES)
        for weights, cell in zip(model.weights(tp, layout.expert_ranks, bounds), cells, strict=True):
            held = weights.total + added
            rest = max(0, gpu.visible_bytes - held - activation - fixed - loading)
            stages.append(
                RankMemory(
                    capacity_bytes=gpu.visible_bytes,
                    budget_bytes=gpu.visible_bytes,
                    weights_bytes=held,
                    kv_cache_bytes=full_pool_bytes(cell, context, s.users, page),
                    activation_bytes=activation,
                    overhead_bytes=fixed + loading + rest - int(rest * s.gpu_memory_utilization),
                )
            )
            pools.append(full_pool_tokens(cell, stages[-1].available_kv_bytes, page))
        fullest = min(stages, key=lambda r: r.free_bytes)
        return self.pooled(model, layout, stages, s, min(pools), page, self._reason(fullest, s))

    @staticmethod
    def _reason(r: RankMemory, s: Settings) -> str | None:
        """Where start-up would fail, or null."""
        if r.free_bytes >= 0:
            return None
        if r.available_kv_bytes <= 0:
            need = gib(r.needed_bytes - r.kv_cache_bytes)
            return f"no memory left for the KV cache: weights and activations need {need} of {gib(r.budget_bytes)}"
        share = f"{s.gpu_memory_utilization:g} of what is left"
        return f"{gib(r.kv_cache_bytes)} of KV cache needed, {gib(r.available_kv_bytes)} available ({share})"


ENGINE = TensorrtLlmEngine
