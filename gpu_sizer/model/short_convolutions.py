"""The short convolutions inside a layer of attention (Inkling): facts, tensors and state."""

from __future__ import annotations

from gpu_sizer.model.caches import SHORT_CONVOLUTIONS, state
from gpu_sizer.model.tensor import Split, Tensor
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheTypes, LayerCache
    from gpu_sizer.model.constraints import PositiveInt


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortConvolutions:
    """Four short convolutions of a layer: on keys, values, the attention's output and the feed-forward's (Inkling)."""

    conv_kernel: PositiveInt
    """Taps of each; the last conv_kernel - 1 inputs of a request are kept."""
    hidden_size: PositiveInt
    """Channels of the two on outputs: the width of the residual stream."""

    def tensors(self, kv_heads: int, head_dim: int, v_head_dim: int, b: Builder) -> Iterator[Tensor]:
        """Beside so many key/value heads of these widths."""
        # No rank shares a key/value head with another here (vLLM models/inkling/nvidia/sconv_swa_attn.py).
        by_head = Split(0, kv_heads, "key/value heads of short convolutions")
        yield b.plain("k_sconv.weight", (kv_heads * head_dim, 1, self.conv_kernel), by_head)
        yield b.plain("v_sconv.weight", (kv_heads * v_head_dim, 1, self.conv_kernel), by_head)
        channels = Split(0, self.hidden_size, "channels of short convolutions")
        for name in ("attn_sconv", "mlp_sconv"):
            yield Tensor(f"{name}.weight", (self.hidden_size, 1, self.conv_kernel), b.part, b.fmt, channels)

    def cache(self, kv_values: int, tp: int, t: CacheTypes) -> LayerCache:
        """The state beside so many values of keys and values on a rank."""
        channels = kv_values + 2 * (self.hidden_size // tp)
        return state((self.conv_kernel - 1) * channels * t.conv_bytes, SHORT_CONVOLUTIONS)
