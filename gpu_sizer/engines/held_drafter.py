"""What drafts tokens ahead beside a model, on engines whose weights and cells are those of ``HeldModel``."""

from __future__ import annotations

from gpu_sizer.engines.held import HeldModel
from gpu_sizer.memory.weights import refusal
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.drafting import Drafts
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.memory.weights import WeightRules
    from gpu_sizer.model.caches import CacheTypes


class HeldDrafter(HeldModel):
    """What drafts: EAGLE's heads take the model's embedding and head, EAGLE-3's its embedding where widths agree."""

    def __init__(self, drafts: Drafts, hidden_size: int, rules: WeightRules) -> None:
        inventory = drafts.inventory
        if drafts.method == "eagle" or (
            drafts.method == "eagle3" and drafts.card.architecture.hidden_size == hidden_size
        ):
            inventory = replace(inventory, embedding=())
        if drafts.method == "eagle":
            inventory = replace(inventory, head=())
        super().__init__(drafts.card, inventory, rules)
        self.drafts = drafts

    def refusal(self, layout: Layout) -> str | None:
        """Why it cannot be cut so, or null."""
        reason = refusal(self.inventory, layout, self.rules)
        return f"the draft model {self.card.name}: {reason}" if reason is not None else None

    @property
    def verified(self) -> int:
        """Tokens of a request that one pass verifies."""
        return self.drafts.tokens + 1

    def weights_bytes(self, layout: Layout) -> int:
        """Bytes of its weights on a rank."""
        return self.weights(layout.tensor_parallel_size, layout.expert_ranks, ((0, self.layers),))[0].total

    def kept(self, tp: int, types: CacheTypes) -> int:
        """Bytes of a token in its layers, on one rank."""
        return self.cells(tp, types, ((0, self.layers),), windows=False)[0].full
