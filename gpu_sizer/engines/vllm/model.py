"""One model as vLLM holds it: inventory, placements and cache plans, each computed once for many layouts."""

from __future__ import annotations

from functools import cached_property, lru_cache
from operator import attrgetter

from gpu_sizer.cards.gpu_spec import BLACKWELL, GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.vllm import sparse
from gpu_sizer.engines.vllm.activations import (
    Reserve,
    activation_bytes,
    attention_workspace_bytes,
    collectives_per_layer,
    flashinfer_attends,
    gpu_kind,
    graph_bytes,
    has_latent,
    joined_workers,
    reserve,
)
from gpu_sizer.engines.vllm.cache import APART, CachePlan, cache_plan
from gpu_sizer.engines.vllm.encoders import grows_with_context
from gpu_sizer.engines.vllm.loading import Kernels, LoadingExtra, Rounding
from gpu_sizer.engines.vllm.needs import Needs
from gpu_sizer.engines.vllm.pages import PageRules, layer_pages
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.engines.vllm.support import leaves_checkpoints, masks_images, prefix_rules
from gpu_sizer.engines.vllm.version import VersionProfile
from gpu_sizer.load import LOAD, Settings
from gpu_sizer.memory.activations import is_compressed
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import WeightPlacement, WeightRules, refusal
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.formats import BLOCK_SCALED, is_scaled
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.records import dataclass, field, replace
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.engines.vllm.drafts import Drafter

#: What is loaded in another type than it is released in, unless --dtype says otherwise
#: (vllm/config/model.py: _resolve_auto_dtype).
HALF = {"float32": "bfloat16"}
#: Reserves of one model that are kept; sweeps over many settings make more.
MOST_RESERVES = 4096
#: Loads of one model whose needs are kept: a server is asked for many lengths of many models.
MOST_NEEDS = 256

#: The settings on which an activation peak depends: all but what lengthens, repeats or stores the cache. A setting that
#: is new is among them.
_NOT_OF_PEAK = ("context", "users", "gpu_memory_utilization", "kv_cache_dtype")
_OF_PEAK = attrgetter(*[s.name for s in LOAD if s.name not in _NOT_OF_PEAK])

#: Rules of pages that are kept, by what of models and GPUs they depend on.
MOST_PAGE_RULES = 1 << 12
#: Stands for what was not found yet, where nothing found is null.
_UNKNOWN: Any = object()

#: Bytes of weights, of a block of the cache's pool, and of what loading adds, on one GPU of a pipeline stage.
Held = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class HeldStages:
    """What one GPU of each pipeline stage holds, whatever runs there."""

    parts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """Weights, blocks and loading, each by stage."""
    kinds: tuple[Held, ...]
    """The stages that differ: most of a long pipeline do not."""

    def fullest(self, blocks: int) -> int:
        """Bytes on the fullest, with a pool of so many blocks."""
        return max([weights + loading + blocks * block for weights, block, loading in self.kinds])


@dataclass(frozen=True)
class VllmModel:
    """One model as vLLM holds it: inventory, placements and cache plans, each computed once."""

    card: ModelCard
    dtype: str | None = None
    """The type in which the weights are loaded; null as they were released."""
    drafter: Drafter | None = None
    """What drafts tokens ahead, where anything does."""
    adapters: Adapters | None = None
    """Slots of LoRA adapters, where any are served."""
    offload_bytes: int = 0
    """What of each GPU's layers stays in the machine's memory, as far as there is so much."""
    _placements: dict[tuple[int, int, WeightRules], WeightPlacement] = field(default_factory=dict, repr=False)
    _stages: dict[tuple[int, int, int, WeightRules], tuple[int, ...]] = field(default_factory=dict, repr=False)
    _plans: dict[tuple[int, str, PageRules], CachePlan] = field(default_factory=dict, repr=False)
    _roundings: dict[tuple[int, int, WeightRules], Rounding] = field(default_factory=dict, repr=False)
    _extras: dict[tuple[int, int, Kernels | None], LoadingExtra] = field(default_factory=dict, repr=False)
    _alike: dict[tuple[object, ...], LoadingExtra] = field(default_factory=dict, repr=False)
    _held: dict[tuple[int, ...], HeldStages] = field(default_factory=dict, repr=False)
    _reserves: dict[tuple[Any, ...], Reserve] = field(default_factory=dict, repr=False)
    _activations: dict[tuple[Any, ...], int] = field(default_factory=dict, repr=False)
    _needs: dict[tuple[Any, ...], Needs] = field(default_factory=dict, repr=False)
    _refusals: dict[tuple[int, bool, int, WeightRules], str | None] = field(default_factory=dict, repr=False)

    def rules(self, generation: int | None = None, version: str | None = None) -> WeightRules:
        """How a version places the weights on GPUs of a generation; null is any, and the newest."""
        return weight_rules(self.card, generation if self.has_experts else None, version)

    def stages(self, tp: int, expert_ranks: int, count: int, rules: WeightRules | None = None) -> tuple[int, ...]:
        """Bytes of weights on one rank of each of ``count`` pipeline stages."""
        rules = rules or self.rules()
        if (sizes := self._stages.get((tp, expert_ranks, count, rules))) is None:
            placement = self._placement(tp, expert_ranks, rules)
            sizes = placement.totals(count)
            if self.drafter is not None:
                sizes = (*sizes[:-1], sizes[-1] + self.drafter.weights_bytes(tp, expert_ranks))
            if self.offload_bytes:
                kept = self._offloaded(placement, count)
                sizes = tuple([size - off for size, off in zip(sizes, kept, strict=True)])
            self._stages[tp, expert_ranks, count, rules] = sizes
        return sizes

    def _placement(self, tp: int, expert_ranks: int, rules: WeightRules) -> WeightPlacement:
        """Every tensor's bytes on one rank."""
        if (kept := self._placements.get((tp, expert_ranks, rules))) is None:
            kept = self._placements[tp, expert_ranks, rules] = WeightPlacement(self.inventory, tp, expert_ranks, rules)
        return kept

    def _offloaded(self, placement: WeightPlacement, count: int) -> tuple[int, ...]:
        """What of the layers of each stage stays off a GPU (``model_executor/offloader/uva.py``)."""
        return tuple([min(self.offload_bytes, layers) for layers in placement.layers(count)])

    def host_share(self, layout: Layout, rules: WeightRules) -> int:
        """Bytes that stay in the machines' memory for all GPUs of a layout."""
        tp, pp = layout.tensor_parallel_size, layout.pipeline_parallel_size
        return (
            sum(self._offloaded(self._placement(tp, layout.expert_ranks, rules), pp)) * tp * layout.data_parallel_size
        )

    def loading_extra(self, tp: int, ranks: int, kernels: Kernels) -> LoadingExtra:
        """What loading allocates beside the tensors, with experts spread over so many ranks."""
        # The kernels of experts, of latent attention and of scales of blocks alone differ.
        differ = self.has_experts or self.has_latent or self.has_block_scales or self.drafter is not None
        key = (tp, ranks, kernels if differ else None)
        if (kept := self._extras.get(key)) is None:
            rules = self.rules(kernels.generation, kernels.version)
            if (rounding := self._roundings.get((tp, ranks, rules))) is None:
                placement = self._placement(tp, ranks, rules)
                rounding = self._roundings[tp, ranks, rules] = Rounding(self.card, self.inventory, tp, ranks, placement)
            drafter = self.drafter.loading_bytes(tp, ranks, kernels) if self.drafter is not None else (0, 0)
            made = LoadingExtra(self.card, self.inventory, rounding, kernels, drafter, self.adapters)
            # What rests on extras that are alike is counted once.
            kept = self._extras[key] = self._alike.setdefault(made.contents, made)
        return kept

    def held(self, layout: Layout, plan: CachePlan, loading: LoadingExtra, max_num_batched_tokens: int) -> HeldStages:
        """What the stages of a layout hold under one of its cache plans."""
        pp = layout.pipeline_parallel_size
        tokens = max_num_batched_tokens if loading.depends_on_batch else 0
        # Plans and extras are kept as long as the model.
        key = (pp, layout.expert_ranks, id(plan), id(loading), tokens)
        if (kept := self._held.get(key)) is None:
            weights = self.stages(layout.tensor_parallel_size, layout.expert_ranks, pp, loading.rules)
            parts = (weights, plan.stage_block_bytes(pp), loading.stages(pp, tokens))
            kept = self._held[key] = HeldStages(parts, tuple(dict.fromkeys(zip(*parts, strict=True))))
        return kept

    def reserve(self, gpu: GpuSpec, layout: Layout, s: Settings, version: VersionProfile) -> Reserve:
        """The activation peak and the overhead on one GPU beside graphs: equal for all of a kind."""
        tp, experts = layout.tensor_parallel_size, layout.expert_ranks
        batch = (*_OF_PEAK(s), *((s.context, s.kv_cache_dtype) if self.peak_follows_context else ()))
        several = layout.pipeline_parallel_size > 1
        key = (tp, several, joined_workers(layout), experts, *gpu_kind(gpu), *batch, version.name)
        if (kept := self._reserves.get(key)) is None:
            if len(self._reserves) >= MOST_RESERVES:
                self._reserves.clear()
                self._activations.clear()
            kernels = gpu.generation if self.is_compressed else self.has_scaled_experts and gpu.is_blackwell
            same = (tp, experts, *batch, kernels, version.name)
            if (activation := self._activations.get(same)) is None:
                activation = self._activations[same] = activation_bytes(
                    self.card, gpu, layout, s, version, self.has_scaled_experts, self.drafter
                )
            # Tables in the machine's memory take the GPU's where it is the same.
            held = self.has_experts, self.host_bytes if gpu.is_unified else 0, self.drafter
            kept = self._reserves[key] = reserve(self.card, gpu, layout, s, version, activation, *held)
        return kept

    def graph_bytes(self, gpu: GpuSpec, tp: int, stages: int, s: Settings, version: VersionProfile) -> int:
        """The captured graphs of one of so many pipeline stages, and what attention takes with the first of them.

        Equal for all GPUs of a kind.
        """
        layers, drafted = ceil_div(self.card.architecture.num_hidden_layers, stages), 0
        if self.drafter is not None:
            layers, drafted = layers + len(self.drafter.layer_names), self.drafter.tokens
        # With adapters and without them (v1/cudagraph_dispatcher.py: cudagraph_specialize_lora).
        cases = 2 if self.adapters is not None else 1
        a, own = self.card.architecture, self.card.engine_class
        whole = not drafted or gpu.generation == BLACKWELL or not flashinfer_attends(a, gpu, s)
        each = graph_bytes(
            layers,
            self.has_latent,
            s,
            gpu,
            version,
            own,
            drafted,
            whole=whole,
            tensor_parallel_size=tp,
            collectives=collectives_per_layer(a, own),
        )
        size = cases * each
        return size + attention_workspace_bytes(self.card.architecture, gpu, s, drafted) if size else 0

    def needs(self, gpu: GpuSpec, s: Settings, rules: PageRules, version: VersionProfile) -> Needs:
        """What its layouts hold under these settings: equal for all GPUs of a kind, whatever their memory."""
        key = (*gpu_kind(gpu), s, rules, version.name)
        if (kept := self._needs.get(key)) is None:
            if len(self._needs) >= MOST_NEEDS:
                self._needs.clear()
            kept = self._needs[key] = Needs(self, gpu, s, rules, version)
        return kept

    def refusal(self, layout: Layout, version: str | None = None) -> str | None:
        """The rule of a version (null is the newest) that forbids a layout, or null."""
        stages, rules = layout.pipeline_parallel_size, self.rules(None, version)
        if stages > len(self.inventory.layer_names) or (stages > 1 and self.inventory.looped):
            return refusal(self.inventory, layout, rules)
        if stages > 1 and self.drafter is not None and (reason := self.drafter.pipeline_refusal) is not None:
            return reason
        # All else that may be refused depends on neither stages nor replicas.
        key = (layout.tensor_parallel_size, layout.expert_parallel, layout.decode_context_parallel_size, rules)
        kept: str | None = self._refusals.get(key, _UNKNOWN)
        if kept is _UNKNOWN:
            kept = refusal(self.inventory, layout, rules) or _context_parallel_refusal(self.card, layout)
            if kept is None and self.drafter is not None:
                kept = self.drafter.refusal(layout)
            self._refusals[key] = kept
        return kept

    def cache(self, tp: int, cache_dtype: str, rules: PageRules) -> CachePlan:
        """The cache plan under one tensor-parallel size."""
        rules = self.page_rules(rules)
        if (kept := self._plans.get((tp, cache_dtype, rules))) is None:
            a = self.card.architecture
            dtype = HALF.get(self.card.weights.dtype, self.card.weights.dtype)
            types = CacheTypes(cache_dtype, dtype, rules.drafted)
            blocks, names = a.blocks, a.layer_names
            drafts: tuple[str, ...] = ()
            if self.drafter is not None:
                blocks, drafts = {**blocks, **self.drafter.blocks}, self.drafter.layer_names
            pages = layer_pages(blocks, tp, types, rules)
            apart = self.card.engine_class in APART
            packed = self.is_compressed or (self.card.has_latents and self.weighs_keys) or sparse.averages_keys(a)
            kept = self._plans[tp, cache_dtype, rules] = cache_plan(
                pages, (*names, *drafts), drafted=len(drafts), packed=packed, apart=apart
            )
        return kept

    def page_rules(self, asked: PageRules) -> PageRules:
        """What of the rules of pages this model's depend on, so that plans which are alike are made once."""
        drafted = self.drafter.tokens if self.drafter is not None else 0
        traits = self.card.mixer_kinds, self.card.has_latents, self.shares_states, masks_images(self.card), drafted
        return _page_rules(asked, self.card.engine_class, *traits)

    @cached_property
    def inventory(self) -> Inventory:
        """Its tensors, made when first asked for: a model that is too large by far needs none."""
        return build_inventory(self.card, self.dtype)

    @cached_property
    def has_scaled_experts(self) -> bool:
        """Whether experts are stored with scales beside low-precision values."""
        if not self.has_experts:
            return False
        # Without rules every matrix is stored in the release's own type.
        weights = self.card.weights
        plain = self.dtype is None and not weights.rules
        return is_scaled(weights.dtype) if plain else self.inventory.has_scaled_experts

    @cached_property
    def has_block_scales(self) -> bool:
        """Whether some weights have a scale for each block."""
        return any(fmt in BLOCK_SCALED for fmt, _, _ in self.inventory.kinds)

    @cached_property
    def host_bytes(self) -> int:
        """Bytes of the tables that stand in the machine's memory."""
        return self.inventory.host_bytes

    @cached_property
    def is_compressed(self) -> bool:
        """Whether some layer has DeepSeek-V4's attention."""
        return is_compressed(self.card.architecture)

    @cached_property
    def shares_states(self) -> bool:
        """Whether layers read compressed states that others make (DeepSeek-V4.1)."""
        return sparse.shares_states(self.card.architecture)

    @cached_property
    def weighs_keys(self) -> bool:
        """Whether indexers weigh the keys of several tokens into one (GLM-5.3 Flash)."""
        return sparse.weighs_keys(self.card.architecture)

    @cached_property
    def is_sparse_latent(self) -> bool:
        """Whether latent attention picks its tokens by an index, and keeps every token (DeepSeek V3.2, GLM-5)."""
        return sparse.is_sparse_latent(self.card.architecture)

    @cached_property
    def has_latent(self) -> bool:
        """Whether some layer has latent attention."""
        return has_latent(self.card.architecture)

    @cached_property
    def peak_follows_context(self) -> bool:
        """Whether the activation peak depends on the context itself, not only on the batch: indexers, videos."""
        return sparse.has_indexer(self.card.architecture) or grows_with_context(self.card)

    @cached_property
    def has_experts(self) -> bool:
        """Whether expert parallelism means anything; no tensor is made to tell."""
        return any(f.num_experts for block in self.card.architecture.blocks.values() for f in block.feed_forwards)


@lru_cache(maxsize=MOST_PAGE_RULES)
def _page_rules(
    asked: PageRules,
    engine_class: str | None,
    kinds: tuple[str, ...],
    latent: bool,
    shared: bool,
    masked: bool,
    drafted: int,
) -> PageRules:
    """What of the rules of pages models of such traits depend on: the same for most models of a list."""
    rules = prefix_rules(engine_class, asked)
    return replace(
        rules,
        drafted=drafted,
        checkpoints=tuple([m for m in rules.checkpoints if m in kinds and leaves_checkpoints(engine_class, m)]),
        masked_block=rules.masked_block if masked else None,
        generation=rules.generation if shared or latent else None,
        narrow_states=rules.narrow_states or not shared,
    )


def _context_parallel_refusal(card: ModelCard, layout: Layout) -> str | None:
    """The rules of decode context parallelism (vllm/config/parallel.py and model.py), or null where they hold."""
    dcp, tp = layout.decode_context_parallel_size, layout.tensor_parallel_size
    if dcp == 1:
        return None
    if tp % dcp:
        return f"tensor parallel {tp} is no multiple of decode context parallel {dcp}"
    if sparse.averages_keys(card.architecture):
        # qwen4_exp/nvidia/qsa.py ("Qwen4Exp QSA does not support context parallelism").
        return f"vLLM's {card.engine_class} does not support decode context parallelism"
    for block in card.architecture.blocks.values():
        if (m := block.mixer) is not None and m.kv_heads:
            most = tp // m.kv_heads
            if dcp > most:
                return f"decode context parallel {dcp} is more than the copies of each key/value head ({max(1, most)})"
            if m.heads // m.kv_heads % dcp:
                return f"the query heads of a key/value head do not divide by decode context parallel {dcp}"
    return None
