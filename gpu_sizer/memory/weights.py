"""Bytes of weights on each rank of a layout: a pure function of inventory, layout and engine rules."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from math import gcd

from gpu_sizer.memory.layout import Layout, stage_bounds
from gpu_sizer.model.formats import BLOCK_SCALED, SCALE_UNITS, expert_storage_bytes, storage_bytes
from gpu_sizer.model.inventory import Inventory
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.records import dataclass, field
from gpu_sizer.units import ceil_div, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

#: Dimensions of a matrix.
MATRIX = 2
#: Parts of a model that every token passes through beside its mixers.
FEED_FORWARDS = ("mlp", "shared_experts")


@dataclass(frozen=True, slots=True)
class WeightRules:
    """What an engine does to weights when it places them on ranks."""

    vocabulary_multiple: int = 1
    """Vocabulary rows are padded to a multiple of this before they are cut."""
    vocabulary_multiple_of_ranks: bool = False
    """... and to a multiple of the ranks, so that any number of them is accepted."""
    expert_width_multiple: tuple[tuple[str, int], ...] = ()
    """By weight format: a rank's share of an expert's width is rounded up to this."""
    expert_hidden_multiple: tuple[tuple[str, int], ...] = ()
    """By weight format: the hidden size of experts is rounded up to this."""
    least_expert_width: int = 1
    """A rank's share of an expert that is cut is at least so wide."""
    blocks_divide: bool = False
    """Scales of float8 blocks and of int4 groups must not cross from one rank to another."""
    finest_expert_block: int | None = None
    """Blocks of experts' float8 scales that do not divide are made finer, down to this; null where they are not."""
    merged: tuple[str, ...] = ()
    """Parts of the names of projections that are one parameter with others: the outputs of these need not divide."""
    pads_feed_forwards: bool = False
    """The model class rounds a rank's share of float8 feed-forwards and shared experts up to whole blocks."""
    towers_divide: bool = False
    """The model class refuses a tower that cannot be cut, rather than hold it whole on every rank."""
    towers_on_every_stage: bool = False
    """Vision and audio towers are loaded on every pipeline stage, not on the first alone."""
    embedding_whole: bool = False
    """The model class keeps its embedding whole on every rank."""
    embedding_on_every_stage: bool = False
    """The model class builds its embedding on every stage."""
    head_on_every_stage: bool = False
    """The model class builds its output head on every stage."""
    norm_on_every_stage: bool = False
    """The model class builds its final norm on every stage."""
    HASHED_ONCE = True


@dataclass(frozen=True, slots=True)
class StageWeights:
    """Bytes on one rank of one pipeline stage, by part of the model."""

    total: int
    by_part: dict[str, int] = field(default_factory=dict)


def vocabulary_rows(rows: int, tp: int, rules: WeightRules) -> int:
    """Rows of a vocabulary after padding."""
    padded = round_up(rows, rules.vocabulary_multiple)
    return round_up(padded, tp) if rules.vocabulary_multiple_of_ranks else padded


def refusal(inventory: Inventory, layout: Layout, rules: WeightRules) -> str | None:
    """Why this layout cannot hold the model's tensors, or null where it can.

    Every width that is cut must divide; experts that are spread whole need not.
    """
    tp = layout.tensor_parallel_size
    if layout.pipeline_parallel_size > len(inventory.layer_names):
        return f"{len(inventory.layer_names)} layers do not fill {layout.pipeline_parallel_size} pipeline stages"
    if inventory.looped and layout.pipeline_parallel_size > 1:
        return "layers that are run through several times form no pipeline"
    if layout.expert_parallel and not inventory.has_experts:
        return "expert parallelism needs a mixture of experts"
    if tp == 1:
        return None
    seen: set[tuple[str, int]] = set()
    for block in inventory.blocks.values():
        for t in block:
            if t.split is None or (t.is_expert and layout.expert_parallel):
                continue
            key = (t.split.what, t.split.units)
            if key in seen:
                continue
            seen.add(key)
            if not t.split.units_on_rank(tp):
                return f"{t.split.units} {t.split.what} do not divide by {tp}"
    if rules.blocks_divide:
        for block in inventory.blocks.values():
            for t in block:
                if (reason := _block_refusal(t, layout, rules)) is not None:
                    return reason
    if rules.towers_divide:
        for t in inventory.towers:
            if t.split is not None and not t.split.units_on_rank(tp):
                return (
                    f"{t.name} of a tower has {t.split.units} parts, which do not divide by {tp}; "
                    "--mm-encoder-tp-mode data holds the tower whole on every GPU"
                )
    for t in (*inventory.embedding, *inventory.head):
        if t.is_vocabulary:
            rows = vocabulary_rows(t.shape[0], tp, rules)
            if rows % tp:
                return f"the vocabulary of {rows} does not divide by {tp}"
    return None


def _block_refusal(t: Tensor, layout: Layout, rules: WeightRules) -> str | None:
    """Why the scales of a matrix cannot be cut, or null where they can.

    Source: vLLM ``layers/quantization/utils/fp8_utils.py`` (validate_fp8_block_shape, validate_fp8_block_shape_moe),
    ``fused_moe/oracle/fp8.py`` (refine_fp8_moe_block_shape), ``compressed_tensors_moe_wna16.py`` and
    ``distributed/utils.py`` (verify_group_size_divides_partition).
    """
    tp, unit = layout.tensor_parallel_size, SCALE_UNITS.get(t.fmt)
    if unit is None or t.split is None or len(t.shape) != MATRIX or (t.is_expert and layout.expert_parallel):
        return None
    local = t.local_shape(tp)[t.split.dim]
    # What is narrower than one block as a whole is left as it is by those who convert: ``in_proj_ba`` among
    # ``modules_to_not_convert`` (https://huggingface.co/Qwen/Qwen3-Next-80B-A3B-Instruct-FP8/blob/main/config.json).
    if local % unit == 0 or t.shape[t.split.dim] < unit:
        return None
    what = f"{t.name}: a share of {local} on each of {tp} ranks is no multiple of its scales' {unit} values"
    if t.is_expert:
        finer = gcd(local, unit, t.shape[1 - t.split.dim])
        refined = t.fmt in BLOCK_SCALED and rules.finest_expert_block is not None and finer >= rules.finest_expert_block
        return None if refined else what
    if t.split.dim == 1:
        padded = rules.pads_feed_forwards and t.part in FEED_FORWARDS
        return None if padded else what
    merged = rules.pads_feed_forwards or any(part in t.name for part in rules.merged)
    return None if t.fmt not in BLOCK_SCALED or merged else what


#: The multiples to which the sizes of a layer's experts are rounded up: of their own width, and of the hidden size.
Rounded = tuple[int, int]


def expert_rounding(tensors: Collection[Tensor], rules: WeightRules) -> Rounded:
    """What the width of one layer's experts and their hidden size are rounded up to."""
    formats = {t.fmt for t in tensors if t.is_expert and len(t.shape) == MATRIX}
    if not formats:
        return 1, 1

    def multiple(by_format: tuple[tuple[str, int], ...]) -> int:
        return max((m for fmt, m in by_format if fmt in formats), default=1)

    return multiple(rules.expert_width_multiple), multiple(rules.expert_hidden_multiple)


def expert_shape(
    tensor: Tensor, tp: int, expert_ranks: int, rules: WeightRules, rounded: Rounded = (1, 1)
) -> tuple[int, ...]:
    """The shape of one expert's tensor on one rank, as its parameter is made."""
    inner, outer = rounded
    shape = list(tensor.shape if expert_ranks > 1 else tensor.local_shape(tp))
    dim = tensor.split.dim if tensor.split is not None else None
    for i, size in enumerate(shape):
        if i != dim:
            shape[i] = round_up(size, outer)
        else:
            least = rules.least_expert_width if tp > 1 and expert_ranks == 1 else 1
            shape[i] = round_up(max(size, least), inner)
    return tuple(shape)


def kept_bytes(inventory: Inventory, fmt: str, dtype: str, layout: Layout) -> int:
    """Bytes more on a GPU of an accepted layout if all that mixes tokens were kept in the model's own type.

    Args:
        inventory: with every matrix of the layers in ``fmt``.
        fmt: the format.
        dtype: the model's own type.
        layout: parallel sizes.
    """
    tp, more = layout.tensor_parallel_size, 0
    for name, layers in Counter(inventory.layer_names).items():
        for t in inventory.blocks[name]:
            if t.fmt == fmt and not t.is_expert and t.part not in FEED_FORWARDS:
                shape = t.local_shape(tp)
                more += layers * t.copies * (storage_bytes(shape, dtype) - storage_bytes(shape, fmt))
    return ceil_div(more, layout.pipeline_parallel_size)


def tensor_bytes(tensor: Tensor, tp: int, expert_ranks: int, rules: WeightRules, rounded: Rounded = (1, 1)) -> int:
    """Bytes of a tensor, all its copies, on one rank of a layout that is not refused.

    ``rounded`` is what the sizes of experts are rounded up to (:func:`expert_rounding`).
    """
    if tensor.on_host:
        return 0
    if tensor.is_expert:
        shape = expert_shape(tensor, tp, expert_ranks, rules, rounded)
        if expert_ranks > 1 or tensor.split is None:
            return storage_bytes(shape, tensor.fmt) * ceil_div(tensor.copies, expert_ranks)
        return expert_storage_bytes(shape, tensor.fmt, shape[tensor.split.dim]) * tensor.copies
    if tensor.is_vocabulary:
        rows = vocabulary_rows(tensor.shape[0], tp, rules) // tp
        return storage_bytes((rows, *tensor.shape[1:]), tensor.fmt)
    shape = tensor.local_shape(tp)
    if rules.pads_feed_forwards and tensor.split is not None and tensor.part in FEED_FORWARDS:
        unit, dim = SCALE_UNITS.get(tensor.fmt, 1), tensor.split.dim
        shape = (*shape[:dim], round_up(shape[dim], unit), *shape[dim + 1 :])
    return storage_bytes(shape, tensor.fmt) * tensor.copies


class WeightPlacement:
    """The weights of one model under one tensor-parallel size, ready for any number of stages."""

    __slots__ = ("_inventory", "_sums", "blocks", "ends", "rules")

    def __init__(self, inventory: Inventory, tp: int, expert_ranks: int, rules: WeightRules) -> None:
        self._inventory, self.rules = inventory, rules

        def sizes(tensors: Collection[Tensor], tp: int, expert_ranks: int = expert_ranks) -> list[int]:
            rounded = expert_rounding(tensors, rules)
            return [tensor_bytes(t, tp, expert_ranks, rules, rounded) for t in tensors]

        #: Bytes of each tensor on one rank, by block, and of those beside the layers.
        self.blocks = {name: sizes(tensors, tp) for name, tensors in inventory.blocks.items()}
        # A tower whose heads do not divide is held whole on every rank.
        cut = all(t.split is None or t.split.units_on_rank(tp) for t in inventory.towers)
        self.ends = {
            "embedding": sizes(inventory.embedding, 1 if rules.embedding_whole else tp),
            "head": sizes(inventory.head, tp),
            "final": sizes(inventory.final, tp),
            "towers": sizes(inventory.towers, tp if cut else 1, 1),
        }
        layers = {name: sum(block) for name, block in self.blocks.items()}
        self._sums = (0, *accumulate([layers[name] for name in inventory.layer_names]))

    def totals(self, count: int) -> tuple[int, ...]:
        """Bytes on one rank of each of ``count`` pipeline stages, cut as :func:`stage_bounds` does."""
        sums = self._sums
        beside = self._beside(False, False) if count > 2 else 0
        sizes = [sums[stop] - sums[start] + beside for start, stop in stage_bounds(len(sums) - 1, count)]
        sizes[0] += self._beside(True, count == 1) - beside
        if count > 1:
            sizes[-1] += self._beside(False, True) - beside
        return tuple(sizes)

    def layers(self, count: int) -> tuple[int, ...]:
        """Bytes of the layers alone on one rank of each of ``count`` stages."""
        return self.layers_of(stage_bounds(len(self._sums) - 1, count))

    def layers_of(self, bounds: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Bytes of the layers alone on one rank of each stage, given its first and past-the-last layers."""
        return tuple([self._sums[stop] - self._sums[start] for start, stop in bounds])

    def stages_of(self, bounds: Sequence[tuple[int, int]]) -> list[StageWeights]:
        """Weights on one rank of each stage, part by part, given its first and past-the-last layers."""
        # Most stages of a long pipeline hold the same layers.
        made: dict[tuple[tuple[str, ...], bool, bool], StageWeights] = {}
        result = []
        for stage, (start, stop) in enumerate(bounds):
            key = (self._inventory.layer_names[start:stop], stage == 0, stage == len(bounds) - 1)
            if key not in made:
                made[key] = self._stage(*key)
            result.append(made[key])
        return result

    def _stage(self, names: tuple[str, ...], first: bool, last: bool) -> StageWeights:
        """Weights on one rank of a stage of these layers."""
        parts: Counter[str] = Counter()
        for name, layers in Counter(names).items():
            for tensor, size in zip(self._inventory.blocks[name], self.blocks[name], strict=True):
                parts[tensor.part] += size * layers
        for end in self._held(first, last):
            tensors: tuple[Tensor, ...] = getattr(self._inventory, end)
            for tensor, size in zip(tensors, self.ends[end], strict=True):
                parts[tensor.part] += size
        sizes = {part: size for part, size in parts.items() if size > 0}
        return StageWeights(sum(sizes.values()), sizes)

    def _beside(self, first: bool, last: bool) -> int:
        """Bytes that a stage holds beside its layers."""
        return sum([sum(self.ends[end]) for end in self._held(first, last)])

    def _held(self, first: bool, last: bool) -> Iterator[str]:
        """The parts that a stage holds beside its layers.

        The embedding stands on the first stage, final norm and head on the last; a tied head is stored
        once, and under a pipeline on both ends.
        """
        rules = self.rules
        has_embedding = first or rules.embedding_on_every_stage
        if has_embedding:
            yield "embedding"
        if (last or rules.head_on_every_stage) and not (self._inventory.tied and has_embedding):
            yield "head"
        if last or rules.norm_on_every_stage:
            yield "final"
        if first or rules.towers_on_every_stage:
            yield "towers"
