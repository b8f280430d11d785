"""DeepSeek-V4's attention."""

from __future__ import annotations

from gpu_sizer.model.builder import HEADS
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheTypes, LayerCache
    from gpu_sizer.model.constraints import NonNegativeInt, PositiveInt
    from gpu_sizer.model.tensor import Tensor

#: Layers that compress this many tokens to one state have an indexer, others (128, none) have not.
INDEXED_RATIO = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedAttention(Mixer):
    """DeepSeek-V4's attention: a short window beside compressed states of the whole context."""

    compressed = True

    kind: Literal["compressed_attention"] = "compressed_attention"
    num_attention_heads: PositiveInt
    head_dim: PositiveInt
    qk_rope_head_dim: PositiveInt
    q_lora_rank: PositiveInt
    o_lora_rank: PositiveInt
    o_groups: PositiveInt
    sliding_window: PositiveInt
    compress_ratio: NonNegativeInt
    """Tokens per compressed state: 0 for none, 4 with an indexer, 128 without; 1 or 2 in DeepSeek-V4.1."""
    index_n_heads: PositiveInt
    index_head_dim: PositiveInt
    shares_states: Literal["maker", "picker", "reader"] | None = None
    """DeepSeek-V4.1, where a layer makes compressed states and index keys for the layers after it (maker), picks among
    another's by queries of its own (picker), or does neither (reader); null where each layer has its own."""

    @property
    def index_width(self) -> int:
        """Width of its index keys; 0 for a layer that does not pick."""
        picks = (
            self.shares_states in ("maker", "picker") if self.shares_states else self.compress_ratio == INDEXED_RATIO
        )
        return self.index_head_dim if picks else 0

    @property
    def tokens_per_key(self) -> int:
        """Tokens of a state, whose index key is one; 0 without states."""
        return self.compress_ratio

    @property
    def reads_states(self) -> bool:
        """Whether another layer makes its states."""
        return bool(self.compress_ratio) and self.shares_states not in (None, "maker")

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        heads, dim, groups = self.num_attention_heads, self.head_dim, self.o_groups
        by_group = "output groups"
        yield b.plain("attn_sink", (heads,), fmt="float32")
        yield from b.linear("wq_a", self.q_lora_rank, hidden)
        yield from b.linear("wkv", dim, hidden)
        yield b.plain("q_norm.weight", (self.q_lora_rank,), part="norms")
        yield from b.linear("wq_b", heads * dim, self.q_lora_rank, Split(0, heads, HEADS))
        yield b.plain("kv_norm.weight", (dim,), part="norms")
        yield from b.linear("wo_a", groups * self.o_lora_rank, heads * dim // groups, Split(0, groups, by_group))
        yield from b.linear("wo_b", hidden, groups * self.o_lora_rank, Split(1, groups, by_group))
        if self.shares_states:
            yield from self._shared_states(hidden, b)
        elif self.compress_ratio:
            overlap = self.compress_ratio == INDEXED_RATIO
            yield from _compressor("compressor.", self.compress_ratio, dim, hidden, b, overlap=overlap)
        if self.compress_ratio == INDEXED_RATIO and not self.shares_states:
            yield from b.linear("indexer.wq_b", self.index_n_heads * self.index_head_dim, self.q_lora_rank)
            yield b.plain("indexer.weights_proj.weight", (self.index_n_heads, hidden))
            yield from _compressor("indexer.compressor.", INDEXED_RATIO, self.index_head_dim, hidden, b, overlap=True)

    def _shared_states(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        # DeepSeek-V4.1 (vLLM models/deepseek_v41/attention.py, compressor.py): no positions, no overlap, a gate where
        # there are several tokens to weigh; index keys come from the compressed states.
        if self.shares_states == "maker":
            gates = 2 if self.compress_ratio > 1 else 1
            yield b.plain("compressor.wkv_wgate.weight", (self.head_dim * gates, hidden))
            yield b.plain("compressor.norm.weight", (self.head_dim,), part="norms")
            yield b.plain("indexer.wk.weight", (self.index_head_dim, self.head_dim))
            yield b.plain("indexer.k_norm.weight", (self.index_head_dim,), part="norms")
        if self.shares_states in ("maker", "picker"):
            yield from b.linear("indexer.wq_b", self.index_n_heads * self.index_head_dim, self.q_lora_rank)
            yield b.plain("indexer.weights_proj.weight", (self.index_n_heads, hidden))

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Not told here: engines allocate windows and states in a format of their own."""
        raise NotImplementedError("engines allocate compressed attention in a format of their own")

    def values(self, tp: int) -> int:
        """What it holds at work."""
        return ceil_div(self.num_attention_heads, tp) * self.head_dim * 3

    def words(self) -> str:
        """Its window, and the tokens of a state."""
        window = f"a window of {self.sliding_window}"
        if not self.shares_states:
            return f"{window} and states of {self.compress_ratio or 'no'} tokens each"
        if not self.compress_ratio:
            return window
        kept = "which later layers read" if self.shares_states == "maker" else "which an earlier layer keeps"
        return (
            f"{window} and states of {self.compress_ratio} token{'s' if self.compress_ratio > 1 else ''} each, {kept}"
        )


def _compressor(name: str, ratio: int, dim: int, hidden: int, b: Builder, *, overlap: bool) -> Iterator[Tensor]:
    # With overlap neighbouring windows share tokens: keys and gates are computed twice as wide.
    width = dim * (2 if overlap else 1)
    yield b.plain(f"{name}ape", (ratio, width), fmt="float32")
    yield b.plain(f"{name}wkv_wgate.weight", (2 * width, hidden))
    yield b.plain(f"{name}norm.weight", (dim,), part="norms")
