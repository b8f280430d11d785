"""Text Generation Inference: a prefill is measured, and blocks of the cache take a share of what is left."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import join_names
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.one_version import OneVersion
from gpu_sizer.engines.pools import full_pool_bytes, full_pool_tokens
from gpu_sizer.engines.tgi.prefill import prefill_tokens, warm_up_tokens
from gpu_sizer.engines.tgi.version import constants, rules_of
from gpu_sizer.engines.versions import reaches
from gpu_sizer.errors import RequestError
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import ACTIVATION_BYTES, forward_bytes, workspace_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import MATRIX, WeightRules
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.units import GIB, ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.model.tensor import Tensor

#: The launcher's default of ``--dtype`` where the release has no half type.
_HALF = {"float32": "float16"}
AMPERE = 8


def _widths(t: Tensor) -> int:
    """Inputs and outputs of a linear layer, all copies of it; none of others."""
    return sum(t.shape) * t.copies if t.is_linear and len(t.shape) == MATRIX else 0


def _adapters_of(card: ModelCard, asked: str) -> Adapters | None:
    """Adapters, for classes whose layers take them.

    Raises:
        RequestError: another class, or a text that tells none.
    """
    from gpu_sizer.engines.adapters import adapters_of

    if card.engine_class not in (known := constants()["lora"]["classes"]):
        raise RequestError(
            f"TGI's layers of {card.engine_class} take no LoRA adapters; those of {join_names(known)} do", about="model"
        )
    return adapters_of(asked, title="TGI")


class TgiModel(HeldModel):
    """One model as TGI holds it; its vocabulary need not divide (layers/tensor_parallel.py)."""

    def __init__(self, card: ModelCard, load: Load) -> None:
        inventory = build_inventory(card, load.weights_dtype or _HALF.get(card.weights.dtype))
        super().__init__(card, inventory, WeightRules(vocabulary_multiple_of_ranks=True))
        self.refuse_states("TGI")
        self.adapters: Adapters | None = None
        if load.lora is not None:
            self.adapters = _adapters_of(card, load.lora)

    def adapters_bytes(self, tp: int) -> int:
        """Bytes of adapters of that rank beside every linear layer of the stack, on one shard.

        Both matrices of each are cut, the rank of the one and the side of the other that the layer cuts; ranks are
        padded first (``LoraWeights.prepare_weights``, ``shard_lora_weights``).
        """
        if self.adapters is None:
            return 0
        rules, rank = constants()["lora"], self.adapters.rank
        least, multiple = rules["least_rank"] * tp, rules["rank_multiple"]
        padded: int = least if rank <= least else ceil_div(rank, multiple) * multiple
        widths = {name: sum([_widths(t) for t in tensors]) for name, tensors in self.inventory.blocks.items()}
        layers = sum([widths[name] for name in self.inventory.layer_names])
        return self.adapters.slots * padded * ACTIVATION_BYTES * layers // tp


class TgiEngine(OneVersion):
    """The profile of one version of TGI.

    Args:
        version: as in ``tgi@2.2``; null is the profile's own.

    Raises:
        RequestError: a version older than those that are known.
    """

    held = TgiModel
    half = _HALF
    counted = frozenset(("lora",))
    spans_nodes = False

    def __init__(self, version: str | None = None) -> None:
        super().__init__(version)
        self.rules = rules_of(self.asked)
        # Without chunks a prefill is never smaller than the longest prompt.
        self.lowerable = ("max_num_batched_tokens",) if self.rules.chunks else ()

    def check(self, load: Load) -> None:
        """Refuses types of caches that this version does not know, and options that are not counted.

        Raises:
            RequestError: the type or the option.
        """
        super().check(load)
        if load.lora is not None:
            from gpu_sizer.engines.adapters import adapters_of

            adapters_of(load.lora, title="TGI")
            if not reaches(self.asked, first := constants()["lora"]["from"]):
                raise RequestError(f"what LoRA adapters take is known here from TGI {first} on")
        if self.cache_dtypes[load.kv_cache_dtype or "auto"] is not None and not self.rules.eight_bits:
            raise RequestError(
                f"TGI {self.release} keeps its cache in the model's own type: {load.kv_cache_dtype} came with 2.4"
            )

    def version_note(self) -> None:
        """Each version has rules of its own."""

    def describe(self) -> str:
        """The profile in words."""
        return f"Text Generation Inference {self.release}"

    def settings(self, model: TgiModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The launcher's defaults for these GPUs and this model.

        Raises:
            RequestError: a batch smaller than the users.
        """
        users = self.users(load, layout, "max_batch_size")
        tokens = load.max_num_batched_tokens or prefill_tokens(
            model.card, gpu, layout.tensor_parallel_size, load.context, self.rules
        )
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
            prefix_caching=None,
            disable_custom_all_reduce=False,
        )

    def settings_words(self, settings: Settings) -> str:
        """The settings in TGI's own names."""
        s, rules = settings, self.rules
        of = "of which TGI takes" if rules.pool == "whole" else "of what its warm-up leaves TGI takes"
        return (
            f"cuda-memory-fraction {s.gpu_memory_utilization:g}, {of} {rules.share:.0%}; "
            f"max-batch-prefill-tokens {s.max_num_batched_tokens}"
        )

    def logged_load(self, length: int | None, native: int, sequences: int | None) -> tuple[int, int]:
        """One request of the full length must fit for the router to start; the newest default to what fits."""
        if length is None and self.rules.length is None:
            return 1, 1
        return length or min(native, self.rules.length or native), 1

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
        return model.refusal(layout)

    def evaluate(self, model: TgiModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU: a share of the memory, less weights, context and the measured prefill."""
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        c, rules, tp = constants(), self.rules, layout.tensor_parallel_size
        s, bounds = self.settings(model, gpu, load, layout), ((0, model.layers),)
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        (cell,) = model.cells(tp, types, bounds, windows=False)
        major = gpu.generation
        page = rules.block_size if major is not None and major >= AMPERE else c["old_block_size"]
        context = c["context_gib"] + (c["communication_gib"] if tp > 1 and gpu.has_nvlink else 0)
        weights, overhead = model.weights(tp, 1, bounds)[0].total, int(context * GIB)
        overhead += model.adapters_bytes(tp)
        peak, kept = self._prefill_bytes(model, gpu, layout, s.max_num_batched_tokens)
        cache, warm_up = full_pool_bytes(cell, s.context, s.users, page), 0
        if rules.pool == "free":
            budget = int(gpu.visible_bytes * s.gpu_memory_utilization)
            held = warm_up_tokens(s.context, s.max_num_batched_tokens, load.max_num_seqs, page, rules)
            warm_up = held * cell.full
            left = max(0, budget - weights - overhead - peak - warm_up)
            # What PyTorch keeps is not free when the shard looks; it would give it back before it ran out.
            kept = min(kept, left)
            overhead += kept + int((1 - rules.share) * (left - kept))
        else:
            budget = int(gpu.visible_bytes * s.gpu_memory_utilization * rules.share)
            overhead += kept
        r = RankMemory(
            capacity_bytes=gpu.visible_bytes,
            budget_bytes=budget,
            weights_bytes=weights,
            kv_cache_bytes=max(cache, warm_up),
            activation_bytes=peak,
            overhead_bytes=overhead,
        )
        tokens = full_pool_tokens(cell, r.available_kv_bytes, page)
        return self.pooled(model, layout, (r,), s, tokens, page, self._reason(r, s, warm_up > cache))

    def _prefill_bytes(self, model: TgiModel, gpu: GpuSpec, layout: Layout, tokens: int) -> tuple[int, int]:
        """The most that a prefill of that many tokens holds at once, and what PyTorch keeps of it beside that."""
        a, tp = model.card.architecture, layout.tensor_parallel_size
        layers = forward_bytes(a, layout, tokens)
        layers += workspace_bytes(a, gpu, layout, tokens, model.has_scaled_experts)
        if not self.rules.logprobs:
            return layers, 0
        # Every token's logits and their logarithms (generate_token), after a shard's own part of them (layers'
        # TensorParallelHead): larger than what the layers freed, and so beside it.
        logits = tokens * a.vocab_size * ACTIVATION_BYTES
        peak = max(layers, 2 * logits)
        return peak, layers + 2 * logits + (logits // tp if tp > 1 else 0) - peak

    @staticmethod
    def _reason(r: RankMemory, settings: Settings, warming: bool) -> str | None:
        """Where start-up would fail, or null; ``warming`` says that the warm-up's batch needs most."""
        if r.free_bytes >= 0:
            return None
        if r.available_kv_bytes <= 0:
            need = gib(r.needed_bytes - r.kv_cache_bytes)
            return f"no memory left for the KV cache: weights and the prefill need {need} of {gib(r.budget_bytes)}"
        of = f" for the warm-up's prefill of {settings.max_num_batched_tokens:,} tokens" if warming else ""
        return f"{gib(r.kv_cache_bytes)} of KV cache needed{of}, {gib(r.available_kv_bytes)} available"


ENGINE = TgiEngine
