"""Kimi's delta attention."""

from __future__ import annotations

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
class KimiDeltaAttention(Mixer):
    """Kimi's delta attention (KDA): gated delta rule with a gate per channel."""

    kind: Literal["kimi_delta_attention"] = "kimi_delta_attention"
    num_heads: PositiveInt
    head_dim: PositiveInt
    conv_kernel: PositiveInt
    output_gate: Literal["low_rank", "full"] = "low_rank"
    """How the output gate is projected: through a rank of head_dim, or at full width."""
    decay_gate: Literal["low_rank", "full"] = "low_rank"
    """How the gate of the decay is projected: likewise (Ling 3 has it at full width)."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "float32"

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        heads, dim = self.num_heads, self.head_dim
        width, by_head = heads * dim, Split(0, heads, "delta heads")
        for piece in ("q", "k", "v"):
            yield from b.linear(f"{piece}_proj", width, hidden, by_head)
            yield b.plain(f"{piece}_conv1d.weight", (width, 1, self.conv_kernel), by_head, fmt="float32")
        if self.decay_gate == "full":
            yield from b.linear("f_proj", width, hidden, by_head)
        else:
            yield from b.linear("f_a_proj", dim, hidden)
            yield from b.linear("f_b_proj", width, dim, by_head)
        yield from b.linear("b_proj", heads, hidden, by_head)
        if self.output_gate == "full":
            yield from b.linear("g_proj", width, hidden, by_head)
        else:
            yield from b.linear("g_a_proj", dim, hidden)
            yield from b.linear("g_b_proj", width, dim, by_head)
        yield b.plain("A_log", (heads,), by_head, fmt="float32")
        yield b.plain("dt_bias", (width,), by_head, fmt="float32")
        yield b.plain("o_norm.weight", (dim,))
        yield from b.linear("o_proj", hidden, width, Split(1, heads, "delta heads"))

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        conv = 3 * self.num_heads * self.head_dim // tp * (self.conv_kernel - 1 + t.drafted)
        recurrent = self.num_heads // tp * self.head_dim * self.head_dim
        return [state(conv * t.conv_bytes + recurrent * t.state_bytes(self.state_dtype), self.kind)]
