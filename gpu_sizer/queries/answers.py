"""A question in words -> its answer."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.request import gpus_asked
from gpu_sizer.planning.search import fit, plan
from gpu_sizer.planning.sentences import fit_lines, lines
from gpu_sizer.queries.requests import asked, say
from gpu_sizer.queries.understanding import understand
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.planning.choices import Choices, Runnable
    from gpu_sizer.planning.inverse import LongestContext, MostUsers, OnCount
    from gpu_sizer.planning.levers import Lever
    from gpu_sizer.planning.needs import MemoryNeed
    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.requests import Asked

    Result = Plan | Fit | OnCount | LongestContext | MostUsers | MemoryNeed | Runnable | Choices


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood, and the result: that of the library call and of the command which ask the same.

    ``engine`` is the one that was named; ``warnings`` say what the question asks beyond the answer.
    """

    question: str
    intent: Intent
    understood: str
    result: Result
    engine: str = "vllm"
    warnings: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it fits (whether anything does, for lists)."""
        return self.result.fits

    @property
    def plan(self) -> Plan | None:
        """The plan behind the answer; null for lists and for memory."""
        result: Any = self.result
        if isinstance(result, Plan):
            return result
        if isinstance(result, Fit):
            return result.as_plan()
        if self.intent == "fit":
            return result.fit.as_plan()  # type: ignore[no-any-return]
        return getattr(result, "plan", None)

    def levers(self) -> tuple[Lever, ...]:
        """What would make the plan smaller or safer, for a count that is tight or above one."""
        if not isinstance(self.result, Plan):
            return ()
        from gpu_sizer.planning.levers import levers

        return levers(self.result)

    def body(self) -> Iterator[str]:
        """The answer in plain text: one sentence, then what it rests on."""
        return result_lines(self.intent, self.result)

    def lines(self) -> Iterator[str]:
        """The whole answer in plain text: the answer in a sentence, what was understood, and the rest."""
        first, *rest = self.body()
        yield first
        yield f"(understood: {self.understood})"
        for warning in self.warnings:
            yield f"Note: {warning}"
        yield from rest

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        found: dict[str, Any] = {"question": self.question, "intent": self.intent, "understood": self.understood}
        found.update(self.result.model_dump())
        if isinstance(self.result, Plan):
            found["levers"] = [lever.model_dump() for lever in self.levers()]
        if self.warnings:
            _warned(found, self.warnings)
        return found


def _warned(found: dict[str, Any], warnings: tuple[str, ...]) -> None:
    """The warnings of the question before those of its answer."""
    for part in (found, found.get("plan")):
        if isinstance(part, dict):
            part["warnings"] = [*warnings, *part.get("warnings", ())]


def result_lines(intent: Intent, result: Any) -> Iterator[str]:
    """A result of an intent in plain text: one sentence, then what it rests on."""
    if isinstance(result, Fit):
        return fit_lines(result)
    if isinstance(result, Plan):
        return plan_lines(result)
    from gpu_sizer.planning import inverse_sentences as words

    if intent == "fit":
        return words.on_count_lines(result)
    if intent == "context":
        return words.plan_lines(words.context_headline(result), result)
    if intent == "users":
        return words.plan_lines(words.users_headline(result), result)
    if intent == "memory":
        return words.memory_lines(result)
    if intent == "models":
        return words.models_lines(result)
    return words.choices_lines(result, compared=intent == "compare")


def plan_lines(found: Plan) -> Iterator[str]:
    """A plan in plain text, with what would make it smaller."""
    yield from lines(found)
    from gpu_sizer.planning.levers import advice

    title, changes = advice(found)
    if changes:
        yield ""
        yield title
        for text in changes:
            yield f"  {text}"


def _count(a: Asked, cards: Catalogue) -> Plan:
    told = a.understood.options
    if told.sizes or told.expert_parallel:
        from gpu_sizer.planning.told_sizes import ToldSizes, smallest_with

        return smallest_with(a.request(), ToldSizes(**told.sizes, expert_parallel=told.expert_parallel))
    return plan(a.request())


def _fit(a: Asked, cards: Catalogue) -> Fit | OnCount:
    request = a.request()
    if sizes := a.layout():
        from gpu_sizer.memory.layout import Layout

        tensor, pipeline, data = sizes["tensor"], sizes["pipeline"], sizes["data"]
        return fit(request, Layout(tensor, pipeline, data, a.understood.options.expert_parallel))
    from gpu_sizer.planning.inverse import on_count

    return on_count(request, gpus_asked(a.gpu_count))


def _context(a: Asked, cards: Catalogue) -> LongestContext:
    from gpu_sizer.planning.inverse import longest_context

    request = a.request()
    return longest_context(request.under(context=request.model.context.native), gpus_asked(a.gpu_count))


def _users(a: Asked, cards: Catalogue) -> MostUsers:
    from gpu_sizer.planning.inverse import most_users

    return most_users(a.request().under(users=1), gpus_asked(a.gpu_count))


def _choices(a: Asked, cards: Catalogue) -> Choices:
    from gpu_sizer.planning.choices import which_gpu

    assert a.model is not None
    if a.understood.intent == "compare":
        return which_gpu(a.model, a.gpus, in_order=True, **a.options)
    return which_gpu(a.model, a.gpus or cards.gpus.all(), **a.options)


def _memory(a: Asked, cards: Catalogue) -> MemoryNeed:
    from gpu_sizer.planning.choices import cheapest
    from gpu_sizer.planning.needs import REFERENCE_GPU, memory_need

    request = a.request(a.gpus[0] if a.gpus else cards.gpus.get(REFERENCE_GPU))
    return memory_need(request, cheapest(request, a.gpus or cards.gpus.all()))


def _models(a: Asked, cards: Catalogue) -> Runnable:
    from gpu_sizer.planning.choices import what_fits

    return what_fits(cards.models.all(), a.gpus[0], gpus_asked(a.gpu_count), **a.options)


_ANSWERS = {
    "count": _count,
    "fit": _fit,
    "context": _context,
    "users": _users,
    "memory": _memory,
    "models": _models,
    "gpus": _choices,
    "compare": _choices,
}


def ask(
    text: str, *, cards: Catalogue | None = None, most_gpus: int | None = None, most_listed: int | None = None
) -> Answer:
    """The answer to a question in words.

    Args:
        text: ``how many A6000s for Mixtral 8x7b``.
        cards: the catalogue; null is the shipped one with the user's own folders.
        most_gpus: refuse questions about more GPUs, which take longer to answer; null is as many as can be planned.
        most_listed: refuse questions for all models that run on more GPUs, times users, for the same reason.

    Raises:
        GpuSizerError: a question that is not understood, or a name that is missing, unknown or ambiguous: ``kind``
            (``unknown``, ``ambiguous``, ``incomplete``, ``invalid``) and ``about`` say which.
    """
    shelf = cards or catalogue()
    u = understand(text, shelf)
    a = asked(u, shelf)
    if most_gpus is not None and (told := a.largest_count()) > most_gpus:
        raise RequestError(f"at most {most_gpus:,} GPUs can be asked about here, not {told:,}", about="gpu")
    listed = (a.gpu_count or 1) * a.options.get("users", 1)
    if most_listed is not None and u.intent == "models" and listed > most_listed:
        message = f"which models run can be asked here for up to {most_listed:,} GPUs times users, not for {listed:,}"
        raise RequestError(message, about="users")
    result = _ANSWERS[u.intent](a, shelf)
    return Answer(u.question, u.intent, say(a), result, a.engine, a.warnings)
