"""What loading a model allocates beside its tensors.

Five things make "Model loading took ... GiB" larger than the sum of the tensors:

* torch's caching allocator hands out large blocks in multiples of 2 MiB and keeps a remainder of up to 1 MiB with
  the block (pytorch ``c10/cuda/CUDACachingAllocator.cpp``: ``kMinLargeAlloc``, ``kRoundLarge``, ``kSmallSize``),
  and a fused projection is one block (q, k and v; gate and up; all experts of a layer);
* tables of rotary cosines and sines, one row a position of the model's full length
  (``layers/rotary_embedding/base.py``), four times as many for multimodal positions (``mrope.py``);
* latent attention keeps its up-projections once more, absorbed and dequantized
  (``layers/attention/mla_attention.py``: ``W_UK_T``, ``W_UV``);
* kernels of experts want widths that are multiples of something, and on ROCm rows that do not collide in the
  cache, whose padding leaves blocks behind that nothing uses (``quantization/utils/flashinfer_utils.py``,
  ``fused_moe/unquantized_fused_moe_method.py``);
* DeepSeek-V4 has tables of its own and buffers for a whole batch (:mod:`gpu_sizer.engines.vllm.sparse`).
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from math import prod

from gpu_sizer.cards.gpu_spec import BLACKWELL
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least
from gpu_sizer.engines.vllm import sparse
from gpu_sizer.memory.activations import absorbed_bytes, rotary_table_bytes
from gpu_sizer.memory.layout import stage_bounds
from gpu_sizer.memory.weights import MATRIX, WeightRules, expert_rounding, expert_shape
from gpu_sizer.model.formats import BLOCK_SCALED, SCALE_BLOCK, storage_bytes
from gpu_sizer.model.inventory import Inventory
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.latent_attention import LatentAttention
from gpu_sizer.records import dataclass
from gpu_sizer.units import MIB, ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from gpu_sizer.engines.adapters import Adapters
    from gpu_sizer.memory.weights import WeightPlacement
    from gpu_sizer.model.tensor import Tensor

#: Blocks from this size on are cut from segments of their own (``kMinLargeAlloc``).
LARGE_BLOCK = 10 * MIB
#: ... whose size is a multiple of this (``kRoundLarge``) ...
SEGMENT_MULTIPLE = 2 * MIB
#: ... and a remainder up to this stays with the block (``kSmallSize``).
KEPT_REMAINDER = MIB
#: Every block is a multiple of this (``kMinBlockSize``).
BLOCK_MULTIPLE = 512

#: On ROCm the rows of unquantized experts that are a multiple of this many bytes ...
ROCM_ROW_BYTES = 512
#: ... are made longer by this many (``_maybe_pad_weight``).
ROCM_PADDING_BYTES = 256
HALF_TYPES = ("bfloat16", "float16")

#: The table of embeddings for each layer.
PER_LAYER_TABLE = "embed_tokens_per_layer.weight"
#: The format whose grouped output projections are kept in bfloat16 where no kernel takes them.
WIDENED = "mxfp8"
#: Rotary tables and absorbed projections are kept in the type of the activations.
HALF_BYTES = 2


@cache
def _rules() -> dict[str, Any]:
    data: dict[str, Any] = profile_data("vllm/loading")
    return data


def _in_force(rule: str, version: str) -> bool:
    """Whether a rule with a first version (``from``), a first one without it (``before``) or both holds in another."""
    span = _rules()[rule]
    return at_least(version, span.get("from", "0")) and not ("before" in span and at_least(version, span["before"]))


@cache
def _fused_name(name: str) -> str:
    """The parameter in which the engine holds a tensor of the checkpoint."""
    for fused, parts in _rules()["fused"].items():
        for part in parts:
            if part in name:
                made: str = name.replace(part, fused)
                return made
    return name


def allocated_bytes(size: int) -> int:
    """Bytes that torch's caching allocator counts for a request of this size."""
    size = round_up(size, BLOCK_MULTIPLE)
    if size >= LARGE_BLOCK:
        segment = round_up(size, SEGMENT_MULTIPLE)
        if segment - size <= KEPT_REMAINDER:
            return segment
    return size


def _rounding(tensors: Iterable[Tensor], sizes: Iterable[int]) -> int:
    """What the allocator adds to these tensors, of so many bytes each."""
    blocks: dict[str, int] = {}
    for t, size in zip(tensors, sizes, strict=True):
        name = _fused_name(t.name)
        blocks[name] = blocks.get(name, 0) + size
    return sum([allocated_bytes(size) - size for size in blocks.values()])


def rotary_bytes(card: ModelCard, version: str) -> int:
    """Bytes of the tables of rotary cosines and sines on each rank, in a range of versions."""
    data = _rules()["rotary"]
    if card.engine_class in data["none"] or card.architecture.position_embeddings:
        return 0
    since = data["by_transformers"].get(card.engine_class)
    if since is not None and at_least(version, since):
        return 0
    widths = set()
    for block in card.architecture.blocks.values():
        if (m := block.mixer) is not None and m.rotary_width is not None:
            widths.add((m.rotary_width, m.sliding_window is not None))
    if card.engine_class not in data["table_for_windows"]:
        widths = {(width, False) for width, _ in widths}
    factor = data["multimodal_factor"] if card.engine_class in data["multimodal"] else 1
    share, linear = data["share"].get(card.engine_class, 1), data["linear_factor"].get(card.engine_class, 1)
    rows = sum(width * (1 if windowed else linear) for width, windowed in widths)
    plain = int(rows * share) * card.context.native * factor * HALF_BYTES
    return plain + rotary_table_bytes(card.architecture, card.context.native)


def deepstack_levels(card: ModelCard) -> int:
    """Levels of the vision tower whose states go into the language model beside its embeddings."""
    levels: int = _rules()["deepstack_levels"] if card.engine_class in _rules()["deepstack"] else 0
    return levels


def per_layer_bytes(card: ModelCard) -> int:
    """Bytes that one token of a batch takes in the buffer of embeddings for each layer (Gemma 3n and 4)."""
    if card.engine_class not in _rules()["per_layer_inputs"]:
        return 0
    tables = (t for t in card.architecture.extra if t.name == PER_LAYER_TABLE)
    return sum(t.shape[1] * HALF_BYTES for t in tables)


def shared_projection_bytes(mixer: object, hidden_size: int, tp: int) -> int:
    """Bytes of projections for keys and values, and their norm, that a layer without a cache does not need."""
    if not isinstance(mixer, Attention) or mixer.kv_projections:
        return 0
    heads = ceil_div(mixer.num_key_value_heads, tp)
    return (2 * heads * hidden_size + 1) * mixer.head_dim * HALF_BYTES


def multiplied_bytes(mixer: LatentAttention, hidden_size: int, tp: int, value_bytes: int) -> int:
    """Bytes of one layer's products of latent attention's projections on one rank."""
    heads, width = ceil_div(mixer.num_attention_heads, tp), mixer.q_lora_rank or hidden_size
    products = (width + hidden_size) * heads * mixer.kv_lora_rank * value_bytes
    return products + width * heads * mixer.qk_rope_head_dim * HALF_BYTES


@dataclass(frozen=True, slots=True)
class Kernels:
    """What decides which kernels run: the platform, the GPU's generation and the engine's version."""

    platform: str
    generation: int | None
    version: str
    """The name of the range of versions."""
    has_float8: bool = True
    """Whether the GPU multiplies in float8."""
    triton: bool = True
    """Whether the model's class takes Triton's kernels for experts of four bits."""

    def padded(self, inner: int, outer: int, gated: bool, fmt: str) -> tuple[int, int]:
        """A rank's share of an expert, its width and the hidden size, as the kernels want it."""
        for rule in _rules()["expert_alignment"]:
            if (
                rule["format"] == fmt
                and rule.get("gated", gated) == gated
                and rule.get("generation", self.generation) == self.generation
                and at_least(self.version, rule.get("from", "0"))
                and (self.triton or not rule.get("triton"))
            ):
                return round_up(inner, rule["inner"]), round_up(outer, rule.get("outer", 1))
        return inner, outer


def _expert_padding(
    tensors: Collection[Tensor], gated: bool, tp: int, expert_ranks: int, rules: WeightRules, kernels: Kernels
) -> int:
    """What the experts' kernels add to one layer's experts on one rank, once they are loaded."""
    extra, rounded = 0, expert_rounding(tensors, rules)
    for t in tensors:
        if not t.is_expert or t.split is None or len(t.shape) != MATRIX:
            continue
        copies = ceil_div(t.copies, expert_ranks)
        rows, columns = expert_shape(t, tp, expert_ranks, rules, rounded)
        if kernels.platform == "rocm":
            if t.fmt in HALF_TYPES and columns * HALF_BYTES % ROCM_ROW_BYTES == 0:
                extra += copies * rows * ROCM_PADDING_BYTES
            continue
        inner, outer = (rows, columns) if t.split.dim == 0 else (columns, rows)
        padded = kernels.padded(inner, outer, gated, t.fmt)
        if padded != (inner, outer):
            extra += copies * (storage_bytes(padded, t.fmt) - storage_bytes((inner, outer), t.fmt))
    return extra


def _widened_bytes(tensors: Iterable[Tensor], tp: int) -> int:
    """What one layer's grouped output projection of MXFP8 grows by where it is kept in bfloat16: one byte a value.

    Data-center Blackwell alone has a kernel for it (``kernels/linear/mxfp8``: DeepGemmMxfp8BmmLinearKernel,
    EmulationMxfp8LinearKernel, which keeps the scales).
    """
    return sum(prod(t.local_shape(tp)) for t in tensors if t.fmt == WIDENED and t.name.endswith(".wo_a.weight"))


def _group_scales(tensors: Iterable[Tensor], tp: int, expert_ranks: int) -> int:
    """What one layer's scales of float8 blocks grow by where Marlin's kernels run: 16 bits for each output of a block.

    ``layers/quantization/utils/marlin_utils_fp8.py: prepare_fp8_layer_for_marlin``.
    """
    extra = 0
    for t in tensors:
        if t.fmt not in BLOCK_SCALED or len(t.shape) != MATRIX:
            continue
        copies = ceil_div(t.copies, expert_ranks) if t.is_expert else t.copies
        outputs, inputs = t.shape if t.is_expert and expert_ranks > 1 else t.local_shape(tp)
        groups, scale = ceil_div(inputs, SCALE_BLOCK), storage_bytes((outputs, inputs), t.fmt) - outputs * inputs
        extra += copies * (groups * outputs * HALF_BYTES - scale)
    return extra


def _unused_remainder(tensors: Iterable[Tensor], tp: int, expert_ranks: int) -> int:
    """What padding one layer's experts leaves behind on ROCm, where loading is measured on the device.

    The padded gate and up projections are a block of their own, and the unpadded ones leave theirs to the allocator;
    the padded down projections, if they are shorter, are cut from it, and the next layer finds no use for the rest
    (``_maybe_pad_weight``, once for each).
    """
    into = out = 0
    for t in tensors:
        if not t.is_expert or t.split is None or len(t.shape) != MATRIX or t.fmt not in HALF_TYPES:
            continue
        copies = ceil_div(t.copies, expert_ranks)
        rows, columns = t.shape if expert_ranks > 1 else t.local_shape(tp)
        if columns * HALF_BYTES % ROCM_ROW_BYTES:
            return 0
        size = copies * rows * columns * HALF_BYTES
        if t.split.dim == 0:
            into += size
        else:
            out += size + copies * rows * ROCM_PADDING_BYTES
    return max(0, into - out) if out else 0


def batch_widths(card: ModelCard, tp: int, kernels: Kernels) -> tuple[int, int]:
    """Bytes a token of a batch that one rank holds from loading on: of every stage, and what more of the last."""
    a = card.architecture
    width = deepstack_levels(card) * a.hidden_size * HALF_BYTES + per_layer_bytes(card) + sparse.chosen_bytes(a)
    if _in_force("attention_scratch", kernels.version):
        return width + sparse.batch_buffer_bytes(a, tp, kernels.generation, scratch=True), 0
    if _in_force("draft_streams", kernels.version):
        # The streams for a draft model are where the head is.
        return width, sparse.batch_buffer_bytes(a, tp, kernels.generation, scratch=False)
    return width, 0


class Rounding:
    """What the allocator and the absorbed projections add under one tensor-parallel size, whatever the kernels."""

    __slots__ = ("blocks", "expert_ranks", "first", "last", "rules", "tp")

    def __init__(
        self, card: ModelCard, inventory: Inventory, tp: int, expert_ranks: int, placement: WeightPlacement
    ) -> None:
        self.tp, self.expert_ranks, self.rules = tp, expert_ranks, placement.rules
        mixers = {name: block.mixer for name, block in card.architecture.blocks.items()}
        self.blocks = {
            name: _rounding(tensors, placement.blocks[name]) + absorbed_bytes(mixers[name], tp)
            for name, tensors in inventory.blocks.items()
        }
        self.first = _rounding(inventory.embedding, placement.ends["embedding"])
        self.last = 0 if inventory.tied else _rounding(inventory.head, placement.ends["head"])


class LoadingExtra:
    """What loading adds to the tensors of one model under one tensor-parallel size."""

    __slots__ = (
        "_drafter",
        "_ends",
        "_every_stage",
        "_last_tokens_width",
        "_rounding",
        "_stages",
        "_sums",
        "_tokens_width",
    )

    def __init__(
        self,
        card: ModelCard,
        inventory: Inventory,
        rounding: Rounding,
        kernels: Kernels,
        drafter: tuple[int, int] = (0, 0),
        adapters: Adapters | None = None,
    ) -> None:
        """Counts it.

        Args:
            card: the model.
            inventory: its tensors as the engine holds them.
            rounding: what the allocator adds, whatever the kernels.
            kernels: what decides the rest.
            drafter: what is loaded with what drafts tokens ahead, on the last stage, and what more of a pipeline.
            adapters: slots beside linear layers.
        """
        self._rounding, rules, self._drafter = rounding, rounding.rules, drafter
        blocks, tp, ranks = dict(rounding.blocks), rounding.tp, rounding.expert_ranks
        multiplied = _in_force("multiplied_projections", kernels.version)
        shared = _in_force("shared_projections", kernels.version)
        remains = kernels.platform == "rocm" and _in_force("rocm_remainder", kernels.version)
        # Tensors are looked at for what there are tensors of.
        formats, experts = {fmt for fmt, _, _ in inventory.kinds}, inventory.has_experts
        cuda = kernels.platform == "cuda"
        widened = cuda and kernels.generation != BLACKWELL and WIDENED in formats
        grouped = cuda and not kernels.has_float8 and not formats.isdisjoint(BLOCK_SCALED)
        for name, tensors in inventory.blocks.items():
            mixer, hidden = card.architecture.blocks[name].mixer, card.architecture.hidden_size
            if shared:
                blocks[name] += shared_projection_bytes(mixer, hidden, tp)
            if experts:
                gated = getattr(card.architecture.blocks[name].feed_forward, "gated", True)
                blocks[name] += _expert_padding(tensors, gated, tp, ranks, rules, kernels)
            if multiplied and isinstance(mixer, LatentAttention):
                scaled = any(".o_proj." in t.name and t.fmt.startswith("float8") for t in tensors)
                blocks[name] += multiplied_bytes(mixer, hidden, tp, 1 if scaled else HALF_BYTES)
            if widened:
                blocks[name] += _widened_bytes(tensors, tp)
            if grouped:
                blocks[name] += _group_scales(tensors, tp, ranks)
            if remains and experts:
                blocks[name] += _unused_remainder(tensors, tp, ranks)
        self._ends = (0, 0)
        if adapters is not None:
            for name, tensors in inventory.blocks.items():
                blocks[name] += adapters.bytes_of(tensors, tp, ranks)
            head = inventory.embedding if inventory.tied else inventory.head
            self._ends = adapters.bytes_of(inventory.embedding, tp, 1), adapters.bytes_of(head, tp, 1)
        self._sums = (0, *accumulate(blocks[name] for name in inventory.layer_names))
        self._every_stage = rotary_bytes(card, kernels.version)
        self._tokens_width, self._last_tokens_width = batch_widths(card, tp, kernels)
        self._stages: dict[int, tuple[int, ...]] = {}

    @property
    def depends_on_batch(self) -> bool:
        """Whether buffers grow with the tokens of a batch."""
        return self._tokens_width > 0 or self._last_tokens_width > 0

    @property
    def contents(self) -> tuple[object, ...]:
        """What all its figures follow from, for one model: many kernels pad alike."""
        sizes = (self._rounding.tp, self._rounding.expert_ranks, self._tokens_width, self._last_tokens_width)
        return (*sizes, *self._drafter, *self._ends, self.rules, self._sums)

    @property
    def rules(self) -> WeightRules:
        """How the weights are placed beside which it stands."""
        return self._rounding.rules

    def stages(self, count: int, max_num_batched_tokens: int) -> tuple[int, ...]:
        """Bytes on one rank of each of ``count`` pipeline stages."""
        if (stages := self._stages.get(count)) is None:
            stages = self._stages[count] = self._without_batch(count)
        if not self.depends_on_batch:
            return stages
        held = [size + self._tokens_width * max_num_batched_tokens for size in stages]
        held[-1] += self._last_tokens_width * max_num_batched_tokens
        return tuple(held)

    def _without_batch(self, count: int) -> tuple[int, ...]:
        """What does not depend on the batch, on one rank of each stage."""
        sums = self._sums
        sizes = [self._every_stage + sums[stop] - sums[start] for start, stop in stage_bounds(len(sums) - 1, count)]
        sizes[0] += self._rounding.first + self._ends[0]
        with_drafter, in_pipelines = self._drafter
        sizes[-1] += self._rounding.last + self._ends[1] + with_drafter + (in_pipelines if count > 1 else 0)
        return tuple(sizes)
