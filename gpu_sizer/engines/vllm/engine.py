"""vLLM: its defaults, its rule for accepting a layout, and what fills each GPU."""

from __future__ import annotations

from functools import cache

from gpu_sizer.cards.gpu_spec import BLACKWELL, GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.layouts import parallel_layouts
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.support import Supported
from gpu_sizer.engines.versions import at_least
from gpu_sizer.engines.vllm.encoders import is_profiled, video_note
from gpu_sizer.engines.vllm.fitting import VllmFitting
from gpu_sizer.engines.vllm.model import HALF, VllmModel
from gpu_sizer.engines.vllm.pages import Page, PageRules, layer_pages
from gpu_sizer.engines.vllm.support import (
    check_scaled_heads,
    host_note,
    pooled_cache_dtype,
    sparse_cache_dtype,
    split_refusal,
)
from gpu_sizer.engines.vllm.version import VersionProfile, version_profile
from gpu_sizer.errors import RequestError
from gpu_sizer.load import AS_RELEASED, Load, Settings
from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.caches import SCALED_BY_HEAD, CacheTypes, LayerKeeps
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import replace
from gpu_sizer.units import GIB, ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.engines.lines import Lines, Whole

#: First version with the attention that reads DeepSeek-V4.1's states of four bits (flash_mla_mega_attn.py).
NARROW_STATES = "0.31"


@cache
def _batch_defaults(memory: int, identity: str, name: str, version: str) -> dict[str, Any]:
    """The engine's default batch on a GPU of so many bytes and such a name (``get_batch_defaults``)."""
    named = f"{identity} {name}".lower()
    defaults: dict[str, Any] = next(
        t
        for t in profile_data("vllm/versions")["batch_defaults"]
        if memory / GIB >= t["at_least_gib"]
        and not any(name in named for name in t.get("except", ()))
        and at_least(version, t.get("from", "0"))
    )
    return defaults


def _keeps(pages: Sequence[Page]) -> LayerKeeps:
    """What the pages of one layer hold; states of short convolutions are left out."""
    kept = [(p, p.page_bytes / p.block_size) for p in pages if not p.convolution]
    windows = [(size, p.spec.span) for p, size in kept if p.spec.span is not None]
    return LayerKeeps(
        token_bytes=sum(size for p, size in kept if p.spec.grows),
        window_bytes=sum(size for size, _ in windows),
        windows_bytes=sum(size * span for size, span in windows),
        state_bytes=sum(p.page_bytes for p in pages if p.kind == "state"),
        latent=any(p.latent for p in pages),
    )


class VllmEngine(Supported):
    """The profile of one range of vLLM versions."""

    lowerable = ("max_num_seqs", "max_num_batched_tokens")
    spans_nodes = True
    takes_mixed = False
    allocates_request = False
    counts_arrays = True
    own_formats = ()
    counted = frozenset(("speculative", "language_model_only", "lora", "cpu_offload_gib"))

    def __init__(self, version: str | None = None) -> None:
        self.version: VersionProfile = version_profile(version)
        super().__init__(version or self.version.name)
        self._page_rules: dict[tuple[Any, ...], PageRules] = {}

    @property
    def generation(self) -> str | None:
        """The generation of the engine's core (V0, V1); null for engines with one."""
        return self.version.generation

    @property
    def label(self) -> str:
        """Name and version range: ``vllm@0.20``."""
        return f"{self.name}@{self.version.name}"

    def own_format(self, name: str) -> str | None:
        """None beside the common ones."""
        return None

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

    def model(self, card: ModelCard, load: Load = AS_RELEASED) -> VllmModel:
        """The model prepared for many layouts.

        Raises:
            RequestError: a class that this version does not load, or nothing that could draft for it.
        """
        self.check_card(card)
        if load.language_model_only and card.architecture.towers:
            card = replace(card, architecture=replace(card.architecture, towers=()))
        dtype = load.weights_dtype or HALF.get(card.weights.dtype)
        drafter, adapters = None, None
        if load.speculative is not None:
            from gpu_sizer.engines.vllm.drafts import drafter_of

            drafter = drafter_of(card, build_inventory(card, dtype), load.speculative, self.asked)
        if load.lora is not None:
            adapters = self._adapters(load)
        return VllmModel(card, dtype, drafter, adapters, int((load.cpu_offload_gib or 0) * GIB))

    def _adapters(self, load: Load) -> Adapters | None:
        from gpu_sizer.engines.adapters import adapters_of

        known = profile_data("vllm/support")["lora"]
        experts = at_least(self.asked, known["experts"])
        return adapters_of(load.lora, experts=experts, title="vLLM", ranks=tuple(known["ranks"]))

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
        kept_back = model.card.engine_class in profile_data("vllm/support")["first_generation"]["classes"]
        first = kept_back or self.version.generation == "V0"
        sequences = load.max_num_seqs or max(256 if first else tier["max_num_seqs"], users)
        tokens = load.max_num_batched_tokens
        if tokens is None:
            chunk = self.version.chunk_tokens or tier["max_num_batched_tokens"]
            tokens = chunk if self.version.chunks(load.context) and not kept_back else max(load.context, 2048)
            tokens = min(tokens, sequences * load.context)
            tokens = max(tokens, min(sequences, 2048)) if load.max_num_seqs is None else tokens
        if load.max_num_seqs is None:
            sequences = max(users, min(sequences, tokens))
        dtype = self._cache_dtype(model, gpu, load)
        return load.resolved(
            users=users,
            gpu_memory_utilization=self.utilization(load),
            kv_cache_dtype=dtype,
            max_num_seqs=sequences,
            max_num_batched_tokens=tokens,
        )

    def utilization(self, load: Load) -> float:
        """The share of a GPU's memory that the engine may use."""
        return load.gpu_memory_utilization or self.version.gpu_memory_utilization

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

    def logged_load(self, length: int | None, native: int, sequences: int | None) -> tuple[int, int]:
        """One request of the full length must fit for the engine to start."""
        return length or native, 1

    def _cache_dtype(self, model: VllmModel, gpu: GpuSpec, load: Load) -> str:
        self.check(load)
        card = model.card
        named = self.cache_dtypes[load.kv_cache_dtype] if load.kv_cache_dtype is not None else None
        latent = card.has_latents
        if latent and model.weighs_keys:
            named = pooled_cache_dtype(card, gpu.generation, named, self.version)
        elif latent and model.is_sparse_latent and gpu.platform == "cuda":
            named = sparse_cache_dtype(card, gpu.generation, named, self.version)
        elif named in SCALED_BY_HEAD:
            check_scaled_heads(card, self.version)
        if named is not None:
            return named
        return card.weights.kv_cache_dtype or HALF.get(card.weights.dtype, card.weights.dtype)

    def check(self, load: Load) -> None:
        """Refuses settings that this engine does not know.

        Raises:
            RequestError: an unknown cache type, or an option that this version does not have or that is not counted.
        """
        self.check_counted(load)
        if load.speculative is not None:
            from gpu_sizer.engines.speculation import speculation

            speculation(load.speculative)
        data = profile_data("vllm/support")
        if load.language_model_only and not at_least(self.asked, first := data["language_model_only"]):
            raise RequestError(f"vLLM has --language-model-only from {first} on")
        if load.lora is not None:
            if not at_least(self.asked, first := data["lora"]["from"]):
                raise RequestError(f"what slots of LoRA adapters take is known here from vLLM {first} on")
            self._adapters(load)
        if load.cpu_offload_gib is not None and not at_least(self.asked, first := data["cpu_offload"]):
            raise RequestError(f"what --cpu-offload-gb saves is known here from vLLM {first} on")
        if load.kv_cache_dtype is not None and load.kv_cache_dtype not in self.cache_dtypes:
            raise RequestError(f"unknown kv cache dtype {load.kv_cache_dtype!r}; known: {', '.join(self.cache_dtypes)}")

    def counts_towers(self, card: ModelCard) -> bool:
        """Whether the peak of a model's vision tower is in the estimate."""
        return is_profiled(card)

    def notes(self, card: ModelCard) -> tuple[str, ...]:
        """That later versions no longer load the model, what its videos take, and what the machine's memory holds."""
        notes = self.class_note(card), self.last_note(card), video_note(card, self.version), host_note(card)
        return tuple(note for note in notes if note is not None)

    def layers_keep(self, card: ModelCard) -> dict[str, LayerKeeps]:
        """What a layer of each distinct kind keeps on one GPU, page by page."""
        dtype = card.weights.kv_cache_dtype or HALF.get(card.weights.dtype, card.weights.dtype)
        pages = layer_pages(card.architecture.blocks, 1, CacheTypes(dtype, dtype), PageRules())
        return {name: _keeps(pages_of) for name, pages_of in pages.items()}

    def page_rules(self, gpu: GpuSpec, load: Load) -> PageRules:
        """How this version and GPU allocate pages."""
        drafts = load.speculative is not None
        key = (gpu.generation, load.hybrid_kv, load.block_size, load.prefix_caching, drafts)
        if (kept := self._page_rules.get(key)) is None:
            major, hybrid, block_size, asked, _ = key
            data = profile_data("vllm/support")
            states = data["prefix_states"]
            every, without = states["every"], states["every"]["without_drafts"]
            alone = not (drafts and at_least(self.asked, without[0]) and not at_least(self.asked, without[1]))
            on, masked = data["checkpoints_on"], data["masked_images"]
            checkpoints = tuple(m for m in self.version.state_checkpoints if m not in on or major in on[m])
            kept = self._page_rules[key] = PageRules(
                windows=self.version.windows and hybrid,
                prefix_caching=self.version.aligned_states if asked is None else asked,
                aligned_states=at_least(self.asked, states["aligned_from"]),
                every_state=at_least(self.asked, every["from"]) and not at_least(self.asked, every["before"]) and alone,
                checkpoints=checkpoints,
                block_size=block_size,
                expanded_latent=self.version.expanded_latent,
                masked_block=masked["block"] if major == BLACKWELL and self.version.at_least(masked["from"]) else None,
                generation=major,
                narrow_states=self.version.at_least(NARROW_STATES),
            )
        return kept

    def refusal(self, model: VllmModel, layout: Layout) -> str | None:
        """The engine's rule that forbids this layout, or null."""
        return model.refusal(layout, self.version.name) or split_refusal(model.card, layout, self.version)

    def fitting(self, model: VllmModel, gpu: GpuSpec, load: Load) -> VllmFitting:
        """The model on one kind of GPU under one load, ready for many layouts.

        Raises:
            RequestError: a GPU on which this version does not run, or not this model.
        """
        self.check_gpu(model, gpu, self._cache_dtype(model, gpu, load))
        return VllmFitting(self, model, gpu, load)

    def lines(self, model: VllmModel, gpu: GpuSpec, load: Load, contexts: Whole, users: Whole) -> Lines:
        """The model on one kind of GPU under many loads, of ascending contexts and users."""
        from gpu_sizer.engines.vllm.lines import VllmLines

        return VllmLines(self, model, gpu, load, contexts, users)

    def evaluate(self, model: VllmModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU of a layout, and whether the engine starts."""
        return self.fitting(model, gpu, load).evaluate(layout)

    def evaluate_mixed(self, model: VllmModel, gpus: Sequence[GpuSpec], load: Load) -> LayoutMemory:
        """vLLM plans one block count for all ranks: GPUs that differ are not its case.

        Raises:
            RequestError: always.
        """
        raise RequestError(
            "vLLM gives every GPU the same share: its GPUs must be alike; llama.cpp and transformers take mixed ones",
            about="gpu",
        )


ENGINE = VllmEngine
