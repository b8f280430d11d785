"""What fills one GPU, and whether that fits."""

from __future__ import annotations

from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Verdict = Literal["fits", "tight", "does_not_fit"]


@dataclass(frozen=True, slots=True)
class RankMemory:
    """Bytes on one GPU: what it has, what it may use, and what uses it."""

    capacity_bytes: int
    budget_bytes: int
    weights_bytes: int
    kv_cache_bytes: int
    activation_bytes: int
    overhead_bytes: int
    loading_bytes: int = 0
    """The part of the overhead that loading allocates beside the weights themselves."""

    @property
    def loaded_bytes(self) -> int:
        """What an engine prints as the size of the loaded model."""
        return self.weights_bytes + self.loading_bytes

    @property
    def needed_bytes(self) -> int:
        """Everything that must stand inside the budget."""
        return self.weights_bytes + self.kv_cache_bytes + self.activation_bytes + self.overhead_bytes

    @property
    def free_bytes(self) -> int:
        """What is left of the budget; negative where it does not suffice."""
        return self.budget_bytes - self.needed_bytes

    @property
    def available_kv_bytes(self) -> int:
        """What the budget leaves for the cache."""
        return self.free_bytes + self.kv_cache_bytes

    def model_dump(self) -> dict[str, int]:
        """The ``per_gpu`` object of a plan."""
        return {
            "capacity_bytes": self.capacity_bytes,
            "budget_bytes": self.budget_bytes,
            "weights_bytes": self.weights_bytes,
            "kv_cache_bytes": self.kv_cache_bytes,
            "activation_bytes": self.activation_bytes,
            "overhead_bytes": self.overhead_bytes,
            "free_bytes": self.free_bytes,
        }


@dataclass(frozen=True, slots=True)
class LayoutMemory:
    """One layout of one model on one kind of GPU under one load.

    ``verdict`` is tight where free memory of zero lies within the estimate's own error, on either side.
    ``per_gpu`` is the fullest GPU, ``stages`` one GPU of each pipeline stage; ``band_bytes`` the estimate's own
    error on the free memory. A refused layout has no memory: ``per_gpu`` is null and ``reason`` the rule.
    """

    layout: Layout
    verdict: Verdict
    reason: str | None
    per_gpu: RankMemory | None
    stages: tuple[RankMemory, ...]
    kv_cache_tokens: int
    max_concurrent_requests: float
    band_bytes: int
    refused: bool = False
    blocks: int = 0
    """Blocks of the engine's pool that the budget leaves."""
    printed_tokens: int = 0
    """The cache size as the engine prints it at start-up; for caches of several kinds that is not the capacity."""
    allocated_kv_bytes: int | None = None
    """What the fullest GPU's cache takes where the engine allocates what is asked for, not all that is left."""
    state_bytes: int = 0
    """The part of the fullest GPU's cache that is states, which some engines print apart."""
    layer_split: tuple[int, ...] = ()
    """Layers on each GPU where the engine lets them be chosen."""
    host_bytes: int = 0
    """What the machines hold, in all, of weights and caches that were asked to stay off the GPUs."""

    @property
    def within_budget(self) -> bool:
        """Whether every GPU holds its share, as in a plan; a tight layout may be short by less than the band."""
        return self.verdict != "does_not_fit" and self.per_gpu is not None and self.per_gpu.free_bytes >= 0


def refused(layout: Layout, reason: str) -> LayoutMemory:
    """The answer to a layout that is out of the question: an engine's rule forbids it, or there are too few GPUs."""
    return LayoutMemory(layout, "does_not_fit", reason, None, (), 0, 0.0, 0, refused=True)
