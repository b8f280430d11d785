"""Lightning / linear attention."""

from __future__ import annotations

from gpu_sizer.model.builder import HEADS
from gpu_sizer.model.caches import state
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheTypes, LayerCache
    from gpu_sizer.model.constraints import PositiveInt
    from gpu_sizer.model.tensor import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAttention(Mixer):
    """Lightning / linear attention (MiniMax-Text-01): a matrix state per head, no convolution."""

    kind: Literal["linear_attention"] = "linear_attention"
    num_attention_heads: PositiveInt
    head_dim: PositiveInt
    qk_norm: bool = False
    """Norms of head_dim on queries and keys (Ling 2.5)."""
    norm_groups: PositiveInt | None = None
    """Groups of the output's norm, which no cut divides (Ling 2.5); null is a norm that is cut with the heads."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """auto is the model's own type (vLLM ``mamba_utils.py: linear_attention_state_dtype``)."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        heads, width = self.num_attention_heads, self.num_attention_heads * self.head_dim
        by_head = Split(0, heads, HEADS)
        yield from b.linear("qkv_proj", 3 * width, hidden, by_head)
        yield from b.linear("output_gate", width, hidden, by_head)
        yield from b.linear("out_proj", hidden, width, Split(1, heads, HEADS))
        if self.qk_norm:
            yield b.plain("query_layernorm.weight", (self.head_dim,), part="norms")
            yield b.plain("key_layernorm.weight", (self.head_dim,), part="norms")
        yield b.plain(
            "norm.weight", (width,), Split(0, self.norm_groups, "norm groups") if self.norm_groups else by_head
        )

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        size = self.num_attention_heads // tp * self.head_dim * self.head_dim
        return [state(size * t.state_bytes(self.state_dtype), self.kind)]
