"""Makes the tensors of a module. Names and shapes are those of Hugging Face checkpoints, output dimension first.

How each is cut follows vLLM's layers (``model_executor/layers/linear.py`` and the model classes): query-side tensors
by heads, key/value heads replicated beyond their number, down-projections of latent attention whole on every rank.
"""

from __future__ import annotations

from gpu_sizer.model.tensor import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.model.tensor import Split

#: What the pieces of a cut are called in messages.
HEADS = "attention heads"
KV_HEADS = "key/value heads"


class Builder:
    """Makes the tensors of one module: a name prefix, a part, and the model's storage type."""

    def __init__(self, prefix: str, part: str, fmt: str, norm: str) -> None:
        self.prefix, self.part, self.fmt, self.norm_kind = prefix, part, fmt, norm

    def linear(
        self, name: str, out: int, inp: int, split: Split | None = None, *, bias: bool = False
    ) -> Iterator[Tensor]:
        """A linear layer's weight and bias. A bias is cut with the outputs, and whole where inputs are cut."""
        yield Tensor(f"{self.prefix}{name}.weight", (out, inp), self.part, self.fmt, split, is_linear=True)
        if bias:
            cut = split if split is not None and split.dim == 0 else None
            yield Tensor(f"{self.prefix}{name}.bias", (out,), self.part, self.fmt, cut)

    def plain(self, name: str, shape: tuple[int, ...], split: Split | None = None, **more: Any) -> Tensor:
        """A tensor that is no linear weight."""
        fmt = more.pop("fmt", self.fmt)
        return Tensor(self.prefix + name, shape, more.pop("part", self.part), fmt, split, **more)

    def norm(self, name: str, size: int, split: Split | None = None, *, kind: str | None = None) -> Iterator[Tensor]:
        """A norm of the model's kind, or of another."""
        kind = kind or self.norm_kind
        if kind == "none":
            return
        yield self.plain(f"{name}.weight", (size,), split, part="norms")
        if kind == "layer":
            yield self.plain(f"{name}.bias", (size,), split, part="norms")
