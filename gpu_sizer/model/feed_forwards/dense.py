"""A dense feed-forward."""

from __future__ import annotations

from gpu_sizer.model.feed_forward import FeedForward, projections
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.constraints import PositiveInt
    from gpu_sizer.model.tensor import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense(FeedForward):
    """A dense feed-forward (MLP)."""

    kind: Literal["dense"] = "dense"
    intermediate_size: PositiveInt
    """Inner width."""
    gated: bool = True
    """Gate, up and down projections (SwiGLU and its kin); otherwise up and down only."""
    bias: bool = False
    """Biases on its projections."""

    @property
    def dense_width(self) -> int:
        """Its inner width."""
        return self.intermediate_size

    def tensors(self, hidden: int, fmt: str) -> Iterator[Tensor]:
        """Its projections."""
        what = "feed-forward width"
        return projections("mlp.", "mlp", hidden, self.intermediate_size, self.gated, self.bias, fmt, what)
