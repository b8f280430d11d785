"""Multi-head, grouped-query or multi-query attention."""

from __future__ import annotations

from gpu_sizer.model.builder import HEADS, KV_HEADS
from gpu_sizer.model.caches import LayerCache
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.short_convolutions import ShortConvolutions
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheKind, CacheTypes
    from gpu_sizer.model.constraints import NonNegativeInt, PositiveInt
    from gpu_sizer.model.tensor import Tensor

#: Heads beyond this width need another attention kernel.
WIDEST_HEAD = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention(Mixer):
    """Multi-head, grouped-query or multi-query attention."""

    kind: Literal["attention"] = "attention"
    num_attention_heads: PositiveInt
    """Query heads."""
    num_key_value_heads: PositiveInt
    """Key/value heads; equal to the query heads in multi-head attention, 1 in multi-query."""
    head_dim: PositiveInt
    """Width of a query or key head."""
    v_head_dim: PositiveInt | None = None
    """Width of a value head where it differs from head_dim."""
    qkv_bias: bool = False
    """Biases on the query, key and value projections."""
    o_bias: bool = False
    """Bias on the output projection."""
    qk_norm: Literal["head", "full", "whole", "per_head"] | None = None
    """Norm of queries and keys: one weight of head_dim, one over all heads (cut with them, or kept whole on every
    rank), or one row per head."""
    output_gate: bool = False
    """The query projection also yields a gate of the same width (Qwen3-Next)."""
    q_lora_rank: PositiveInt | None = None
    """Queries go through this narrower width, with a norm in it (Step 3)."""
    noise_heads: NonNegativeInt = 0
    """Query heads whose output is subtracted from the others', and does not reach the output projection (Motif 3)."""
    sinks: bool = False
    """One learned sink logit per query head (gpt-oss)."""
    keys_as_values: bool = False
    """Values are the keys: no value projection (Gemma 4's global layers)."""
    sliding_window: PositiveInt | None = None
    """Tokens a query sees, itself included; null is the whole context."""
    attention_chunk_size: PositiveInt | None = None
    """Chunked local attention (Llama 4): the length of a chunk."""
    shares_cache: bool = False
    """Reads another layer's keys and values: caches nothing, though it may own projections."""
    kv_projections: bool = True
    """Has key and value projections of its own (false for some layers that share a cache)."""
    indexer: Indexer | None = None
    """Sparse attention's indexer."""
    short_convolutions: ShortConvolutions | None = None
    """Short convolutions of the layer, with a state of their own."""

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads ({self.num_attention_heads}) is not a multiple of "
                f"num_key_value_heads ({self.num_key_value_heads})"
            )
        if self.sliding_window and self.attention_chunk_size:
            raise ValueError("sliding_window and attention_chunk_size exclude each other")

    @property
    def heads(self) -> int:
        """Query heads."""
        return self.num_attention_heads

    @property
    def kv_heads(self) -> int:
        """Key/value heads."""
        return self.num_key_value_heads

    @property
    def rotary_width(self) -> int:
        """A whole head."""
        return self.head_dim

    @property
    def value_dim(self) -> int:
        """Width of a value head."""
        return self.v_head_dim or self.head_dim

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        heads, kv, dim, vdim = self.heads, self.kv_heads, self.head_dim, self.value_dim
        q_split, kv_split = Split(0, heads, HEADS), Split(0, kv, KV_HEADS, replicate=True)
        if self.q_lora_rank:
            yield from b.linear("q_a_proj", self.q_lora_rank, hidden)
            yield b.plain("inter_norm.weight", (self.q_lora_rank,), part="norms")
        width = heads * dim * (2 if self.output_gate else 1)
        yield from b.linear("q_proj", width, self.q_lora_rank or hidden, q_split, bias=self.qkv_bias)
        if self.kv_projections:
            yield from b.linear("k_proj", kv * dim, hidden, kv_split, bias=self.qkv_bias)
            for value in b.linear("v_proj", kv * vdim, hidden, kv_split, bias=self.qkv_bias):
                # Where values are the keys the checkpoint has no such tensor, but engines keep a copy of the keys here.
                yield replace(value, is_parameter=False) if self.keys_as_values else value
        reach = heads - self.noise_heads
        yield from b.linear("o_proj", hidden, reach * vdim, Split(1, reach, HEADS), bias=self.o_bias)
        if self.qk_norm == "head":
            kind = "rms" if b.norm_kind == "none" else b.norm_kind
            yield from b.norm("q_norm", dim, kind=kind)
            if self.kv_projections:
                yield from b.norm("k_norm", dim, kind=kind)
        elif self.qk_norm == "whole":
            yield b.plain("q_norm.weight", (heads * dim,), part="norms")
            yield b.plain("k_norm.weight", (kv * dim,), part="norms")
        elif self.qk_norm in ("full", "per_head"):
            yield b.plain("q_norm.weight", (heads * dim,), q_split, part="norms")
            yield b.plain("k_norm.weight", (kv * dim,), kv_split, part="norms")
        if self.sinks:
            yield b.plain("sinks", (heads,), q_split)
        if self.indexer:
            yield from self.indexer.tensors_beside_heads(hidden, kv, b)
        if self.short_convolutions:
            yield from self.short_convolutions.tensors(kv, dim, vdim, b)

    def values(self, tp: int) -> int:
        """What it holds at work."""
        heads, kv = ceil_div(self.num_attention_heads, tp), max(1, self.num_key_value_heads // tp)
        # queries, keys, values, and the attention's output
        return (heads * 2 + kv * 2) * self.head_dim * (2 if self.output_gate else 1)

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Keys and values, and what an indexer and short convolutions keep."""
        if self.shares_cache:
            return []
        kind: CacheKind = "sliding" if self.sliding_window else "chunked" if self.attention_chunk_size else "full"
        heads = max(1, self.num_key_value_heads // tp)
        values = heads * (self.head_dim + self.value_dim)
        pools = self.indexer is not None and self.indexer.pools
        caches = [
            LayerCache(
                kind,
                token_bytes=values * t.cache_bytes + 2 * heads * t.scale_bytes,
                span=self.sliding_window or self.attention_chunk_size,
                sparse=self.indexer is not None and not pools,
                wide=self.head_dim > WIDEST_HEAD,
            )
        ]
        if self.indexer:
            caches += self.indexer.averaged_keys() if pools else [self.indexer.keys()]
        if self.short_convolutions:
            caches.append(self.short_convolutions.cache(values, tp, t))
        return caches

    def words(self) -> str:
        """Heads times widths, and the span of a window or chunk."""
        if self.shares_cache:
            return "reads another layer's cache"
        span = f", at most {self.sliding_window:,} tokens and those in flight" if self.sliding_window else ""
        span = f", in chunks of {self.attention_chunk_size:,}" if self.attention_chunk_size else span
        if c := self.short_convolutions:
            span += f", beside {c.conv_kernel} tokens and those in flight of its short convolutions"
        return f"{self.num_key_value_heads} key/value heads x ({self.head_dim} + {self.value_dim}){span}"
