"""What every kind of feed-forward answers: its tensors, and how wide it is at work.

A kind is one module of :mod:`gpu_sizer.model.feed_forwards`. What a kind lacks is zero, so that engines ask for it
without asking for the class.
"""

from __future__ import annotations

from gpu_sizer.model.tensor import Split, Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class FeedForward:
    """A feed-forward."""

    __slots__ = ()

    kind: str
    """As in a card; the name of the kind's module."""
    gated = True
    num_experts = 0
    """Routed experts; 0 where there are none."""
    num_experts_per_tok = 0
    num_shared_experts = 0
    moe_intermediate_size = 0
    latent_size: int | None = None

    @property
    def dense_width(self) -> int:
        """Inner width of what every token passes through: of a dense layer, or of all shared experts together."""
        raise NotImplementedError

    def tensors(self, hidden: int, fmt: str) -> Iterator[Tensor]:
        """The tensors of one layer.

        Args:
            hidden: width of the residual stream.
            fmt: the model's storage type.
        """
        raise NotImplementedError


def projections(
    prefix: str, part: str, hidden: int, width: int, gated: bool, bias: bool, fmt: str, what: str
) -> Iterator[Tensor]:
    """Gate (where there is one), up and down projections of one inner width; ``what`` is cut over ranks."""
    for name in ("gate_proj", "up_proj") if gated else ("up_proj",):
        yield Tensor(f"{prefix}{name}.weight", (width, hidden), part, fmt, Split(0, width, what), is_linear=True)
        if bias:
            yield Tensor(f"{prefix}{name}.bias", (width,), part, fmt, Split(0, width, what))
    yield Tensor(f"{prefix}down_proj.weight", (hidden, width), part, fmt, Split(1, width, what), is_linear=True)
    if bias:
        yield Tensor(f"{prefix}down_proj.bias", (hidden,), part, fmt)
