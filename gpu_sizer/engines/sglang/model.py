"""A model as SGLang holds it: which of its weights stand on which rank, and what drafts for it or stands beside it."""

from __future__ import annotations

from functools import cached_property, lru_cache

from gpu_sizer.cards.gpu_spec import BLACKWELL
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.one_version import HALF
from gpu_sizer.engines.sglang.compressed import made_wider
from gpu_sizer.engines.sglang.reserve import constants, replicas_inside
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.memory.activations import absorbed_bytes, compressed_mixers, is_compressed, rotary_table_bytes
from gpu_sizer.memory.layout import Layout, bounds_of
from gpu_sizer.memory.weights import MATRIX, WeightRules
from gpu_sizer.model.caches import SHORT_CONVOLUTIONS, CacheTypes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import replace
from gpu_sizer.units import GIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.engines.sglang.drafts import Drafter
    from gpu_sizer.load import Load
    from gpu_sizer.model.architecture import Architecture
    from gpu_sizer.model.tensor import Tensor

#: Parts of a layer that attention's replicas share like the experts (layers/dp_attention.py, moe_dense_tp_size unset).
_SHARED_PARTS = ("mlp", "shared_experts")
_POSITIONS = "pos_embed.weight"
#: What of experts' bytes loading makes beside what stays: MXFP4 has 16 bytes of values and one of scale, which has
#: three more in float32; NVFP4 has eight and one, which stands twice (quantization/modelopt_quant.py: create_weights).
WIDER_SCALES, TWO_SCALES = 3 / 17, 1 / 9


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


def _cut_alone(t: Tensor, names: list[str]) -> Tensor:
    """A tensor of a tower whole, unless its name has one of these parts."""
    return t if any(name in t.name for name in names) else replace(t, split=None)


def _with_expert_biases(a: Architecture) -> Architecture:
    """An architecture whose experts have biases."""
    blocks = {
        name: replace(block, feed_forward=replace(block.feed_forward, expert_bias=True))  # type: ignore[type-var]
        for name, block in a.blocks.items()
        if block.feed_forward is not None and block.feed_forward.num_experts
    }
    return replace(a, blocks=dict(a.blocks) | blocks)


class SglangModel(HeldModel):
    """One model as SGLang holds it."""

    counts_compressed = True
    # model_config.py: get_hybrid_layer_ids lists every layer, and pools have room for each (0.5.19, 0.5.23), although
    # some layers read the caches of earlier ones (models/gemma4_causal.py, gemma3n_causal.py: kv_shared_layer_index).
    pools_every_layer = True
    drafter: Drafter | None

    def __init__(self, card: ModelCard, load: Load) -> None:
        c = constants()
        rules = WeightRules(
            vocabulary_multiple=c["vocabulary_multiple"],
            expert_width_multiple=tuple(c["expert_width_multiple"].items()),
            towers_on_every_stage=True,
            blocks_divide=True,
            embedding_whole=card.engine_class in c["whole_embedding"],
        )
        self.compressed = is_compressed(card.architecture)
        if any(m.shares_states for m in compressed_mixers(card.architecture).values()):
            raise UncountableError(
                f"what SGLang keeps of {card.name}'s shared states and tables of n-grams is not known here; vllm's is "
                "(--engine vllm)",
                about="model",
            )
        if load.language_model_only and card.architecture.towers:
            if card.engine_class not in c["language_model_only"]["classes"]:
                raise RequestError(f"SGLang has no --language-model-only for {card.name}: it builds the tower")
            card = replace(card, architecture=replace(card.architecture, towers=()))
        if card.engine_class in c["expert_biases"]:
            card = replace(card, architecture=_with_expert_biases(card.architecture))
        inventory = build_inventory(card, load.weights_dtype or HALF.get(card.weights.dtype))
        if (names := c["towers_cut_alone"].get(card.engine_class)) is not None:
            inventory = replace(inventory, towers=tuple([_cut_alone(t, names) for t in inventory.towers]))
        for classes, cut in (("cut_positions", _cut_positions), ("cut_towers", _cut_layers)):
            if card.engine_class in c[classes]:
                inventory = replace(inventory, towers=tuple([cut(t) for t in inventory.towers]))
        super().__init__(card, inventory, rules)
        self.drafter = None
        self.adapters: Adapters | None = None
        if load.speculative is not None:
            from gpu_sizer.engines.sglang.drafts import drafter_of

            self.drafter = drafter_of(card, inventory, load.speculative, rules)
        if load.lora is not None:
            self.adapters = self._adapters(load.lora)
        self._beside: dict[tuple[int, int, int], int] = {}
        self.offload_bytes = int((load.cpu_offload_gib or 0) * GIB)
        self.windowed = card.engine_class in c["windowed"]
        if not self.compressed:
            # Inkling's pools have ratios and states of their own (arg_groups/model_overrides/inkling.py).
            self.refuse_states("SGLang", SHORT_CONVOLUTIONS)

    @property
    def running(self) -> int | None:
        """Requests at once that a server sets by itself for this model; null where its pool decides."""
        if not self.compressed and self.drafter is None:
            return None
        told: int = constants()["compressed" if self.compressed else "drafts"]["running"]
        return told

    def _adapters(self, asked: str) -> Adapters | None:
        """Slots of adapters, of models whose layers are alike.

        Experts have slots of their own (``lora/mem_pool.py: gate_up_proj_moe, down_proj_moe``), and buffers of indices
        in graphs that are less than a megabyte.

        Raises:
            UncountableError: shared or scaled experts, or layers that differ: each has slots of every shape.
        """
        from gpu_sizer.engines.adapters import adapters_of

        adapters = adapters_of(asked, title="SGLang")
        assert adapters is not None
        alike = {adapters.bytes_of(self.inventory.blocks[name], 1, 1) for name in self.inventory.layer_names}
        shared = any(t.part == "shared_experts" for t, _ in self.inventory.everything())
        kept = [c for caches in self.caches(1, CacheTypes("bfloat16", "bfloat16")).values() for c in caches]
        if len(alike) > 1 or shared or self.has_scaled_experts or any(c.state_bytes for c in kept):
            raise UncountableError(
                f"what SGLang's slots of LoRA adapters take beside {self.card.name} is not known here: its layers "
                "differ, or have shared or quantized experts; vllm's are (--engine vllm)",
                about="model",
            )
        return adapters

    def adapters_bytes(self, layout: Layout) -> int:
        """Bytes of the slots on each stage, which has those of all layers (``lora/mem_pool.py: init_buffers``)."""
        if self.adapters is None:
            return 0
        slots, tp, names = self.adapters, layout.tensor_parallel_size, self.inventory.layer_names
        layers = sum([slots.bytes_of(self.inventory.blocks[n], tp, layout.expert_ranks) for n in names])
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

    def loaded_beside(self, tp: int, start: int, stop: int) -> int:
        """Bytes on one rank that loading these layers makes of their weights, and of positions.

        Absorbed projections of latent attention; DeepSeek-V4's tables of angles, once as complex numbers and once as
        cosines and sines (``models/deepseek_v4.py: freqs_cis, rotary_emb``).
        """
        if (kept := self._beside.get((tp, start, stop))) is None:
            a = self.card.architecture
            absorbed = sum([absorbed_bytes(a.blocks[n].mixer, tp) for n in self.inventory.layer_names[start:stop]])
            kept = self._beside[tp, start, stop] = absorbed + 2 * rotary_table_bytes(a, self.card.context.native)
        return kept

    def made_beside(self, gpu: GpuSpec, layout: Layout, version: str) -> list[int]:
        """Bytes on one rank of each stage that loading makes of the experts' scales beside those that stay."""
        share = 0.0
        if self.compressed and made_wider(gpu, self.expert_format, version):
            share = WIDER_SCALES
        elif self.expert_format == "nvfp4" and gpu.generation != BLACKWELL:
            # TensorRT-LLM's kernels, which run there, have no second ones.
            share = TWO_SCALES
        bounds = stage_bounds(self.layers, layout.pipeline_parallel_size)
        stages = self.weights(layout.tensor_parallel_size * replicas_inside(layout), layout.expert_ranks, bounds)
        return [int(w.by_part.get("experts", 0) * share) for w in stages]

    @cached_property
    def expert_width(self) -> int:
        """Of what is cut of its experts; 0 without experts."""
        experts = [t for t, _ in self.inventory.everything() if t.is_expert and t.split is not None]
        return max([t.shape[t.split.dim] for t in experts if t.split is not None], default=0)

    @cached_property
    def expert_format(self) -> str | None:
        """The format of its experts' matrices; null without experts."""
        formats = {t.fmt for t, _ in self.inventory.everything() if t.is_expert and len(t.shape) == MATRIX}
        return min(formats, default=None)
