"""SGLang: weights and cache within a static fraction of the memory, activations and graphs in the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpu_sizer.cards.gpu_spec import BLACKWELL, GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.layouts import divisors, parallel_layouts
from gpu_sizer.engines.one_version import OneVersion
from gpu_sizer.engines.sglang.compressed import compressed_pools, keeps, kernels_from, logits_bytes
from gpu_sizer.engines.sglang.model import SglangModel, stage_bounds
from gpu_sizer.engines.sglang.pools import TokenPools, state_slots
from gpu_sizer.engines.sglang.reserve import constants, default_fraction, graph_sequences, replicas_inside, tier
from gpu_sizer.engines.sglang.running import SglangFitting, as_told, running_requests, told_requests
from gpu_sizer.engines.versions import at_least, reaches
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import compressed_mixers, forward_bytes, is_compressed, layer_bytes, workspace_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.caches import CacheTypes, LayerKeeps
from gpu_sizer.units import GIB, ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.engines.sglang.pools import Pools


class SglangEngine(OneVersion):
    """The profile of one version of SGLang."""

    held = SglangModel
    prepared = SglangFitting
    lowerable = ("max_num_batched_tokens",)
    counted = frozenset(("cpu_offload_gib", "language_model_only", "speculative", "lora"))

    def check(self, load: Load) -> None:
        """Refuses what SGLang does not have, or this version.

        Raises:
            RequestError: what it is.
        """
        super().check(load)
        if load.language_model_only and not reaches(self.asked, first := constants()["language_model_only"]["from"]):
            raise RequestError(f"SGLang has --language-model-only from {first} on")
        if load.speculative is not None:
            from gpu_sizer.engines.speculation import NoDrafterError, speculation

            speculation(load.speculative)
            if not reaches(self.asked, first := constants()["drafts"]["from"]):
                raise NoDrafterError(f"what drafts take is known here from SGLang {first} on")
        if load.lora is not None:
            from gpu_sizer.engines.adapters import adapters_of

            adapters_of(load.lora, title="SGLang")
            if not reaches(self.asked, first := constants()["lora_from"]):
                raise RequestError(f"what slots of LoRA adapters take is known here from SGLang {first} on")

    def settings(self, model: SglangModel, gpu: GpuSpec, load: Load, layout: Layout) -> Settings:
        """The defaults for this GPU, model and layout: the fraction depends on all three.

        Raises:
            RequestError: fewer running requests than users.
        """
        users = ceil_div(load.users, layout.data_parallel_size)
        captured, load = load.max_num_seqs, as_told(load, model.running)
        if (most := load.max_num_seqs) is not None and most < load.users:
            raise RequestError(
                f"max_running_requests {most} is below the {load.users} users that run at once",
                about="users",
            )
        tokens = load.max_num_batched_tokens or tier(gpu, self.asked)["chunked_prefill_size"]
        graphs = graph_sequences(gpu, layout, captured, self.asked)
        fraction = load.gpu_memory_utilization
        if fraction is None:
            fraction = max(0.0, default_fraction(model, gpu, layout, tokens, graphs, load.enforce_eager, self.asked))
        dtype = self.cache_dtype(model.card, load)
        return load.resolved(
            users=users,
            gpu_memory_utilization=fraction,
            kv_cache_dtype=dtype,
            # The least: how many more the pool allows is known when it is sized (SglangFitting).
            max_num_seqs=running_requests(load, layout, users, 0),
            max_num_batched_tokens=tokens // replicas_inside(layout),
            hybrid_kv=load.hybrid_kv and model.windowed,
            disable_custom_all_reduce=False,
        )

    def settings_words(self, settings: Settings) -> str:
        """The settings in SGLang's own names."""
        s = settings
        return f"mem_fraction_static {s.gpu_memory_utilization:.3g}; chunked_prefill_size {s.max_num_batched_tokens}"

    @property
    def _has_pipelines(self) -> bool:
        """Whether this version spreads layers over GPUs at all; a line of versions is as its first."""
        return at_least(self.asked, constants()["pipelines_from"])

    def layouts(self, model: SglangModel, count: int, users: int, kind: str) -> Iterator[Layout]:
        """Tensor, pipeline and expert parallelism, replicas, and replicas of latent attention that share experts."""
        yield from parallel_layouts(model, count, users, kind, pipelines=self._has_pipelines)
        if model.has_latent and model.has_experts and kind == "any":
            for dp in divisors(count)[1:]:
                if dp <= users and dp == count:
                    yield Layout(1, 1, dp, expert_parallel=True)

    def refusal(self, model: SglangModel, layout: Layout) -> str | None:
        """The engine's rule that forbids this layout, or null."""
        if layout.decode_context_parallel_size > 1:
            return "decode context parallelism is planned for vLLM alone"
        if layout.pipeline_parallel_size > 1 and not self._has_pipelines:
            return f"SGLang has pipelines from {constants()['pipelines_from']} on"
        if model.drafter is not None:
            if layout.pipeline_parallel_size > 1:
                # (arg_groups/speculative_hook.py; managers/scheduler.py: SGLANG_ENABLE_PP_SPEC is off)
                return "SGLang drafts on no pipeline of stages"
            if replicas_inside(layout) > 1:
                return "what drafts beside replicas that share experts is not counted here"
            if (reason := model.drafter.unknown_to(self.asked) or model.drafter.refusal(layout)) is not None:
                return reason
            if (first := self.newer_version(draft := model.drafter.card)) is not None:
                return f"SGLang loads {draft.engine_class}, the class of {draft.name}, from {first} on"
        return model.refusal(layout)

    def check_gpu(self, model: Any, gpu: GpuSpec, cache_dtype: str) -> None:
        """Refuses a GPU on which this version does not run, or does not run this model.

        Raises:
            UncountableError: what it runs on instead.
        """
        super().check_gpu(model, gpu, cache_dtype)
        if not model.compressed:
            return
        first, on = kernels_from(gpu, model.expert_format), gpu.compute_capability or gpu.platform
        if first is None:
            raise UncountableError(
                f"SGLang has no kernels known here of DeepSeek-V4's attention with experts in {model.expert_format} on "
                f"the {gpu.short_name} ({on})",
                about="gpu",
            )
        if not reaches(self.asked, first):
            raise UncountableError(
                f"SGLang {self.asked} does not run {model.card.name} on the {gpu.short_name} ({on}): {first} is the "
                f"first version that does (--engine sglang@{first})",
                about="gpu",
            )

    def cache_dtype(self, card: ModelCard, load: Load) -> str:
        """The type of the cache; DeepSeek-V4's has a format of its own, whatever is asked for.

        Raises:
            RequestError: a type that is not known, or another than float8 for DeepSeek-V4.
        """
        dtype, only = super().cache_dtype(card, load), str(constants()["compressed"]["cache_dtype"])
        if not is_compressed(card.architecture):
            return dtype
        if self.cache_dtypes[load.kv_cache_dtype or "auto"] not in (None, only):
            raise RequestError(f"SGLang keeps {card.name}'s states in {only}, not in {load.kv_cache_dtype}")
        return only

    @staticmethod
    def _kernel_refusal(model: SglangModel, gpu: GpuSpec, layout: Layout) -> str | None:
        """Why the kernels of DeepSeek-V4's experts refuse a rank's share of them, or null."""
        if not model.compressed or layout.expert_ranks > 1 or gpu.generation == BLACKWELL:
            return None
        share, multiple = model.expert_width // layout.tensor_parallel_size, constants()["compressed"]["width_multiple"]
        return (
            f"a share of {share} of each expert is no multiple of its kernels' {multiple}" if share % multiple else None
        )

    def _short_while_loading(
        self, model: SglangModel, gpu: GpuSpec, layout: Layout, stages: tuple[RankMemory, ...], before: int
    ) -> str | None:
        """What does not fit while scales are still as loading makes them, or null."""
        for r, more in zip(stages, model.made_beside(gpu, layout, self.asked), strict=True):
            if more and (needed := r.loaded_bytes + more) > before:
                return (
                    f"loading needs {gib(needed)} a GPU, of which {gib(more)} are scales of experts in another form, "
                    f"which go when all are there; {gib(before)} are free"
                )
        return None

    def _pools(self, model: SglangModel, layout: Layout, load: Load, s: Settings) -> tuple[Sequence[Pools], int]:
        """The pools of each stage, and the bytes a token that a drafter's own pool has beyond them."""
        tp, bounds = layout.tensor_parallel_size, stage_bounds(model.layers, layout.pipeline_parallel_size)
        asked, chunk = told_requests(load, layout), s.max_num_batched_tokens
        if model.compressed:
            a = model.card.architecture
            return [
                compressed_pools(
                    a, start, stop, self.asked, context=s.context, users=s.users, chunk=chunk, running=asked or s.users
                )
                for start, stop in bounds
            ], 0
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        cells = model.cells(tp, types, bounds, windows=s.hybrid_kv)
        beyond, verified = 0, 0
        if model.drafter is not None:
            with_drafts, beyond = model.drafter.set_aside(cells[0], model.full_layers, tp, types)
            cells, verified = [with_drafts], model.drafter.verified
        slots = state_slots(s.prefix_caching, asked, verified)
        # Most stages of a long pipeline hold the same: their layers' cells are one object, and so are their pools.
        made = {id(cell): TokenPools(cell, slots, s.context, s.users, chunk) for cell in cells}
        return [made[id(cell)] for cell in cells], beyond

    def _peak(self, model: SglangModel, gpu: GpuSpec, layout: Layout, s: Settings) -> int:
        """The forward pass of a chunk and the captured graphs, which must find room beside the pools."""
        a, tokens = model.card.architecture, s.max_num_batched_tokens * replicas_inside(layout)
        peak = forward_bytes(a, layout, tokens)
        if model.compressed:
            peak = layer_bytes(a, layout.tensor_parallel_size, gpu.generation, tokens)
            free = int(gpu.visible_bytes * (1 - s.gpu_memory_utilization))
            peak += logits_bytes(self.asked, s.context, s.max_num_batched_tokens, free)
        peak += workspace_bytes(a, gpu, layout, tokens, model.has_scaled_experts)
        graphs = 0 if s.enforce_eager else int(constants()["graphs_gib"] * GIB)
        if model.drafter is not None:
            peak = model.drafter.peak(model.card, layout, tokens, peak)
            peak = max(peak, model.drafter.verification_bytes(model.card, s))
            # Its graphs are as large as its share of the layers.
            graphs += graphs * model.drafter.layers // model.layers
        return peak + graphs

    def _table(self, tokens: int, s: Settings, load: Load, layout: Layout) -> tuple[int, int]:
        """Rows and bytes of the table of where each request's tokens lie, for a pool of so many tokens."""
        c = constants()["request_table"]
        rows = min(running_requests(load, layout, s.users, tokens), tokens // 2)
        return rows, (rows + 1) * (s.context + c["more_tokens"]) * c["bytes"]

    def unlike_earlier(self, card: ModelCard) -> str | None:
        """What earlier versions hold of a model otherwise; null where a record without a version is of any."""
        if not is_compressed(card.architecture):
            return None
        first = constants()["compressed"]["narrow_scales_from"]
        return f"before {first} some of SGLang's kernels kept experts' scales in float32, a fifth more of the weights"

    def layers_keep(self, card: ModelCard) -> dict[str, LayerKeeps]:
        """What a layer of each distinct kind keeps on one GPU: every token, or DeepSeek-V4's share of its pools."""
        if not is_compressed(card.architecture):
            return super().layers_keep(card)
        return {name: keeps(m, self.asked) for name, m in compressed_mixers(card.architecture).items()}

    def counts_towers(self, card: ModelCard) -> bool:
        """SGLang's default fraction leaves room for the tower."""
        return True

    def evaluate(self, model: SglangModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU of a layout: the static fraction holds weights and pools, the rest stays free.

        The cache is ``fraction x available before loading - weights`` (``_profile_available_bytes``).
        """
        if (reason := self.refusal(model, layout) or self._kernel_refusal(model, gpu, layout)) is not None:
            return refused(layout, reason)
        c, s, pp = constants(), self.settings(model, gpu, load, layout), layout.pipeline_parallel_size
        tp, inside = layout.tensor_parallel_size, replicas_inside(layout)
        several = tp * pp * inside > 1
        context = c["context_gib"] + (c["communication_gib"] if several and gpu.has_nvlink else 0)
        context_bytes = int(context * GIB)
        before = gpu.visible_bytes - context_bytes
        slack, peak = before - int(before * s.gpu_memory_utilization), self._peak(model, gpu, layout, s)
        bounds = stage_bounds(model.layers, pp)
        load = as_told(load, model.running)
        pools, beyond = self._pools(model, layout, load, s)
        adapters = model.adapters_bytes(layout)
        loading = [int(c["loading_gib"] * GIB) + model.loaded_beside(tp, start, stop) for start, stop in bounds]
        parts = zip(model.stage_weights(layout), pools, loading, strict=True)
        kinds = [((weights, id(pool), loaded), pool) for weights, pool, loaded in parts]
        ranks = {
            kind: RankMemory(
                capacity_bytes=gpu.visible_bytes,
                budget_bytes=gpu.visible_bytes,
                weights_bytes=weights,
                kv_cache_bytes=pool.needed(),
                activation_bytes=max(slack, peak),
                overhead_bytes=context_bytes + loaded + adapters,
                loading_bytes=loaded + adapters,
            )
            for kind, pool in dict(kinds).items()
            for weights, _, loaded in (kind,)
        }
        stages = tuple([ranks[kind] for kind, _ in kinds])
        fullest = min(ranks.values(), key=lambda r: r.free_bytes)
        held = [pool.held(ranks[kind].available_kv_bytes) for kind, pool in dict(kinds).items()]
        tokens = min([t for t, _ in held])
        requests = min([tokens / s.context, *(float(n) for _, n in held if n is not None)])
        short = self._reason(fullest, s)
        if short is not None:
            short += self._larger_share(fullest, s, load, layout, before, peak)
        roomy = self.roomy_bytes(model, layout)
        verdict, reason = self.verdict(fullest, roomy, short)
        if not 0 < s.gpu_memory_utilization < 1:
            verdict, reason = "does_not_fit", self._no_share(s, gpu)
        elif (wide := self._short_while_loading(model, gpu, layout, stages, before)) is not None:
            verdict, reason = "does_not_fit", wide
        # Pools that leave less than the peak start, and run out of memory under load.
        rows, table = self._table(tokens, s, load, layout)
        table += beyond * tokens
        leaves = f"mem_fraction_static {s.gpu_memory_utilization:.3g} leaves {gib(slack)}"
        if verdict != "does_not_fit" and table > slack:
            verdict = "does_not_fit"
            reason = f"{leaves} beside the pools, where the table of {rows:,} requests takes {gib(table)}"
        elif verdict == "fits" and peak + table > slack:
            verdict = "tight"
            what = "activations, graphs and the table of requests"
            reason = f"{leaves} for {what}, which may take {gib(peak + table)}"
        return LayoutMemory(
            layout,
            verdict,
            reason,
            fullest,
            stages,
            tokens,
            requests * layout.data_parallel_size,
            roomy,
            blocks=tokens,
            printed_tokens=tokens,
            host_bytes=sum(model.offloaded(layout)) * tp * layout.data_parallel_size,
        )

    def _larger_share(self, r: RankMemory, s: Settings, load: Load, layout: Layout, before: int, peak: int) -> str:
        """The flag under which the load would have room beside the engine's own peak, or nothing.

        Args:
            r: the fullest rank.
            s: the settings in force.
            load: as asked.
            layout: as asked.
            before: bytes of which the share is taken.
            peak: of activations and graphs.
        """
        share = ceil_div((r.weights_bytes + r.loading_bytes + r.kv_cache_bytes) * 1000, before) / 1000
        _, table = self._table(s.context * s.users, s, load, layout)
        if not s.gpu_memory_utilization < share < 1 or before - int(before * share) < peak + table:
            return ""
        return f"; --mem-fraction-static {share:g} leaves room for it"

    @staticmethod
    def _no_share(s: Settings, gpu: GpuSpec) -> str:
        """Why a static fraction is none."""
        if s.gpu_memory_utilization:
            return f"mem_fraction_static must lie between 0 and 1, and {s.gpu_memory_utilization:g} leaves nothing"
        reserved = (
            f"what is reserved for a chunked_prefill_size of {s.max_num_batched_tokens} is more than {gpu.name} has"
        )
        return f"no mem_fraction_static is left: {reserved}"

    def _reason(self, r: RankMemory, s: Settings) -> str | None:
        """Where start-up would fail, or null."""
        if r.free_bytes >= 0:
            return None
        fraction = f"mem_fraction_static {s.gpu_memory_utilization:.3g}"
        if r.available_kv_bytes <= 0:
            need = f"weights need {gib(r.loaded_bytes)} a GPU"
            kept = r.overhead_bytes - r.loading_bytes + r.activation_bytes
            left = f"{gib(max(0, r.budget_bytes - kept))} are left for them"
            return f"no memory left for the KV cache: {need}, {left} under {fraction}"
        cache = f"{gib(r.kv_cache_bytes)} of KV cache needed, {gib(r.available_kv_bytes)} available"
        return f"the pool is too small: {cache} under {fraction}"


ENGINE = SglangEngine
