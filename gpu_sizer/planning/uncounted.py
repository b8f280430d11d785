"""Pairs of a model and a GPU that cannot be counted: every listing marks them, goes on, and says at its end which."""

from __future__ import annotations

from gpu_sizer.errors import UncountableError
from gpu_sizer.records import dataclass
from gpu_sizer.units import amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard

    R = TypeVar("R")

#: GPUs and models that a line names.
MOST_NAMES = 8


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


def uncounted_lines(found: Iterable[Uncounted]) -> Iterator[str]:
    """How many models cannot be counted, and a line for each reason with the models and GPUs that it is of."""
    pairs = dict.fromkeys(found)
    if not pairs:
        return
    models = {p.model for p in pairs}
    yield f"{amount(len(models), 'model')} cannot be counted:"
    for reason in dict.fromkeys(p.reason for p in pairs):
        same = [p for p in pairs if p.reason == reason]
        where = f"{_names(p.model for p in same)} on {_names(p.gpu for p in same)}"
        yield f"  {where}: {reason}"


def uncounted_text(found: Iterable[Uncounted]) -> str:
    """The same in one sentence; empty where everything was counted."""
    first, *rest = [line.strip() for line in uncounted_lines(found)] or [""]
    return f"{first} {'; '.join(rest)}." if rest else ""


def _names(names: Iterable[str]) -> str:
    """The first names of some, and how many more there are."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - MOST_NAMES} more" if len(unique) > MOST_NAMES else ""
    return ", ".join(unique[:MOST_NAMES]) + more
