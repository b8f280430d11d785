"""What drafts tokens ahead beside a model under SGLang, and what its pools set aside for it (0.5.16 to 0.5.23).

The drafter's weights are loaded before the pools are made. EAGLE's heads and prediction layers take the model's
embedding and head, EAGLE-3's its embedding (``speculative/eagle_worker_v2.py: init_lm_head``); a draft model has its
own (``standalone_worker_v2.py``). The pool of tokens counts the drafter's layers as the model's own, whatever they
keep, and those of DFlash and DSpark as what they are (``model_executor/pool_configurator.py``); its own pool then has
as many tokens. Chains of drafts are verified in one pass of N + 1 tokens a request (``--speculative-eagle-topk 1``).
"""

from __future__ import annotations

from gpu_sizer.engines.drafting import drafts_of
from gpu_sizer.engines.held_drafter import HeldDrafter
from gpu_sizer.engines.sglang.reserve import constants
from gpu_sizer.engines.speculation import NoDrafterError, speculation
from gpu_sizer.engines.versions import reaches
from gpu_sizer.memory.activations import ACTIVATION_BYTES, forward_bytes
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.held import Cells
    from gpu_sizer.load import Settings
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.memory.weights import WeightRules
    from gpu_sizer.model.caches import CacheTypes
    from gpu_sizer.model.inventory import Inventory

#: Drafts whose pool is counted by what their layers keep.
COUNTED_ALONE = ("dflash", "dspark")
#: Logits of the tokens to verify are in float32 (``layers/logits_processor.py``).
LOGITS_BYTES = 4


class Drafter(HeldDrafter):
    """What drafts for a model, as SGLang holds it."""

    def unknown_to(self, version: str) -> str | None:
        """Why what a version sets aside for it is not known here, or null."""
        first = constants()["drafts"]["blocks_from"]
        if self.drafts.method not in COUNTED_ALONE or reaches(version, first):
            return None
        return f"what drafts in blocks take is known here from SGLang {first} on"

    def set_aside(self, cell: Cells, full_layers: int, tp: int, types: CacheTypes) -> tuple[Cells, int]:
        """The model's cell with what is set aside for it, and what its pool has beyond that, a token."""
        kept = self.kept(tp, types)
        counted = kept
        if self.drafts.method not in COUNTED_ALONE:
            counted = cell.full * self.layers // full_layers if full_layers else 0
        return replace(cell, full=cell.full + counted), max(0, kept - counted)

    def peak(self, model: ModelCard, layout: Layout, tokens: int, forward: int) -> int:
        """The peak of a chunk with the states that are kept for it, which it reads, one after the other."""
        hidden = model.architecture.hidden_size
        states = max(1, self.drafts.states) * tokens * hidden * ACTIVATION_BYTES
        joined = states if self.drafts.states else 0
        return states + max(forward, joined + forward_bytes(self.card.architecture, layout, tokens))

    def verification_bytes(self, model: ModelCard, s: Settings) -> int:
        """Logits of a full batch that is verified."""
        return s.max_num_seqs * self.verified * model.architecture.vocab_size * LOGITS_BYTES


def drafter_of(card: ModelCard, inventory: Inventory, asked: str | None, rules: WeightRules) -> Drafter | None:
    """What drafts for a model, or null where nothing does.

    Raises:
        NoDrafterError: no such drafter, or one that SGLang has not.
        UnknownModelError: a draft model without a card.
    """
    wanted = speculation(asked)
    if wanted is None:
        return None
    drafts, known = drafts_of(card, inventory, wanted, "SGLang"), constants()["drafts"]
    if drafts.own and card.engine_class not in known["own"]:
        raise NoDrafterError(f"SGLang has no prediction layers of {card.engine_class} that are known here")
    if drafts.method is not None and drafts.card.engine_class not in known["classes"]:
        raise NoDrafterError(
            f"SGLang does not load {drafts.card.engine_class}, the class of {drafts.card.name}, as a draft"
        )
    return Drafter(drafts, card.architecture.hidden_size, rules)
