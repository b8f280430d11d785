"""One tensor of a model's inventory: its shape, storage, and how parallel ranks share it."""

from __future__ import annotations

from math import prod

from gpu_sizer.records import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """How tensor parallelism cuts a tensor.

    ``units`` are the indivisible pieces along ``dim``: attention heads, expert columns, single rows.
    With ``replicate``, ranks beyond the number of units share a unit (key/value heads).
    """

    dim: int
    units: int
    what: str
    replicate: bool = False

    def units_on_rank(self, tensor_parallel_size: int) -> int:
        """Units on one rank; 0 where this size is refused."""
        if self.units % tensor_parallel_size == 0:
            return self.units // tensor_parallel_size
        if self.replicate and tensor_parallel_size % self.units == 0:
            return 1
        return 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor, or ``copies`` of it (one per expert)."""

    name: str
    shape: tuple[int, ...]
    part: str
    fmt: str
    split: Split | None = None
    copies: int = 1
    active_copies: int = 1
    is_expert: bool = False
    is_parameter: bool = True
    is_linear: bool = False
    is_vocabulary: bool = False
    on_host: bool = False
    """In the machine's memory, on no GPU."""

    @property
    def parameters(self) -> int:
        """Values in all copies; 0 for a buffer."""
        return prod(self.shape) * self.copies if self.is_parameter else 0

    @property
    def active_parameters(self) -> int:
        """Values that one token uses."""
        return prod(self.shape) * self.active_copies if self.is_parameter else 0

    def local_shape(self, tensor_parallel_size: int) -> tuple[int, ...]:
        """Shape of one copy on one rank; the caller has checked that the size is accepted."""
        if self.split is None or tensor_parallel_size == 1:
            return self.shape
        dim, units = self.split.dim, self.split.units
        local = self.shape[dim] // units * self.split.units_on_rank(tensor_parallel_size)
        return (*self.shape[:dim], local, *self.shape[dim + 1 :])
