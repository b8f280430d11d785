"""Mamba, first generation."""

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
class Mamba1(Mixer):
    """Selective state space, first generation (Jamba)."""

    prefix = "mamba."

    kind: Literal["mamba1"] = "mamba1"
    intermediate_size: PositiveInt
    """Inner width (expand x hidden_size)."""
    state_size: PositiveInt
    """State values per inner channel."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    time_step_rank: PositiveInt
    """Rank of the time-step projection."""
    conv_bias: bool = True
    projection_bias: bool = False
    inner_norms: bool = False
    """Norms on dt, B and C (Jamba)."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        inner, rank = self.intermediate_size, self.time_step_rank
        rows, columns = Split(0, inner, "inner channels"), Split(1, inner, "inner channels")
        yield from b.linear("in_proj", 2 * inner, hidden, rows, bias=self.projection_bias)
        yield b.plain("conv1d.weight", (inner, 1, self.conv_kernel), rows)
        if self.conv_bias:
            yield b.plain("conv1d.bias", (inner,), rows)
        yield from b.linear("x_proj", rank + 2 * self.state_size, inner, columns)
        yield from b.linear("dt_proj", inner, rank, rows, bias=True)
        yield b.plain("A_log", (inner, self.state_size), rows, fmt="float32")
        yield b.plain("D", (inner,), rows)
        yield from b.linear("out_proj", hidden, inner, columns, bias=self.projection_bias)
        if self.inner_norms:
            yield b.plain("dt_layernorm.weight", (rank,), part="norms")
            yield b.plain("b_layernorm.weight", (self.state_size,), part="norms")
            yield b.plain("c_layernorm.weight", (self.state_size,), part="norms")

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        inner = self.intermediate_size // tp
        conv, state_size = inner * (self.conv_kernel - 1), inner * self.state_size
        return [state(conv * t.conv_bytes + state_size * t.state_bytes("auto"), self.kind)]
