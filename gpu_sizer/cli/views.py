"""Answers to questions for a terminal, with rich: the sentence, what was understood, then a bar or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from gpu_sizer.planning import inverse_sentences as words
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.reports.terminal import fit_view, listing, plan_view, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.queries.answers import Answer


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: tuple[int, ...]) -> RenderableType:
    return listing([(title, i in right) for i, title in enumerate(columns)], rows)


def _below(view: RenderableType) -> list[RenderableType]:
    """A view without its first part, the sentence."""
    return list(view.renderables[1:]) if isinstance(view, Group) else [view]


def _parts(answer: Answer) -> list[RenderableType]:
    """What stands below the sentence."""
    result: Any = answer.result
    if isinstance(result, Plan):
        parts = _below(plan_view(result))
        if changes := words.lever_lines(answer.levers(), result.gpu_count):
            title = "What would make it smaller" if (result.gpu_count or 0) > 1 else "What would give room"
            parts += [Text(), Text(title, style="bold"), *(Text(f"  {line}") for line in changes)]
        return parts
    if answer.intent == "fit":
        fit = result if isinstance(result, Fit) else result.fit
        notes = [] if isinstance(result, Fit) else result.notes()
        return [*_below(fit_view(fit)), *(Text(f"Note: {note}", style="yellow") for note in notes)]
    if answer.intent in ("context", "users"):
        return _below(plan_view(result.plan, "-"))
    if answer.intent == "models":
        rows = [words.model_row(m) for m in result.models]
        return [Text(), _table(words.MODEL_COLUMNS, rows, (1, 3, 4))]
    choices = result.choices if answer.intent == "memory" else result
    return [Text(), _table(words.CHOICE_COLUMNS, [words.choice_row(c) for c in choices.options], (1, 2, 4))]


def show_answer(answer: Answer) -> None:
    """Prints an answer in colour."""
    sentence = next(iter(answer.body()))
    style = "bold green" if answer.fits else "bold red"
    if (plan := answer.plan) is not None and plan.verdict == "tight":
        style = "bold yellow"
    head = [Text(sentence, style=style), Text(f"(understood: {answer.understood})", style="dim")]
    show(Group(*head, *(Text(f"Note: {w}", style="yellow") for w in answer.warnings), *_parts(answer)))
