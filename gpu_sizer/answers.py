"""Plans and fits as callers of the library get them: with their sentences, launch files, and views for notebooks.

What computes plans knows none of these, which stand to its right.
"""

from __future__ import annotations

from operator import attrgetter

from gpu_sizer.planning import plan as planned
from gpu_sizer.records import dataclass, fields, is_record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    R = TypeVar("R")

#: Fields of results in which a plan or a fit may stand.
_HOLDING = frozenset(("plan", "fit", "options", "choices", "result", "answers"))


def _rented(answer: planned.Plan | planned.Fit) -> dict[str, Any]:
    """The cheapest whole machines for an answer, and what tokens cost on them where a speed is asked for."""
    from gpu_sizer.planning.rental import rented

    rental, load, memory = rented(answer), answer.request.load, answer.memory
    found: dict[str, Any] = {"machines": rental.summary() if rental is not None else None}
    if answer.speed is not None and load.prompt and load.answer and memory is not None:
        from gpu_sizer.planning.cost import cost_of, tokens_per_watt_hour

        cost = cost_of(answer.speed, rental, load.prompt, load.answer)
        found["cost"] = cost.model_dump() if cost is not None else None
        found["tokens_per_watt_hour"] = tokens_per_watt_hour(answer.speed, answer.request.gpu, memory.layout.gpu_count)
    return found


def _deploy(answer: Plan | Fit, form: str, **options: Any) -> str:
    from gpu_sizer.deploy.formats import deploy

    return deploy(answer, form, **options)


@dataclass(frozen=True, slots=True)
class Plan(planned.Plan):
    """The fewest GPUs on which a model serves a load, or the finding that it does not."""

    def explain(self) -> str:
        """The answer in plain text: the sentence, what fills a GPU, and why fewer do not do."""
        from gpu_sizer.planning.sentences import explain

        return explain(self)

    def deploy(self, form: str, **options: Any) -> str:
        """The file or command that starts this plan's server; ``form`` as in ``gpu-sizer deploy --as``.

        Args:
            form: the format.
            options: weights, image, port, tuned, name ...: the fields of :class:`gpu_sizer.deploy.choices.Choices`.

        Raises:
            DoesNotFitError: there is nothing to deploy.
            RequestError: an unknown format, a value that makes no sense, or what format or engine version cannot do.
        """
        return _deploy(self, form, **options)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object, with the whole machines that can be rented for it."""
        return {**planned.Plan.model_dump(self), **_rented(self)}

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from gpu_sizer.reports.notebook import plan_html

        return plan_html(self)


@dataclass(frozen=True, slots=True)
class Fit(planned.Fit):
    """Whether one layout fits: the answer of ``estimate``."""

    def deploy(self, form: str, **options: Any) -> str:
        """The file or command that starts this layout's server; ``form`` as in ``gpu-sizer deploy --as``.

        Args:
            form: the format.
            options: weights, image, port, tuned, name ...: the fields of :class:`gpu_sizer.deploy.choices.Choices`.

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

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from gpu_sizer.reports.notebook import fit_html

        return fit_html(self)


_OF_PLAN, _OF_FIT = (attrgetter(*[f.name for f in fields(kind)]) for kind in (planned.Plan, planned.Fit))


def as_answer(found: planned.Plan) -> Plan:
    """A plan with its sentences, files and views."""
    return Plan(*_OF_PLAN(found))


def as_fit(found: planned.Fit) -> Fit:
    """A fit, likewise."""
    return Fit(*_OF_FIT(found))


def with_answers(result: R) -> R:
    """A result whose plans and fits, wherever they stand in it, have theirs."""
    made: Any = result
    if isinstance(result, tuple):
        made = tuple(map(with_answers, result))
    elif type(made) is planned.Plan:
        made = as_answer(made)
    elif type(made) is planned.Fit:
        made = as_fit(made)
    elif is_record(result):
        names = [f.name for f in fields(result) if f.name in _HOLDING]
        made = replace(result, **{n: with_answers(getattr(result, n)) for n in names}) if names else result  # type: ignore[type-var]
    found: R = made
    return found
