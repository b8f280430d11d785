"""Slots of LoRA adapters: two thin matrices beside every linear layer, in each slot as wide as the highest rank.

What a rank holds of a layer is cut where the layer's inputs or outputs are; the other matrix of the two is whole.

- vLLM, 0.11 to 0.33: ``lora/layers`` (base_linear.py, row_parallel_linear.py, fused_moe.py,
  vocab_parallel_embedding.py, logits_processor.py). All linear layers of the stack have slots (lora/utils.py:
  get_supported_lora_modules), towers have none.
- SGLang, 0.5.23: ``srt/lora/mem_pool.py`` (get_lora_A_shape, get_lora_B_shape and those of embeddings), with
  ``--lora-target-modules all``; what adapters leave out is saved without it.

TGI has no slots: it loads the adapters that it is told, and counts them by itself.
"""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.memory.weights import MATRIX
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpu_sizer.model.tensor import Tensor

#: More slots, and a higher rank, than any server has.
MOST_SLOTS = 4096
MOST_RANK = 4096
#: Adapters are in the type of the activations.
ADAPTER_BYTES = 2


@dataclass(frozen=True, slots=True)
class Adapters:
    """Slots and the highest rank of what stands in them."""

    slots: int
    rank: int
    experts: bool = True
    """Whether experts have slots, too."""

    def bytes_of(self, tensors: Iterable[Tensor], tp: int, expert_ranks: int) -> int:
        """Bytes of the slots beside these tensors on one rank."""
        return self.slots * self.rank * ADAPTER_BYTES * sum([self._widths(t, tp, expert_ranks) for t in tensors])

    def _widths(self, t: Tensor, tp: int, expert_ranks: int) -> int:
        """Inputs of the one matrix and outputs of the other, for all copies of a linear layer."""
        if len(t.shape) != MATRIX or not (t.is_linear or t.is_vocabulary) or t.part == "router":
            return 0
        if t.is_vocabulary:
            # Neither is cut.
            return sum(t.shape)
        if t.is_expert and not self.experts:
            return 0
        spread = t.is_expert and expert_ranks > 1
        shape = t.shape if spread else t.local_shape(tp)
        copies = ceil_div(t.copies, expert_ranks) if t.is_expert else t.copies
        return sum(shape) * copies


def adapters_of(
    asked: str | None, *, experts: bool = True, title: str = "the engine", ranks: tuple[int, ...] = ()
) -> Adapters | None:
    """The setting read; null where no adapters are served.

    Args:
        asked: slots and rank, as 4x16.
        experts: whether the version has slots for experts.
        title: the engine's name.
        ranks: those that it has; all where empty.

    Raises:
        RequestError: a text that is none, or a rank that the engine does not have.
    """
    if asked is None:
        return None
    slots, times, rank = asked.partition("x")
    if not (times and slots.isascii() and slots.isdecimal() and rank.isascii() and rank.isdecimal()):
        raise RequestError(f"lora {asked[:40]!r}: must be slots and rank, as in 4x16")
    if len(slots) > len(str(MOST_SLOTS)) or not 1 <= int(slots) <= MOST_SLOTS:
        raise RequestError(f"lora: slots must be from 1 to {MOST_SLOTS:,}, not {slots[:12]}")
    known = len(rank) <= len(str(MOST_RANK)) and int(rank) in (ranks or range(1, MOST_RANK + 1))
    if not known:
        those = ", ".join(map(str, ranks)) if ranks else f"1 to {MOST_RANK:,}"
        raise RequestError(f"lora: {title} has the ranks {those}, not {rank[:12]}")
    return Adapters(int(slots), int(rank), experts)
