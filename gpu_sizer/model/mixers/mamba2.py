"""Mamba, second generation."""

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
class Mamba2(Mixer):
    """Selective state space, second generation (Nemotron-H, Granite 4, Falcon-H1)."""

    prefix = "mixer."

    kind: Literal["mamba2"] = "mamba2"
    num_heads: PositiveInt
    """State-space heads."""
    head_dim: PositiveInt
    """Width of a head; num_heads x head_dim is the inner width."""
    state_size: PositiveInt
    """State values per channel."""
    n_groups: PositiveInt
    """Groups that share B and C."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    conv_bias: bool = True
    projection_bias: bool = False
    gated_norm: bool = True
    """A norm of the inner width before the output projection."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of the recurrent state in the cache; auto is the model's own."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        inner, group_width = self.num_heads * self.head_dim, self.n_groups * self.state_size
        heads, groups = (
            Split(0, self.num_heads, "state-space heads"),
            Split(0, self.n_groups, "state-space groups", replicate=True),
        )
        # in_proj and conv1d are one tensor in the checkpoint; their pieces are cut by different rules.
        for piece, width, split in (
            ("gate", inner, heads),
            ("x", inner, heads),
            ("B", group_width, groups),
            ("C", group_width, groups),
            ("dt", self.num_heads, heads),
        ):
            yield from b.linear(f"in_proj.{piece}", width, hidden, split, bias=self.projection_bias)
        for piece, width, split in (("x", inner, heads), ("B", group_width, groups), ("C", group_width, groups)):
            yield b.plain(f"conv1d.{piece}.weight", (width, 1, self.conv_kernel), split)
            if self.conv_bias:
                yield b.plain(f"conv1d.{piece}.bias", (width,), split)
        yield b.plain("A_log", (self.num_heads,), heads, fmt="float32")
        yield b.plain("D", (self.num_heads,), heads)
        yield b.plain("dt_bias", (self.num_heads,), heads)
        if self.gated_norm:
            yield b.plain("norm.weight", (inner,), heads)
        yield from b.linear(
            "out_proj", hidden, inner, Split(1, self.num_heads, "state-space heads"), bias=self.projection_bias
        )

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        groups = self.n_groups if self.n_groups % tp == 0 else tp
        conv = (
            (self.num_heads * self.head_dim + 2 * groups * self.state_size) // tp * (self.conv_kernel - 1 + t.drafted)
        )
        recurrent = self.num_heads // tp * self.head_dim * self.state_size
        return [state(conv * t.conv_bytes + recurrent * t.state_bytes(self.state_dtype), self.kind)]

    def values(self, tp: int) -> int:
        """What it holds at work."""
        return (4 * self.num_heads * self.head_dim + 2 * self.n_groups * self.state_size) // tp
