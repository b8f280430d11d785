"""Tensor lists of checkpoints, read from headers alone: names, types, shapes and bytes, never the weights."""

from __future__ import annotations

from collections import Counter
from math import prod

from gpu_sizer.records import dataclass


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as a checkpoint stores it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int

    @property
    def elements(self) -> int:
        """Values it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Every tensor of a checkpoint, by name."""

    tensors: dict[str, StoredTensor]
    files: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(t.size for t in self.tensors.values())

    @property
    def total_elements(self) -> int:
        """Values of all tensors."""
        return sum(t.elements for t in self.tensors.values())

    def bytes_by_dtype(self) -> dict[str, int]:
        """Bytes of each storage type, most first."""
        sizes: Counter[str] = Counter()
        for t in self.tensors.values():
            sizes[t.dtype] += t.size
        return dict(sizes.most_common())
