"""The counts behind a table: each pair of model and GPU is sized once, exactly as ``size`` does."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.needs import REFERENCE_GPU
from gpu_sizer.planning.quantities import tokens
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search, plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.estimate import RankMemory
    from gpu_sizer.planning.plan import Plan
    from gpu_sizer.planning.request import Request

__all__ = ["REFERENCE_GPU", "Counts"]


class Counts:
    """Plans by model and GPU under one load.

    Args:
        context: tokens as people write them, or null for each model's full length.
        load: further options of a request.
        reference: the GPU whose engine settings are taken for sizes that no GPU column fixes.
    """

    def __init__(self, context: str | None, load: dict[str, Any], reference: GpuSpec) -> None:
        self.context, self.load, self.reference = context, load, reference
        self._plans: dict[tuple[str, str, str | None], Plan | str] = {}
        self._whole: dict[str, RankMemory | str] = {}
        self.utilizations: set[float] = set()

    def request(self, card: ModelCard, gpu: GpuSpec, **changes: Any) -> Request:
        """The request of a pair.

        Raises:
            RequestError: the model does not take the context, or a value makes no sense.
        """
        length = None if self.context is None else tokens(self.context, card.context.native)
        return make_request(card, gpu, context=length, **{**self.load, **changes})

    def plan(self, card: ModelCard, gpu: GpuSpec, layouts: str | None = None) -> Plan | str:
        """The plan of a pair, or why the model does not take such a load.

        Raises:
            RequestError: a value that makes no sense for any model.
        """
        key = (card.id, gpu.id, layouts)
        if (found := self._plans.get(key)) is None:
            try:
                changes = {} if layouts is None else {"layouts": layouts}
                found = plan(self.request(card, gpu, **changes), details=False)
                self.utilizations.add(found.settings.gpu_memory_utilization)
            except RequestError as error:
                found = _reason(error)
            self._plans[key] = found
        return found

    def whole(self, card: ModelCard) -> RankMemory | str:
        """The model on one rank that has all of it, at the context asked and for one user."""
        if (found := self._whole.get(card.id)) is None:
            try:
                memory = Search(self.request(card, self.reference, users=1)).evaluate(Layout()).per_gpu
                assert memory is not None
                found = memory
            except RequestError as error:
                found = _reason(error)
            self._whole[card.id] = found
        return found


def _reason(error: RequestError) -> str:
    """Why a model has no cell; what is wrong with the question itself is raised."""
    if error.about != "context" or "longer than" not in str(error):
        raise error
    return str(error)
