"""Results as callers of the library get them: with their words, launch files, and views for notebooks.

What computes them knows none of these, which stand to its right.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter

from gpu_sizer.planning import plan as planned
from gpu_sizer.records import dataclass, fields, is_record, recast, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    R = TypeVar("R")

#: Fields of results in which a plan or a fit may stand.
_HOLDING = frozenset(("plan", "fit", "options", "choices", "result", "answers"))
#: Results that say themselves beside plans and fits.
_SAYING = frozenset(
    (
        *("OnCount", "LongestContext", "MostUsers", "MemoryNeed", "Runnable", "Choices", "HowFast", "EngineChoices"),
        "Rentals",
    )
)


class Saying:
    """A result that says itself: ``print`` gives the answer, ``repr`` one line, a notebook a page."""

    __slots__ = ()

    def explain(self, *, brief: bool = False, why: bool = False) -> str:
        """The answer in plain text: the choices, what fills a GPU, why fewer do not do, and what was assumed.

        Args:
            brief: the choices alone.
            why: every reason, and the terms explained.
        """
        from gpu_sizer.words import told
        from gpu_sizer.words.blocks import BRIEF, USUAL, WHY
        from gpu_sizer.words.plain import text

        return text(told(self, WHY if why else BRIEF if brief else USUAL))

    def __str__(self) -> str:
        return self.explain()

    def __repr__(self) -> str:
        from gpu_sizer.words import told
        from gpu_sizer.words.blocks import BRIEF

        return f"<{type(self).__name__}: {told(self, BRIEF).headline}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from gpu_sizer.reports.notebook import html
        from gpu_sizer.words import told

        return html(told(self))


def _rented(answer: planned.Plan | planned.Fit) -> dict[str, Any]:
    """The cheapest whole machines for an answer, and what tokens cost on them where a speed is asked for."""
    from gpu_sizer.planning.rental import rented

    rental, load, memory = rented(answer), answer.request.load, answer.memory
    told: dict[str, Any] = {"machines": rental.summary() if rental is not None else None}
    if answer.speed is not None and load.prompt and load.answer and memory is not None:
        from gpu_sizer.planning.cost import cost_of, tokens_per_watt_hour

        cost = cost_of(answer.speed, rental, load.prompt, load.answer)
        told["cost"] = cost.model_dump() if cost is not None else None
        told["tokens_per_watt_hour"] = tokens_per_watt_hour(answer.speed, answer.request.gpu, memory.layout.gpu_count)
    return told


def _deploy(answer: Plan | Fit, form: str, **options: Any) -> str:
    from gpu_sizer.deploy.formats import deploy

    return deploy(answer, form, **options)


@dataclass(frozen=True, slots=True)
class Plan(Saying, planned.Plan):
    """The fewest GPUs on which a model serves a load, or the finding that it does not."""

    __repr__ = Saying.__repr__

    def deploy(self, form: str, **options: Any) -> str:
        """The file or command that starts this plan's server; ``form`` as in ``gpu-sizer deploy --as``.

        Args:
            form: the format.
            options: weights, image, port, tuned, name ...: the fields of :class:`gpu_sizer.deploy.choices.Choices`;
                ``extra``, the engine's own options as a list of words, is held to what its version knows.

        Raises:
            DoesNotFitError: there is nothing to deploy.
            RequestError: an unknown format, a value that makes no sense, or what format or engine version cannot do.
        """
        return _deploy(self, form, **options)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object, with the whole machines that can be rented for it."""
        return {**planned.Plan.model_dump(self), **_rented(self)}


@dataclass(frozen=True, slots=True)
class Fit(Saying, planned.Fit):
    """Whether one layout fits: the answer of ``estimate``."""

    __repr__ = Saying.__repr__

    def deploy(self, form: str, **options: Any) -> str:
        """The file or command that starts this layout's server; ``form`` as in ``gpu-sizer deploy --as``.

        Args:
            form: the format.
            options: weights, image, port, tuned, name ...: the fields of :class:`gpu_sizer.deploy.choices.Choices`;
                ``extra``, the engine's own options as a list of words, is held to what its version knows.

        Raises:
            DoesNotFitError: there is nothing to deploy.
            RequestError: an unknown format, a value that makes no sense, or what format or engine version cannot do.
        """
        return _deploy(self, form, **options)

    def as_plan(self) -> Plan:
        """The same as a plan, for what prints plans."""
        return as_answer(planned.Fit.as_plan(self))

    def model_dump(self) -> dict[str, Any]:
        """The JSON object, likewise; GPUs that differ are no machine's."""
        return {**planned.Fit.model_dump(self), **({"machines": None} if self.hardware else _rented(self))}


_OF_FIT = attrgetter(*[f.name for f in fields(planned.Fit)])


def as_answer(plan: planned.Plan) -> Plan:
    """A plan with its sentences, files and views."""
    return recast(plan, Plan)


def as_fit(fit: planned.Fit) -> Fit:
    """A fit, likewise."""
    return Fit(*_OF_FIT(fit))


@cache
def _saying(kind: Any) -> Any:
    """A kind of result that says itself."""
    return type(kind.__name__, (Saying, kind), {"__slots__": (), "__module__": __name__, "__doc__": kind.__doc__})


def with_answers(result: R) -> R:
    """A result that says itself, and so do the plans and fits wherever they stand in it."""
    made: Any = result
    if isinstance(result, tuple):
        made = tuple(map(with_answers, result))
    elif type(made) is planned.Plan:
        made = as_answer(made)
    elif type(made) is planned.Fit:
        made = as_fit(made)
    elif is_record(result):
        names = [f.name for f in fields(result) if f.name in _HOLDING]
        if names:
            made = replace(made, **{n: with_answers(getattr(result, n)) for n in names})
        if type(result).__name__ in _SAYING:
            own: Any = type(made)
            made = _saying(own)(*[getattr(made, f.name) for f in fields(result)])
    answered: R = made
    return answered
