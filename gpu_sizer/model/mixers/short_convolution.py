"""LFM2's gated convolution."""

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
class ShortConvolution(Mixer):
    """A gated convolution over a few tokens (LFM2): it keeps the tokens that it still needs, and no other state."""

    prefix = "conv."

    kind: Literal["short_convolution"] = "short_convolution"
    width: PositiveInt
    """Channels of the convolution (conv_dim)."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution (conv_L_cache)."""
    bias: bool = False
    """Biases on the convolution and both projections."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        rows, columns = Split(0, self.width, "channels"), Split(1, self.width, "channels")
        # Two gates and the value, which the engine cuts one by one.
        yield from b.linear("in_proj", 3 * self.width, hidden, rows, bias=self.bias)
        yield b.plain("conv.weight", (self.width, 1, self.conv_kernel), rows)
        if self.bias:
            yield b.plain("conv.bias", (self.width,), rows)
        yield from b.linear("out_proj", hidden, self.width, columns, bias=self.bias)

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        return [state(self.width // tp * (self.conv_kernel - 1 + t.drafted) * t.conv_bytes, self.kind)]

    def values(self, tp: int) -> int:
        """What it holds at work."""
        # two gates and the value, their product, and the convolution's output
        return 5 * self.width // tp
