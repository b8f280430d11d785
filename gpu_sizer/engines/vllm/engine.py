"""vLLM: its defaults, its rule for accepting a layout, and what fills each GPU."""

from __future__ import annotations

from functools import cache, cached_property
from math import ceil

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.mixers import Attention, CompressedAttention
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.load import Load, Settings
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm.activations import Reserve, generation, has_nvlink, reserve
from gpu_sizer.engines.vllm.cache import CachePlan, cache_plan
from gpu_sizer.engines.vllm.encoders import is_profiled
from gpu_sizer.engines.vllm.loading import Kernels, LoadingExtra
from gpu_sizer.engines.vllm.pages import PageRules, layer_pages
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.engines.vllm.support import last_version_note, tensor_refusal
from gpu_sizer.engines.vllm.version import VersionProfile, at_least, version_profile
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.caches import CacheTypes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.memory.weights import StageWeights, WeightPlacement, refusal
from gpu_sizer.model.inventory import Inventory, build_inventory
from gpu_sizer.records import dataclass, field
from gpu_sizer.units import GIB, ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gpu_sizer.memory.estimate import Verdict


CACHE_DTYPES = {
    "auto": None,
    "float8": "float8",
    "fp8": "float8",
    "fp8_e4m3": "float8",
    "fp8_e5m2": "float8",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float16": "float16",
    "fp16": "float16",
}
_HALF = {"float32": "bfloat16"}
#: First compute capability of Hopper.
HOPPER = 9
#: Reserves of one model that are kept; sweeps over many settings make more.
MOST_RESERVES = 4096


@dataclass(frozen=True)
class VllmModel:
    """One model as vLLM holds it: inventory, placements and cache plans, each computed once."""

    card: ModelCard
    inventory: Inventory
    _placements: dict[tuple[int, int], WeightPlacement] = field(default_factory=dict, repr=False)
    _stages: dict[tuple[int, int, int], list[StageWeights]] = field(default_factory=dict, repr=False)
    _plans: dict[tuple[int, str, PageRules], CachePlan] = field(default_factory=dict, repr=False)
    _extras: dict[tuple[int, int, Kernels], LoadingExtra] = field(default_factory=dict, repr=False)
    _reserves: dict[tuple[Any, ...], Reserve] = field(default_factory=dict, repr=False)
    _refusals: dict[Layout, str | None] = field(default_factory=dict, repr=False)

    def stages(self, layout: Layout) -> list[StageWeights]:
        """Weights on one rank of each pipeline stage."""
        tp, experts, count = layout.tensor_parallel_size, layout.expert_ranks, layout.pipeline_parallel_size
        if (found := self._stages.get((tp, experts, count))) is None:
            placement = self._placements.get((tp, experts))
            if placement is None:
                placement = self._placements[tp, experts] = WeightPlacement(
                    self.inventory, tp, experts, weight_rules(self.card)
                )
            found = self._stages[tp, experts, count] = placement.stages(count)
        return found

    def loading_extra(self, layout: Layout, kernels: Kernels) -> LoadingExtra:
        """What loading allocates beside the tensors."""
        key = (layout.tensor_parallel_size, layout.expert_ranks, kernels)
        if (found := self._extras.get(key)) is None:
            rules = weight_rules(self.card)
            found = self._extras[key] = LoadingExtra(self.card, self.inventory, layout, rules, kernels)
        return found

    def reserve(self, gpu: GpuSpec, layout: Layout, s: Settings, version: VersionProfile) -> Reserve:
        """The activation peak and the overhead on one GPU: equal for all GPUs of a kind, whatever their memory."""
        batch = (s.max_num_seqs, s.max_num_batched_tokens, s.enforce_eager)
        key = (layout, gpu.platform, generation(gpu), has_nvlink(gpu), *batch, version.name)
        if (found := self._reserves.get(key)) is None:
            if len(self._reserves) >= MOST_RESERVES:
                self._reserves.clear()
            found = reserve(self.card, gpu, layout, s, version, self.has_scaled_experts)
            self._reserves[key] = found
        return found

    def refusal(self, layout: Layout) -> str | None:
        """The rule that forbids a layout, or null."""
        if layout not in self._refusals:
            self._refusals[layout] = refusal(
                self.inventory, layout, weight_rules(self.card)
            ) or _context_parallel_refusal(self.card, layout)
        return self._refusals[layout]

    def cache(self, tp: int, cache_dtype: str, rules: PageRules) -> CachePlan:
        """The cache plan under one tensor-parallel size."""
        if (found := self._plans.get((tp, cache_dtype, rules))) is None:
            a = self.card.architecture
            types = CacheTypes(cache_dtype, _HALF.get(self.card.weights.dtype, self.card.weights.dtype))
            packed = any(isinstance(b.mixer, CompressedAttention) for b in a.blocks.values())
            found = self._plans[tp, cache_dtype, rules] = cache_plan(
                layer_pages(a.blocks, tp, types, rules), a.layer_names, packed=packed
            )
        return found

    @cached_property
    def has_scaled_experts(self) -> bool:
        """Whether experts are stored with scales beside low-precision values."""
        return self.inventory.has_scaled_experts

    @cached_property
    def has_experts(self) -> bool:
        """Whether expert parallelism means anything."""
        return self.inventory.has_experts


def _context_parallel_refusal(card: ModelCard, layout: Layout) -> str | None:
    """The rules of decode context parallelism (vllm/config/parallel.py and model.py), or null where they hold."""
    dcp, tp = layout.decode_context_parallel_size, layout.tensor_parallel_size
    if dcp == 1:
        return None
    if tp % dcp:
        return f"tensor parallel {tp} is no multiple of decode context parallel {dcp}"
    for block in card.architecture.blocks.values():
        m = block.mixer
        if isinstance(m, Attention):
            most = tp // m.num_key_value_heads
            if dcp > most:
                return f"decode context parallel {dcp} is more than the copies of each key/value head ({max(1, most)})"
            if m.num_attention_heads // m.num_key_value_heads % dcp:
                return f"the query heads of a key/value head do not divide by decode context parallel {dcp}"
    return None


# The same few of these are asked for again and again.
_kernels, _page_rules = cache(Kernels), cache(PageRules)


@cache
def _batch_defaults(memory: int, identity: str, name: str, version: str) -> dict[str, Any]:
    """The engine's default batch on a GPU of so many bytes and such a name (``get_batch_defaults``)."""
    named = f"{identity} {name}".lower()
    found: dict[str, Any] = next(
        t
        for t in profile_data("vllm/versions")["batch_defaults"]
        if memory / GIB >= t["at_least_gib"]
        and t.get("except", "~") not in named
        and at_least(version, t.get("from", "0"))
    )
    return found


class VllmEngine:
    """The profile of one range of vLLM versions."""

    name = "vllm"
    title = "vLLM"
    lowerable = ("max_num_seqs", "max_num_batched_tokens")
    spans_nodes = True
    takes_mixed = False
    allocates_request = False

    def __init__(self, version: str | None = None) -> None:
        self.version: VersionProfile = version_profile(version)

    @property
    def generation(self) -> str | None:
        """The generation of the engine's core (V0, V1); null for engines with one."""
        return self.version.generation

    @property
    def label(self) -> str:
        """Name and version range: ``vllm@0.20``."""
        return f"{self.name}@{self.version.name}"

    def describe(self) -> str:
        """The profile in words: ``vLLM 0.20 or later, its defaults``."""
        return f"{self.title} {self.version.span}"

    @property
    def release(self) -> str:
        """The first version of the range."""
        return self.version.name

    def sources(self) -> tuple[str, ...]:
        """Where the rules and constants were read."""
        return (str(profile_data("vllm/versions")["source"]), str(profile_data("vllm/placement")["source"]))

    def model(self, card: ModelCard, weights_dtype: str | None) -> VllmModel:
        """The model prepared for many layouts."""
        # float32 checkpoints are loaded as bfloat16 unless --dtype says otherwise
        # (vllm/config/model.py: _resolve_auto_dtype).
        return VllmModel(card, build_inventory(card, weights_dtype or _HALF.get(card.weights.dtype)))

    def settings(self, model: VllmModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The engine's settings for this GPU and load (``get_batch_defaults`` and what follows it).

        Raises:
            RequestError: a setting that contradicts the load.
        """
        tier = _batch_defaults(gpu.visible_bytes, gpu.id, gpu.name, self.version.name)
        users = ceil_div(load.users, layout.data_parallel_size)
        if load.max_num_seqs is not None and load.max_num_seqs < users:
            raise RequestError(
                f"max_num_seqs {load.max_num_seqs} is below the {users} users that run at once", about="users"
            )
        sequences = load.max_num_seqs or max(256 if self.version.generation == "V0" else tier["max_num_seqs"], users)
        tokens = load.max_num_batched_tokens
        if tokens is None:
            tokens = tier["max_num_batched_tokens"] if self.version.chunks(load.context) else max(load.context, 2048)
            tokens = min(tokens, sequences * load.context)
            tokens = max(tokens, min(sequences, 2048)) if load.max_num_seqs is None else tokens
        if load.max_num_seqs is None:
            sequences = max(users, min(sequences, tokens))
        dtype = self._cache_dtype(model.card, load)
        utilization = load.gpu_memory_utilization or self.version.gpu_memory_utilization
        return Settings(load.context, users, utilization, dtype, sequences, tokens, load.enforce_eager)

    def settings_words(self, settings: Settings) -> str:
        """The settings in vLLM's own names."""
        s = settings
        return (
            f"utilization {s.gpu_memory_utilization:g}; max_num_seqs {s.max_num_seqs}, "
            f"max_num_batched_tokens {s.max_num_batched_tokens}"
        )

    def layouts(self, model: VllmModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Tensor, pipeline and expert parallelism, and replicas."""
        return parallel_layouts(model, count, users, kind)

    def logged_load(self, length: int, sequences: int | None) -> tuple[int, int]:
        """One request of the full length must fit for the engine to start."""
        return length, 1

    def _cache_dtype(self, card: ModelCard, load: Load) -> str:
        self.check(load)
        if load.kv_cache_dtype is not None and (named := CACHE_DTYPES[load.kv_cache_dtype]) is not None:
            return named
        return card.weights.kv_cache_dtype or _HALF.get(card.weights.dtype, card.weights.dtype)

    def check(self, load: Load) -> None:
        """Refuses settings that this engine does not know.

        Raises:
            RequestError: an unknown cache type.
        """
        if load.kv_cache_dtype is not None and load.kv_cache_dtype not in CACHE_DTYPES:
            raise RequestError(f"unknown kv cache dtype {load.kv_cache_dtype!r}; known: {', '.join(CACHE_DTYPES)}")

    def counts_towers(self, card: ModelCard) -> bool:
        """Whether the peak of a model's vision tower is in the estimate."""
        return is_profiled(card)

    def notes(self, card: ModelCard) -> tuple[str, ...]:
        """That later versions no longer load the model."""
        note = last_version_note(card, self.version)
        return () if note is None else (note,)

    def least_reserve(self, model: VllmModel, gpu: GpuSpec, load: Load) -> int:
        """Bytes that every GPU of any layout holds beside weights and cache."""
        s = self.settings(model, gpu, load, Layout(data_parallel_size=min(load.users, 65536)))
        return (
            int(s.max_num_seqs * model.card.architecture.vocab_size * self.version.sampler_bytes_per_logit)
            + self.version.single_bytes
        )

    def page_rules(self, gpu: GpuSpec, load: Load) -> PageRules:
        """How this version and GPU allocate pages."""
        blocks = self.version.state_prefix_blocks
        return _page_rules(
            windows=self.version.windows and load.hybrid_kv,
            prefix_caching=blocks > 1,
            checkpoints=blocks > 2,
            delta_checkpoints=(generation(gpu) or 0) >= HOPPER,
            block_size=load.block_size,
            expanded_latent=self.version.expanded_latent,
        )

    def refusal(self, model: VllmModel, layout: Layout) -> str | None:
        """The engine's rule that forbids this layout, or null."""
        return model.refusal(layout) or tensor_refusal(model.card, layout, self.version)

    def evaluate(self, model: VllmModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU of a layout, and whether the engine starts."""
        if (reason := self.refusal(model, layout)) is not None:
            return LayoutMemory(layout, "does_not_fit", reason, None, (), 0, 0.0, 0, refused=True)
        s = self.settings(model, gpu, load, layout)
        pp = layout.pipeline_parallel_size
        plan = model.cache(layout.tensor_parallel_size, s.kv_cache_dtype, self.page_rules(gpu, load))
        batches = self.version.batches_in_flight if pp == 1 else max(self.version.batches_in_flight, pp + 1)
        dcp = layout.decode_context_parallel_size
        request_blocks = plan.blocks_per_request(s.context, batches * s.max_num_batched_tokens, dcp)
        block_bytes = plan.stage_block_bytes(pp)
        capacity = gpu.visible_bytes
        budget = ceil(capacity * s.gpu_memory_utilization)
        extra = model.reserve(gpu, layout, s, self.version)
        null_block = 1 if self.version.null_block else 0
        loading_extra = model.loading_extra(layout, _kernels(gpu.platform, generation(gpu), self.version.name))
        loading = loading_extra.stages(pp, s.max_num_batched_tokens)
        held = [(w.total, b, buffers) for w, b, buffers in zip(model.stages(layout), block_bytes, loading, strict=True)]
        # Most stages of a long pipeline hold the same.
        ranks = {
            (weights, block, buffers): RankMemory(
                capacity_bytes=capacity,
                budget_bytes=budget,
                weights_bytes=weights,
                kv_cache_bytes=s.users * request_blocks * block,
                activation_bytes=extra.activation_bytes,
                overhead_bytes=extra.overhead_bytes + buffers + null_block * block,
                loading_bytes=buffers,
            )
            for weights, block, buffers in dict.fromkeys(held)
        }
        stages = tuple(map(ranks.__getitem__, held))
        fullest = min(ranks.values(), key=lambda r: r.free_bytes)
        pools = [(r.available_kv_bytes + null_block * b) // b for (_, b, _), r in ranks.items() if b]
        blocks = max(0, min(pools)) if pools else 0
        concurrency = blocks / request_blocks if request_blocks else 0.0
        tokens = int(concurrency * s.context)
        verdict, reason = self._verdict(fullest, extra.band_bytes, plan, blocks, s)
        if pp > 1 and self.version.whole_pipeline_check and verdict != "does_not_fit":
            whole = s.users * request_blocks * sum(plan.stage_block_bytes(1))
            if whole - fullest.available_kv_bytes > (extra.band_bytes if reason else 0):
                one = f"one stage ({gib(fullest.available_kv_bytes)} available)"
                verdict = "does_not_fit"
                reason = f"{self.label} compares the cache of all layers ({gib(whole)}) with {one}"
        if verdict == "fits" and (shortage := self.outside_shortage(gpu, layout, s)) is not None:
            verdict, reason = "tight", shortage
        return LayoutMemory(
            layout,
            verdict,
            reason,
            fullest,
            stages,
            tokens,
            concurrency * layout.data_parallel_size,
            extra.band_bytes,
            blocks=blocks,
            printed_tokens=tokens if self.version.prints_capacity else plan.printed_tokens(blocks),
        )

    def evaluate_mixed(self, model: VllmModel, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
        """vLLM plans one block count for all ranks: GPUs that differ are not its case.

        Raises:
            RequestError: always.
        """
        raise RequestError(
            "vLLM gives every GPU the same share: its GPUs must be alike; llama.cpp and transformers take mixed ones",
            about="gpu",
        )

    def outside_shortage(self, gpu: GpuSpec, layout: Layout, s: Settings) -> str | None:
        """Why the share leaves too little for what is outside of its account, or null where it leaves enough.

        Outside are the CUDA context and communication (``v1/worker/utils.py: request_memory``).
        """
        several = layout.tensor_parallel_size * layout.pipeline_parallel_size > 1
        outside = self.version.outside_bytes["several" if several else "one"]
        left = gpu.visible_bytes - ceil(gpu.visible_bytes * s.gpu_memory_utilization)
        if left >= outside:
            return None
        beside = f"utilization {s.gpu_memory_utilization:g} leaves {gib(left)} a GPU beside the budget"
        return f"{beside}, where the CUDA context and communication may take {gib(outside)}"

    def _verdict(
        self, r: RankMemory, band: int, plan: CachePlan, blocks: int, s: Settings
    ) -> tuple[Verdict, str | None]:
        """Where start-up would fail, in the engine's order: loading, profiling, the cache, its states."""
        fixed, usable = r.needed_bytes - r.kv_cache_bytes, f"{gib(r.budget_bytes)} usable"
        if r.weights_bytes > r.budget_bytes:
            return "does_not_fit", f"out of memory while loading weights: {gib(r.weights_bytes)} a GPU, {usable}"
        short = None
        if fixed > r.budget_bytes:
            short = f"no memory left for the KV cache: weights and activations need {gib(fixed)} of {usable}"
        elif r.free_bytes < 0:
            cache = f"{gib(r.kv_cache_bytes)} of KV cache, {gib(r.available_kv_bytes)} available"
            short = f"needs {gib(r.needed_bytes)} a GPU of {usable}: {cache}"
        if short is not None and -r.free_bytes > band:
            return "does_not_fit", short
        if plan.has_states and not s.enforce_eager and s.max_num_seqs > blocks:
            need = f"exceeds the {blocks} available state cache blocks"
            return "does_not_fit", f"max_num_seqs ({s.max_num_seqs}) {need}"
        if short is not None:
            return "tight", f"{short}; within the estimate's own error of {gib(band)}"
        return ("tight", None) if r.free_bytes < band else ("fits", None)
