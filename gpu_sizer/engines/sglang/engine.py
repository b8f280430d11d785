"""SGLang: weights and cache within a static fraction of the memory, activations and graphs in the rest."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.layouts import divisors, parallel_layouts
from gpu_sizer.engines.one_version import HALF, OneVersion
from gpu_sizer.engines.sglang.pools import held, needed_bytes, state_slots
from gpu_sizer.engines.sglang.reserve import constants, default_fraction, graph_sequences, replicas_inside, tier
from gpu_sizer.engines.sglang.running import SglangFitting, as_told, running_requests, told_requests
from gpu_sizer.engines.versions import at_least, reaches
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.activations import absorbed_bytes, forward_bytes, workspace_bytes
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory, refused
from gpu_sizer.memory.layout import Layout, bounds_of
from gpu_sizer.memory.weights import MATRIX, WeightRules
from gpu_sizer.model.caches import SHORT_CONVOLUTIONS, CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.tensor import Split, Tensor
from gpu_sizer.records import replace
from gpu_sizer.units import GIB, ceil_div, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.engines.sglang.drafts import Drafter

#: Parts of a layer that attention's replicas share like the experts (layers/dp_attention.py, moe_dense_tp_size unset).
_SHARED_PARTS = ("mlp", "shared_experts")
_POSITIONS = "pos_embed.weight"


@lru_cache(maxsize=1 << 12)
def stage_bounds(layers: int, stages: int) -> tuple[tuple[int, int], ...]:
    """First and past-the-last layer of each stage: what is left over goes to the last (distributed/utils.py)."""
    base, left = divmod(layers, stages)
    return bounds_of([base + (stage >= stages - left) for stage in range(stages)])


def _cut_positions(t: Tensor) -> Tensor:
    """A tower's table of positions cut by rows, others as they are."""
    if not t.name.endswith(_POSITIONS):
        return t
    return replace(t, split=Split(0, t.shape[0], "positions of the tower"))


def _cut_layers(t: Tensor) -> Tensor:
    """A matrix of a tower's layers cut, others as they are."""
    if t.copies == 1 or len(t.shape) != MATRIX:
        return t
    return replace(t, split=Split(0, t.shape[0], "rows of the tower"))


class SglangModel(HeldModel):
    """One model as SGLang holds it."""

    def __init__(self, card: ModelCard, load: Load) -> None:
        c = constants()
        rules = WeightRules(
            vocabulary_multiple=c["vocabulary_multiple"],
            expert_width_multiple=tuple(c["expert_width_multiple"].items()),
            towers_on_every_stage=True,
            blocks_divide=True,
            embedding_whole=card.engine_class in c["whole_embedding"],
        )
        if load.language_model_only and card.architecture.towers:
            if card.engine_class not in c["language_model_only"]["classes"]:
                raise RequestError(f"SGLang has no --language-model-only for {card.name}: it builds the tower")
            card = replace(card, architecture=replace(card.architecture, towers=()))
        inventory = build_inventory(card, load.weights_dtype or HALF.get(card.weights.dtype))
        for classes, cut in (("cut_positions", _cut_positions), ("cut_towers", _cut_layers)):
            if card.engine_class in c[classes]:
                inventory = replace(inventory, towers=tuple([cut(t) for t in inventory.towers]))
        super().__init__(card, inventory, rules)
        self.drafter: Drafter | None = None
        self.adapters: Adapters | None = None
        if load.speculative is not None:
            from gpu_sizer.engines.sglang.drafts import drafter_of

            self.drafter = drafter_of(card, inventory, load.speculative, rules)
        if load.lora is not None:
            self.adapters = self._adapters(load.lora)
        self._absorbed: dict[tuple[int, int, int], int] = {}
        self.offload_bytes = int((load.cpu_offload_gib or 0) * GIB)
        self.windowed = card.engine_class in c["windowed"]
        # Inkling's pools have ratios and states of their own (arg_groups/model_overrides/inkling.py).
        self.refuse_states("SGLang", SHORT_CONVOLUTIONS)

    def _adapters(self, asked: str) -> Adapters | None:
        """Slots of adapters, of models whose layers are alike.

        Raises:
            UncountableError: experts, whose adapters have buffers in graphs (``init_lora_cuda_graph_moe_buffers``), or
                layers that differ: each has slots of every shape.
        """
        from gpu_sizer.engines.adapters import adapters_of

        if self.has_experts or len(set(self.inventory.layer_names)) > 1:
            raise UncountableError(
                f"what SGLang's slots of LoRA adapters take beside {self.card.name} is not known here: its layers "
                "differ, or have experts; vllm's are (--engine vllm)",
                about="model",
            )
        return adapters_of(asked, title="SGLang")

    def adapters_bytes(self, tp: int) -> int:
        """Bytes of the slots on each stage, which has those of all layers (``lora/mem_pool.py: init_buffers``)."""
        if self.adapters is None:
            return 0
        slots, names = self.adapters, self.inventory.layer_names
        layers = sum([slots.bytes_of(self.inventory.blocks[n], tp, 1) for n in names])
        return layers + slots.bytes_of((*self.inventory.embedding, *self.inventory.head), tp, 1)

    @cached_property
    def full_layers(self) -> int:
        """Layers that keep every token, where windows have a pool of their own."""
        made = self.caches(1, CacheTypes("bfloat16", "bfloat16"))
        kept = {
            name: any(c.token_bytes and (c.span is None or not self.windowed) for c in caches)
            for name, caches in made.items()
        }
        return sum([kept[name] for name in self.inventory.layer_names])

    def stage_weights(self, layout: Layout) -> list[int]:
        """Bytes on one rank of each stage.

        With attention data parallelism (replicas that share experts) attention is held whole by each replica, while
        feed-forwards are cut over all ranks.
        """
        bounds = stage_bounds(self.layers, layout.pipeline_parallel_size)
        tp = layout.tensor_parallel_size
        own = self.weights(tp, layout.expert_ranks, bounds)
        inside = replicas_inside(layout)
        off = self.offloaded(layout)
        if self.drafter is not None:
            # One stage alone (refusal).
            return [own[0].total - off[0] + self.drafter.weights_bytes(layout)]
        if inside == 1 or self.refusal(Layout(tp * inside, expert_parallel=True)):
            return [w.total - o for w, o in zip(own, off, strict=True)]
        shared = self.weights(tp * inside, layout.expert_ranks, bounds)
        return [
            w.total - o - sum(w.by_part.get(p, 0) - x.by_part.get(p, 0) for p in _SHARED_PARTS)
            for w, x, o in zip(own, shared, off, strict=True)
        ]

    def offloaded(self, layout: Layout) -> tuple[int, ...]:
        """What of the layers of each stage stays in the machine's memory on one rank (utils/offloader.py: OffloaderV1).

        Whole parameters go, in order, until there is so much: up to one of them more than is counted. With replicas
        that share experts nothing is counted, since what they share is cut otherwise.
        """
        bounds = stage_bounds(self.layers, layout.pipeline_parallel_size)
        if not self.offload_bytes or replicas_inside(layout) > 1:
            return (0,) * len(bounds)
        layers = self.layer_weights(layout.tensor_parallel_size, layout.expert_ranks, bounds)
        return tuple([min(self.offload_bytes, size) for size in layers])

    def absorbed(self, tp: int, start: int, stop: int) -> int:
        """Bytes of the absorbed projections of latent attention in these layers, on one rank."""
        if (kept := self._absorbed.get((tp, start, stop))) is None:
            blocks, names = self.card.architecture.blocks, self.inventory.layer_names[start:stop]
            kept = self._absorbed[tp, start, stop] = sum([absorbed_bytes(blocks[n].mixer, tp) for n in names])
        return kept


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
        captured, load = load.max_num_seqs, as_told(load, drafts=model.drafter is not None)
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
            if (reason := model.drafter.refusal(layout)) is not None:
                return reason
        return model.refusal(layout)

    def _peak(self, model: SglangModel, gpu: GpuSpec, layout: Layout, s: Settings) -> int:
        """The forward pass of a chunk and the captured graphs, which must find room beside the pools."""
        a, tokens = model.card.architecture, s.max_num_batched_tokens * replicas_inside(layout)
        peak = forward_bytes(a, layout, tokens)
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

    def notes(self, card: ModelCard) -> tuple[str, ...]:
        """What is not known here, and what the engine's classes hold that is not counted."""
        held = constants()["lighter"].get(card.engine_class)
        return (*super().notes(card), *((f"SGLang holds {held} beyond the estimate",) if held else ()))

    def counts_towers(self, card: ModelCard) -> bool:
        """SGLang's default fraction leaves room for the tower."""
        return True

    def evaluate(self, model: SglangModel, gpu: GpuSpec, layout: Layout, load: Load) -> LayoutMemory:
        """What fills each GPU of a layout: the static fraction holds weights and pools, the rest stays free.

        The cache is ``fraction x available before loading - weights`` (``_profile_available_bytes``).
        """
        if (reason := self.refusal(model, layout)) is not None:
            return refused(layout, reason)
        c, s, pp = constants(), self.settings(model, gpu, load, layout), layout.pipeline_parallel_size
        tp, inside = layout.tensor_parallel_size, replicas_inside(layout)
        several = tp * pp * inside > 1
        context = c["context_gib"] + (c["communication_gib"] if several and gpu.has_nvlink else 0)
        context_bytes = int(context * GIB)
        before = gpu.visible_bytes - context_bytes
        slack, peak = before - int(before * s.gpu_memory_utilization), self._peak(model, gpu, layout, s)
        types = CacheTypes(s.kv_cache_dtype, self.model_dtype(model.card))
        bounds = stage_bounds(model.layers, pp)
        cells = model.cells(tp, types, bounds, windows=s.hybrid_kv)
        load = as_told(load, drafts=model.drafter is not None)
        beyond, verified = 0, 0
        if model.drafter is not None:
            with_drafts, beyond = model.drafter.set_aside(cells[0], model.full_layers, tp, types)
            cells, verified = [with_drafts], model.drafter.verified
        slots = state_slots(s.prefix_caching, told_requests(load, layout), verified)
        adapters = model.adapters_bytes(tp)
        loading = [int(c["loading_gib"] * GIB) + model.absorbed(tp, start, stop) for start, stop in bounds]
        # Most stages of a long pipeline hold the same: their layers' cells are one object.
        parts = zip(model.stage_weights(layout), cells, loading, strict=True)
        kinds = [((weights, id(cell), loaded), cell) for weights, cell, loaded in parts]
        ranks = {
            kind: RankMemory(
                capacity_bytes=gpu.visible_bytes,
                budget_bytes=gpu.visible_bytes,
                weights_bytes=weights,
                kv_cache_bytes=needed_bytes(cell, s.context, s.users, s.max_num_batched_tokens, slots),
                activation_bytes=max(slack, peak),
                overhead_bytes=context_bytes + loaded + adapters,
                loading_bytes=loaded + adapters,
            )
            for kind, cell in dict(kinds).items()
            for weights, _, loaded in (kind,)
        }
        stages = tuple([ranks[kind] for kind, _ in kinds])
        fullest = min(ranks.values(), key=lambda r: r.free_bytes)
        pools = [held(cell, ranks[kind].available_kv_bytes, slots) for kind, cell in dict(kinds).items()]
        tokens = min([t for t, _ in pools])
        requests = min([tokens / s.context, *(float(n) for _, n in pools if n is not None)])
        short = self._reason(fullest, s)
        if short is not None:
            short += self._larger_share(fullest, s, load, layout, before, peak)
        verdict, reason = self.verdict(fullest, short)
        if not 0 < s.gpu_memory_utilization < 1:
            verdict, reason = "does_not_fit", self._no_share(s, gpu)
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
            self.band_bytes,
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
