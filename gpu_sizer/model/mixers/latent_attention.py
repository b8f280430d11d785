"""Multi-head latent attention (MLA)."""

from __future__ import annotations

from gpu_sizer.model.builder import HEADS
from gpu_sizer.model.caches import LayerCache
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheTypes
    from gpu_sizer.model.constraints import NonNegativeInt, PositiveInt
    from gpu_sizer.model.tensor import Tensor

#: Bytes per token of the float8 latent cache of sparse attention: 512 values, 16 of scales, 64 rotary in bfloat16.
FLOAT8_SPARSE_LATENT_BYTES = 656


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention(Mixer):
    """Multi-head latent attention (MLA): one compressed latent is cached per token."""

    latent = True

    kind: Literal["latent_attention"] = "latent_attention"
    num_attention_heads: PositiveInt
    """Query heads."""
    num_key_value_heads: PositiveInt | None = None
    """Heads that keys and values are expanded to, where fewer than the query heads (Motif 3)."""
    noise_heads: NonNegativeInt = 0
    """Query heads whose output is subtracted from the others', and does not reach the output projection (Motif 3)."""
    q_lora_rank: PositiveInt | None = None
    """Rank of the query compression; null where queries are projected directly."""
    kv_lora_rank: PositiveInt
    """Width of the cached latent."""
    qk_nope_head_dim: PositiveInt
    """Width of the part of a head without rotary position."""
    qk_rope_head_dim: NonNegativeInt
    """Width of the rotary part, shared by all heads and cached beside the latent."""
    v_head_dim: PositiveInt
    """Width of a value head."""
    output_gate: bool = False
    """A gate of the output's width is projected from the input (Kimi K3)."""
    indexer: Indexer | None = None
    """Sparse attention's indexer (DeepSeek V3.2, GLM-5)."""
    sparse: bool = False
    """Uses sparse attention; without an indexer of its own the layer takes another's choice."""

    @property
    def heads(self) -> int:
        """Query heads; keys and values are of a latent that is not cut."""
        return self.num_attention_heads

    @property
    def rotary_width(self) -> int:
        """The part that all heads share."""
        return self.qk_rope_head_dim

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        heads, qk = self.num_attention_heads, self.qk_nope_head_dim + self.qk_rope_head_dim
        by_head = Split(0, heads, HEADS)
        if self.q_lora_rank:
            yield from b.linear("q_a_proj", self.q_lora_rank, hidden)
            yield b.plain("q_a_layernorm.weight", (self.q_lora_rank,), part="norms")
            yield from b.linear("q_b_proj", heads * qk, self.q_lora_rank, by_head)
        else:
            yield from b.linear("q_proj", heads * qk, hidden, by_head)
        yield from b.linear("kv_a_proj_with_mqa", self.kv_lora_rank + self.qk_rope_head_dim, hidden)
        yield b.plain("kv_a_layernorm.weight", (self.kv_lora_rank,), part="norms")
        kv, width = self.num_key_value_heads or heads, self.qk_nope_head_dim + self.v_head_dim
        yield from b.linear("kv_b_proj", kv * width, self.kv_lora_rank, Split(0, kv, HEADS))
        if kv < heads:
            # The engine copies keys and values for every query head (``motif.py`` of Motif's vLLM: load_weights).
            copies = b.plain("kv_b_proj.copies", ((heads - kv) * width, self.kv_lora_rank), Split(0, heads - kv, HEADS))
            yield replace(copies, is_parameter=False)
        reach = heads - self.noise_heads
        yield from b.linear("o_proj", hidden, reach * self.v_head_dim, Split(1, reach, HEADS))
        if self.output_gate:
            yield from b.linear("g_proj", heads * self.v_head_dim, hidden, by_head)
        if self.indexer:
            yield from self.indexer.tensors_beside_latent(hidden, self.q_lora_rank or hidden, b)

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """One latent for all heads, and what an indexer keeps."""
        sparse = self.sparse or self.indexer is not None
        values = self.kv_lora_rank + self.qk_rope_head_dim
        size = values * t.cache_bytes
        if sparse and t.cache_bytes == 1 and self.qk_rope_head_dim:
            # Without a rotary part the values are cached as they are (GLM-5.3 Flash, on data-center Blackwell).
            size = FLOAT8_SPARSE_LATENT_BYTES
        heads = ceil_div(self.num_attention_heads, tp)
        latent = LayerCache("full", size, latent=True, sparse=sparse, mixer="latent", heads=heads, values=values)
        if self.indexer is None:
            return [latent]
        waiting = [self.indexer.waiting_keys()] if self.indexer.pools else []
        return [self.indexer.keys(), latent, *waiting]

    def values(self, tp: int) -> int:
        """What it holds at work."""
        # queries; keys and values expanded for the prefill; output
        width = self.qk_nope_head_dim + self.qk_rope_head_dim + self.v_head_dim
        return ceil_div(self.num_attention_heads, tp) * 2 * width

    def absorbed_values(self, tp: int) -> int:
        """Up-projections of keys and values."""
        return ceil_div(self.num_attention_heads, tp) * (self.qk_nope_head_dim + self.v_head_dim) * self.kv_lora_rank

    def words(self) -> str:
        """The latent's parts."""
        return f"one latent of {self.kv_lora_rank} + {self.qk_rope_head_dim}, whole on every tensor-parallel rank"
