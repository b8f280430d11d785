"""What drafts tokens ahead beside a model under TensorRT-LLM: prediction layers, EAGLE-3's heads, or another model.

Their weights are loaded before memory is profiled, and the pool of tokens is divided by what the model's layers and
the draft's keep together (``_torch/pyexecutor/_util.py: _get_kv_size_per_token``). EAGLE-3's states have a buffer as
long as a batch (``_torch/speculative/eagle3.py: Eagle3OneModelSpecMetadata``), prediction layers one of each request's
(``mtp.py: MTPHiddenStatesManager``).
"""

from __future__ import annotations

from gpu_sizer.engines.drafting import drafts_of
from gpu_sizer.engines.held_drafter import HeldDrafter
from gpu_sizer.engines.speculation import NoDrafterError, speculation
from gpu_sizer.memory.activations import ACTIVATION_BYTES, forward_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.load import Settings
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.memory.weights import WeightRules
    from gpu_sizer.model.inventory import Inventory


class Drafter(HeldDrafter):
    """What drafts for a model, as TensorRT-LLM holds it."""

    def buffer_bytes(self, model: ModelCard, s: Settings) -> int:
        """The states that it reads, which have buffers of their own."""
        kept = s.max_num_seqs * self.drafts.tokens if self.drafts.own else self.drafts.states * s.max_num_batched_tokens
        return kept * model.architecture.hidden_size * ACTIVATION_BYTES

    def peak(self, layout: Layout, tokens: int, forward: int) -> int:
        """The peak of a batch that it reads after the model, with the states that it joins."""
        joined = self.drafts.states * tokens * self.card.architecture.hidden_size * ACTIVATION_BYTES
        return max(forward, joined + forward_bytes(self.card.architecture, layout, tokens))

    def more_tokens(self) -> int:
        """Tokens of a request beside its context: those to verify, and those that are drafted meanwhile."""
        return 2 * self.drafts.tokens


def drafter_of(
    card: ModelCard, inventory: Inventory, asked: str, rules: WeightRules, known: Mapping[str, Any]
) -> Drafter | None:
    """What drafts for a model.

    Raises:
        NoDrafterError: no such drafter, or one that TensorRT-LLM has not.
        UnknownModelError: a draft model without a card.
    """
    wanted = speculation(asked)
    if wanted is None:
        return None
    drafts = drafts_of(card, inventory, wanted, "TensorRT-LLM")
    if drafts.own and card.engine_class not in known["own"]:
        raise NoDrafterError(f"TensorRT-LLM has no prediction layers of {card.engine_class} that are known here")
    if drafts.method is not None and drafts.card.engine_class not in known["classes"]:
        name, kind = drafts.card.name, drafts.card.engine_class
        raise NoDrafterError(f"what {name}, of the class {kind}, takes under TensorRT-LLM is not known here")
    return Drafter(drafts, card.architecture.hidden_size, rules)
