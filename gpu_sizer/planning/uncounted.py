"""Pairs of a model and a GPU that cannot be counted: every listing marks them, goes on, and says at its end which."""

from __future__ import annotations

from gpu_sizer.errors import UncountableError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard

    R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A model on a kind of GPU, by their ids, and why what it takes is not known."""

    model: str
    gpu: str
    reason: str

    def model_dump(self) -> dict[str, str]:
        """The JSON object."""
        return {"model": self.model, "gpu": self.gpu, "reason": self.reason}


def counted(card: ModelCard, gpu: GpuSpec, work: Callable[[], R]) -> R | Uncounted:
    """What some work on a pair gives, or that the pair cannot be counted."""
    try:
        return work()
    except UncountableError as error:
        return Uncounted(card.id, gpu.id, str(error))
