"""A model's architecture as a card describes it: named blocks, stacked in an order, with ends and towers."""

from __future__ import annotations

from math import prod

from gpu_sizer.errors import shown
from gpu_sizer.model.bounds import MOST_LAYERS, MOST_VALUES
from gpu_sizer.model.builder import Builder
from gpu_sizer.model.feed_forwards.dense import Dense
from gpu_sizer.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.caches import CacheTypes, LayerCache
    from gpu_sizer.model.constraints import Dimension, Id, LayerCount, NonNegativeInt, Part, PositiveInt
    from gpu_sizer.model.feed_forward import FeedForward
    from gpu_sizer.model.mixer import Mixer
    from gpu_sizer.model.tensor import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraTensor:
    """A tensor (or several of one shape) that no standard block describes, written out."""

    name: Id
    """Its name below the block (or the model) that holds it."""
    shape: tuple[Dimension, ...]
    """Its shape, output dimension first."""
    copies: PositiveInt = 1
    """How many tensors of this shape there are."""
    part: Part = "other"
    """The part of the model it is counted under."""
    dtype: Literal["model", "float32", "bfloat16", "float16", "int32", "int64"] = "model"
    """Its storage type; model is the card's own."""
    split_dim: NonNegativeInt | None = None
    """The dimension that tensor parallelism cuts; null is a whole copy on every rank."""
    units: PositiveInt | None = None
    """Indivisible units along that dimension (heads, groups); null is every index by itself."""
    replicate: bool = False
    """Where there are fewer units than ranks, ranks share a unit instead of refusing."""
    parameter: bool = True
    """Counted as a parameter (false for buffers)."""
    linear: bool = False
    """The weight of a linear layer, to which the rules for quantized weights apply."""
    host_table: bool = False
    """A table that is read row by row and stands in the machine's memory, on no GPU (n-gram embeddings)."""

    def __post_init__(self) -> None:
        if prod(self.shape) * self.copies > MOST_VALUES:
            raise ValueError(f"a tensor of more than {MOST_VALUES:,} values is no model's")
        if self.split_dim is not None and self.split_dim >= len(self.shape):
            raise ValueError(f"split_dim {self.split_dim} is not a dimension of shape {list(self.shape)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One layer of the stack: a token mixer and a feed-forward, each of which may be missing."""

    mixer: Mixer | None = None
    """The token mixer; null for a layer that has a feed-forward only."""
    second_mixer: Mixer | None = None
    """A mixer that works beside the first on the same input (Falcon-H1), or before it (Qwen4)."""
    feed_forward: FeedForward | None = None
    """The feed-forward; null for a layer that has a mixer only."""
    dense: Dense | None = None
    """A dense feed-forward beside the mixture of experts (Gemma 4, Arctic)."""
    norms: NonNegativeInt = 2
    """Norms of hidden_size: 2 before mixer and feed-forward, 4 in Gemma's sandwich, 1 where shared."""
    passes: PositiveInt = 1
    """How often the layer is applied with the same weights, each time with a cache of its own (Nanbeige 4.2)."""
    extra: tuple[ExtraTensor, ...] = ()
    """Tensors beyond the standard ones."""
    #: Models have some in common, which the catalogue builds once.
    COMMON = True

    def __post_init__(self) -> None:
        if self.mixer is None and self.feed_forward is None:
            raise ValueError("a block needs a mixer or a feed_forward")
        if self.dense is not None and not (self.feed_forward and self.feed_forward.num_experts):
            raise ValueError("dense stands beside a mixture of experts only; use feed_forward")

    @property
    def mixers(self) -> tuple[Mixer, ...]:
        """Its token mixers."""
        return tuple([m for m in (self.mixer, self.second_mixer) if m is not None])

    @property
    def feed_forwards(self) -> tuple[FeedForward, ...]:
        """Its feed-forwards."""
        return tuple([f for f in (self.feed_forward, self.dense) if f is not None])

    def tensors(self, hidden: int, fmt: str, norm: str) -> Iterator[Tensor]:
        """The tensors of its mixers and feed-forwards.

        Args:
            hidden: width of the residual stream.
            fmt: the model's storage type.
            norm: the model's kind of norm.
        """
        for mixer in self.mixers:
            yield from mixer.tensors(hidden, Builder(mixer.prefix, "attention", fmt, norm))
        for feed_forward in reversed(self.feed_forwards):
            yield from feed_forward.tensors(hidden, fmt)

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """What one such layer keeps on one of so many tensor-parallel ranks; empty where its mixers keep nothing."""
        return [cache for mixer in self.mixers for cache in mixer.caches(tp, t)] * self.passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of the stack: the blocks named, in order, repeated."""

    blocks: tuple[Id, ...]
    """Names of blocks, one per layer."""
    repeat: LayerCount = 1
    """How often the sequence is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tower:
    """A vision or audio encoder with its projector, as groups of tensors."""

    name: Id
    """vision, audio ..."""
    tensors: tuple[ExtraTensor, ...]
    """Its tensors, grouped by shape or summed into counts of parameters."""
    #: A list of models needs those of few.
    LATER = ("tensors",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiTokenPrediction:
    """Layers that are in the checkpoint for speculative decoding and not loaded without it."""

    block: Id
    """The block that each of these layers holds."""
    layers: LayerCount = 1
    extra: tuple[ExtraTensor, ...] = ()
    """Tensors beside the block, per layer."""
    once: tuple[ExtraTensor, ...] = ()
    """Tensors that the layers have once, together."""
    other_block: Id | None = None
    """The block that some of these layers hold instead."""
    other_layers: NonNegativeInt = 0
    """How many of the layers those are."""

    def __post_init__(self) -> None:
        if (self.other_block is None) != (self.other_layers == 0) or self.other_layers > self.layers:
            raise ValueError("other_block and other_layers (at most layers) belong together")

    @property
    def blocks(self) -> dict[str, int]:
        """How many of the layers hold each block."""
        counts = {self.block: self.layers - self.other_layers}
        return counts if self.other_block is None else {**counts, self.other_block: self.other_layers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Everything that decides a model's tensors and caches."""

    hidden_size: PositiveInt
    """Width of the residual stream."""
    vocab_size: PositiveInt
    """Rows of the embedding as released."""
    blocks: dict[Id, Block]
    """The distinct layers, by a name of the card's choice."""
    stack: tuple[Run, ...]
    """The order in which the blocks are stacked."""
    tie_word_embeddings: bool = False
    """The output head is the embedding."""
    norm: Literal["rms", "layer", "layer_no_bias", "none"] = "rms"
    """Kind of the norms: RMS (one weight), layer (weight and bias), layer without bias, or without weights."""
    final_norm: bool = True
    """A norm before the head."""
    embedding_size: PositiveInt | None = None
    """Width of the embedding where it differs from hidden_size."""
    head_bias: bool = False
    """A bias on the output head."""
    embedding: bool = True
    """Whether the checkpoint has an embedding: a draft may take that of the model it drafts for."""
    head: bool = True
    """Whether the checkpoint has an output head, or an embedding that is one; a draft may take the model's."""
    head_rows: Dimension | None = None
    """Rows of the head where it scores fewer tokens than the embedding has (a draft's draft_vocab_size)."""
    position_embeddings: PositiveInt | None = None
    """Rows of a learned table of positions."""
    extra: tuple[ExtraTensor, ...] = ()
    """Further tensors outside the stack, on the first pipeline stage."""
    towers: tuple[Tower, ...] = ()
    """Vision and audio encoders."""
    mtp: MultiTokenPrediction | None = None
    """Multi-token-prediction layers, kept apart."""
    layer_names: tuple[Id, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Counted before they are named: some bytes of a card can ask for any number.
        if (count := sum(run.repeat * len(run.blocks) for run in self.stack)) > MOST_LAYERS:
            raise ValueError(f"stack has {shown(count)} layers; {MOST_LAYERS} is the most")
        names = tuple([name for run in self.stack for name in run.blocks * run.repeat])
        object.__setattr__(self, "layer_names", names)
        if not names:
            raise ValueError("stack has no layers")
        used = set(names) | set(self.mtp.blocks if self.mtp else ())
        if missing := sorted(used - set(self.blocks)):
            raise ValueError(f"stack names blocks that are not defined: {', '.join(missing)}")
        if unused := sorted(set(self.blocks) - used):
            raise ValueError(f"blocks that the stack never uses: {', '.join(unused)}")

    @property
    def mixer_kinds(self) -> tuple[str, ...]:
        """The kinds of its token mixers, each once."""
        return tuple(sorted({m.kind for block in self.blocks.values() for m in block.mixers}))

    @property
    def num_hidden_layers(self) -> int:
        """Layers in the stack."""
        return len(self.layer_names)
