"""The gated delta rule."""

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
class GatedDeltaNet(Mixer):
    """Gated delta rule (Qwen3-Next, Qwen3.5): a matrix state per value head."""

    prefix = "linear_attn."

    kind: Literal["gated_delta_net"] = "gated_delta_net"
    num_k_heads: PositiveInt
    num_v_heads: PositiveInt
    head_k_dim: PositiveInt
    head_v_dim: PositiveInt
    conv_kernel: PositiveInt
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of the recurrent state in the cache; auto is the model's own."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        key, value = self.num_k_heads * self.head_k_dim, self.num_v_heads * self.head_v_dim
        k_split, v_split = (
            Split(0, self.num_k_heads, "linear key heads"),
            Split(0, self.num_v_heads, "linear value heads"),
        )
        for piece, width, split in (("q", key, k_split), ("k", key, k_split), ("v", value, v_split)):
            yield from b.linear(f"in_proj_qkv.{piece}", width, hidden, split)
        yield from b.linear("in_proj_z", value, hidden, v_split)
        yield from b.linear("in_proj_b", self.num_v_heads, hidden, v_split)
        yield from b.linear("in_proj_a", self.num_v_heads, hidden, v_split)
        for piece, width, split in (("q", key, k_split), ("k", key, k_split), ("v", value, v_split)):
            yield b.plain(f"conv1d.{piece}.weight", (width, 1, self.conv_kernel), split)
        yield b.plain("A_log", (self.num_v_heads,), v_split, fmt="float32")
        yield b.plain("dt_bias", (self.num_v_heads,), v_split)
        yield b.plain("norm.weight", (self.head_v_dim,))
        yield from b.linear("out_proj", hidden, value, Split(1, self.num_v_heads, "linear value heads"))

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        conv = (2 * self.num_k_heads * self.head_k_dim + self.num_v_heads * self.head_v_dim) // tp
        recurrent = self.num_v_heads // tp * self.head_v_dim * self.head_k_dim
        size = conv * (self.conv_kernel - 1 + t.drafted) * t.conv_bytes + recurrent * t.state_bytes(self.state_dtype)
        return [state(size, self.kind)]

    def values(self, tp: int) -> int:
        """What it holds at work."""
        return (2 * self.num_k_heads * self.head_k_dim + 4 * self.num_v_heads * self.head_v_dim) // tp
