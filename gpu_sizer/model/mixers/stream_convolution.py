"""Qwen4's convolution over the streams of the residual."""

from __future__ import annotations

from gpu_sizer.model.caches import state
from gpu_sizer.model.mixer import Mixer
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
class StreamConvolution(Mixer):
    """A causal convolution over all streams of the residual beside a layer's mixer, whole on every rank (Qwen4)."""

    prefix = "ple."

    kind: Literal["stream_convolution"] = "stream_convolution"
    width: PositiveInt
    """Channels: the width of all streams."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    dilation: PositiveInt = 1
    """Tokens from one tap to the next; the last (conv_kernel - 1) x dilation inputs of a request are kept."""

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """Its tensors."""
        yield b.plain("conv1d.weight", (self.width, 1, self.conv_kernel))

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """Its state."""
        size = self.width * (self.conv_kernel - 1) * self.dilation * t.conv_bytes
        # Its prefill leaves checkpoints where the delta rule's does (vLLM qwen4_exp/nvidia/ple_layer.py).
        return [state(size, "gated_delta_net", whole=True)]
