"""The counts behind a table: each pair of model and GPU is sized once, exactly as ``size`` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Offer
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.estimate import RankMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.planned import plan
from gpu_sizer.planning.quantities import tokens
from gpu_sizer.planning.rental import Rental, rented
from gpu_sizer.planning.request import Request, make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.uncounted import Uncounted, counted
from gpu_sizer.records import replace

if TYPE_CHECKING:
    from gpu_sizer.planning.how_fast import HowFast

    R = TypeVar("R")


class Counts:
    """Plans by model and GPU under one load.

    Args:
        context: tokens as people write them, or null for each model's full length.
        load: further options of a request.
        reference: the GPU whose engine settings are taken for sizes that no GPU column fixes.
        provider: id of the provider whose machines are priced; null is any.
        machine: the machine whose GPUs are counted; null is any with them.
        cards: whose machines are priced; null is the shipped ones and the user's own.
    """

    def __init__(
        self,
        context: str | None,
        load: dict[str, Any],
        reference: GpuSpec,
        provider: str | None = None,
        machine: Offer | None = None,
        cards: Catalogue | None = None,
    ) -> None:
        self.context, self.load, self.reference = context, load, reference
        self._where: dict[str, Any] = {"provider": provider, "machine": machine, "cards": cards}
        self._rentals: dict[tuple[str, str], Rental | None] = {}
        self._asked: dict[tuple[str, str | None], Request] = {}
        self._plans: dict[tuple[str, str, str | None], Plan | str] = {}
        self._whole: dict[tuple[str, bool], RankMemory | str] = {}
        self._speeds: dict[tuple[str, str], HowFast | str] = {}
        self._under: dict[str, Counts] = {}
        self.utilizations: set[float] = set()
        self._uncounted: dict[Uncounted, None] = {}

    @property
    def uncounted(self) -> tuple[Uncounted, ...]:
        """The pairs asked for that cannot be counted, those under other engines included."""
        return (*self._uncounted, *(u for counts in self._under.values() for u in counts.uncounted))

    def under(self, engine: str) -> Counts:
        """The same load under another engine, sized once."""
        if (counts := self._under.get(engine)) is None:
            load = {**self.load, "engine": engine}
            counts = self._under[engine] = Counts(self.context, load, self.reference, **self._where)
        return counts

    def request(self, card: ModelCard, gpu: GpuSpec, **changes: Any) -> Request:
        """The request of a pair.

        Raises:
            RequestError: a value that makes no sense.
        """
        length = None if self.context is None else tokens(self.context, card.context.native)
        return make_request(card, gpu, **self._where, **{"context": length, **self.load, **changes})

    def refusal(self, card: ModelCard) -> str | None:
        """Why a model does not take the context asked, or null."""
        longest = card.context.extended or card.context.native
        if self.context is None or tokens(self.context, card.context.native) <= longest:
            return None
        return f"Takes at most {longest:,} tokens of context."

    def plan(self, card: ModelCard, gpu: GpuSpec, layouts: str | None = None) -> Plan | str:
        """The plan of a pair, or why it has none: the model does not take the context asked, or cannot be counted.

        Raises:
            RequestError: a value that makes no sense.
        """
        key = (card.id, gpu.id, layouts)
        if (kept := self._plans.get(key)) is None:
            why = self.refusal(card)
            kept = self._told(card, gpu, lambda: self._planned(card, gpu, layouts)) if why is None else why
            self._plans[key] = kept
        return kept

    def rental(self, plan: Plan) -> Rental | None:
        """The cheapest whole machines for a plan of a pair; null where none are known."""
        request = plan.request
        key = (request.model.id, request.gpu.id)
        if key not in self._rentals:
            self._rentals[key] = rented(plan)
        return self._rentals[key]

    def speed(self, card: ModelCard, gpu: GpuSpec) -> HowFast | str:
        """How fast the plan of a pair is, or why that is not told: it has no plan, or of its speed nothing is known.

        Raises:
            RequestError: a value that makes no sense.
        """
        key = (card.id, gpu.id)
        if (kept := self._speeds.get(key)) is None:
            made = self.plan(card, gpu)
            kept = made if isinstance(made, str) else self._fast(made)
            self._speeds[key] = kept
        return kept

    def _fast(self, made: Plan) -> HowFast | str:
        from gpu_sizer.planning.how_fast import how_fast

        if made.layout is None or not made.fits:
            return "Does not fit."
        try:
            return how_fast(made.request, made.layout)
        except RequestError as error:
            return f"{str(error)[:1].upper()}{str(error)[1:]}."

    def _planned(self, card: ModelCard, gpu: GpuSpec, layouts: str | None) -> Plan:
        if (asked := self._asked.get((card.id, layouts))) is None:
            changes = {} if layouts is None else {"layouts": layouts}
            asked = self._asked[card.id, layouts] = self.request(card, gpu, **changes)
        made = plan(replace(asked, gpu=gpu), details=False, why=False)
        self.utilizations.add(made.settings.gpu_memory_utilization)
        return made

    def _told(self, card: ModelCard, gpu: GpuSpec, work: Callable[[], R]) -> R | str:
        """What some work on a pair gives, or in a sentence why the pair cannot be counted."""
        told = counted(card, gpu, work)
        if not isinstance(told, Uncounted):
            return told
        self._uncounted[told] = None
        return f"Not counted: {told.reason}."

    def whole(self, card: ModelCard, *, loaded: bool) -> RankMemory | str:
        """The model on one rank that has all of it, for one user; or why that is not told.

        Args:
            card: the model.
            loaded: at the context asked, so that its cache counts; otherwise at its full length.

        Raises:
            RequestError: a value that makes no sense.
        """
        key = (card.id, loaded)
        if (kept := self._whole.get(key)) is None:
            why = self.refusal(card) if loaded else None
            kept = self._told(card, self.reference, lambda: self._on_one(card, loaded=loaded)) if why is None else why
            self._whole[key] = kept
        return kept

    def _on_one(self, card: ModelCard, *, loaded: bool) -> RankMemory:
        changes = {"users": 1} if loaded else {"users": 1, "context": None}
        memory = Search(self.request(card, self.reference, **changes)).evaluate(Layout()).per_gpu
        assert memory is not None
        return memory
