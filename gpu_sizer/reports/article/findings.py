"""What the models of an article take, as figures: the base of its sentences."""

from __future__ import annotations

from collections.abc import Sequence

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.planning.levers import fewest_with_few_sequences
from gpu_sizer.planning.plan import Plan
from gpu_sizer.records import dataclass
from gpu_sizer.reports.tables.counting import Counts
from gpu_sizer.units import ceil_div

#: The context against which a full length is held: what most requests stay within.
SHORT = 8192


@dataclass(frozen=True, slots=True)
class Taken:
    """One model on the article's first GPU."""

    card: ModelCard
    plan: Plan
    weights_bytes: int
    cache_bytes: int
    """Of one request at the context asked."""
    tensor_count: int | None
    """With tensor parallelism alone."""
    short_count: int | None
    """At the short context; the same as the plan's where the model's own is no longer."""
    eased_count: int | None = None
    """Where no number carries it: the fewest with few sequences at once."""

    @property
    def count(self) -> int | None:
        """The fewest GPUs."""
        return self.plan.gpu_count


@dataclass(frozen=True, slots=True)
class Findings:
    """All models of an article, by release."""

    gpu: GpuSpec
    models: tuple[Taken, ...]

    @property
    def placed(self) -> tuple[Taken, ...]:
        """Those that fit on some number."""
        return tuple(m for m in self.models if m.count is not None)

    @property
    def eased(self) -> tuple[tuple[Taken, int], ...]:
        """Models that no number carries with the engine's own settings, and the GPUs on which fewer sequences do."""
        return tuple((m, m.eased_count) for m in self.models if m.count is None and m.eased_count is not None)

    @property
    def beyond(self) -> tuple[Taken, ...]:
        """Models that are too large for every number that was searched."""
        return tuple(m for m in self.models if m.count is None and m.eased_count is None)

    @property
    def upper_quartile(self) -> int:
        """The count that three quarters of the models do not exceed."""
        counts = sorted(m.count or 0 for m in self.placed)
        return counts[ceil_div(3 * len(counts), 4) - 1]

    @property
    def largest(self) -> Taken:
        """The model that takes most; the first of several."""
        return max(self.placed, key=lambda m: m.count or 0)

    @property
    def on_one(self) -> tuple[Taken, ...]:
        """Models that one GPU carries."""
        return tuple(m for m in self.placed if m.count == 1)

    @property
    def tight(self) -> tuple[Taken, ...]:
        """Models whose count leaves less than the estimate's own error."""
        return tuple(m for m in self.placed if m.plan.verdict == "tight")

    @property
    def pipelined(self) -> tuple[Taken, ...]:
        """Models that take fewer GPUs in a pipeline than with tensor parallelism alone, the largest saving first."""
        saved = [m for m in self.placed if m.tensor_count is None or m.tensor_count > (m.count or 0)]
        return tuple(sorted(saved, key=lambda m: (m.count or 0) / (m.tensor_count or 10**6)))

    @property
    def heaviest_cache(self) -> Taken:
        """The model whose cache is largest beside its weights."""
        return max(self.models, key=lambda m: m.cache_bytes / m.weights_bytes)

    @property
    def most_by_context(self) -> Taken | None:
        """The model whose full length costs it most GPUs over the short context; null where it costs none any."""
        costly = [m for m in self.placed if m.short_count and (m.count or 0) > m.short_count]
        return max(costly, key=lambda m: ((m.count or 0) / (m.short_count or 1), m.count or 0), default=None)


def findings(cards: Sequence[ModelCard], gpu: GpuSpec, counts: Counts) -> tuple[Findings, tuple[str, ...]]:
    """Figures of the models that can be counted, and the names of those that do not take the context asked.

    Raises:
        RequestError: a value that makes no sense.
    """
    taken: list[Taken] = []
    refused: list[str] = []
    short = Counts(str(SHORT), counts.load, gpu)
    for card in cards:
        if counts.refusal(card) is not None:
            refused.append(card.name)
            continue
        plan = counts.plan(card, gpu)
        tensor = counts.plan(card, gpu, "tensor")
        whole = counts.whole(card, loaded=True)
        if isinstance(plan, str) or isinstance(tensor, str) or isinstance(whole, str):
            continue
        shorter = plan if plan.request.context <= SHORT else short.plan(card, gpu)
        count = shorter.gpu_count if not isinstance(shorter, str) else None
        eased = None if plan.gpu_count is not None else fewest_with_few_sequences(plan)
        taken.append(Taken(card, plan, whole.weights_bytes, whole.kv_cache_bytes, tensor.gpu_count, count, eased))
    return Findings(gpu, tuple(taken)), tuple(refused)
