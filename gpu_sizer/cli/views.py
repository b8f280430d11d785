"""Answers to questions for a terminal, with rich: the sentence, what was understood, then a bar or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from gpu_sizer.planning import inverse_sentences as words
from gpu_sizer.planning.levers import advice
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.queries.answers import Answer, Answers, result_lines
from gpu_sizer.reports.terminal import fit_view, listing, plan_view, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.pasted import Checked


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: tuple[int, ...]) -> RenderableType:
    return listing([(title, i in right) for i, title in enumerate(columns)], rows)


def _below(view: RenderableType) -> list[RenderableType]:
    """A view without its first part, the sentence."""
    return list(view.renderables[1:]) if isinstance(view, Group) else [view]


def _parts(intent: Intent, result: Any) -> list[RenderableType]:
    """What stands below the sentence."""
    if isinstance(result, Plan):
        parts = _below(plan_view(result))
        title, changes = advice(result)
        return (
            [*parts, Text(), Text(title, style="bold"), *(Text(f"  {line}") for line in changes)] if changes else parts
        )
    if intent == "fit":
        fit = result if isinstance(result, Fit) else result.fit
        notes = [] if isinstance(result, Fit) else result.notes()
        return [*_below(fit_view(fit)), *(Text(f"Note: {note}", style="yellow") for note in notes)]
    if intent == "speed":
        _, *rest = result_lines(intent, result)
        return [Text(line) for line in rest]
    if intent in ("context", "users"):
        return _below(plan_view(result.plan, "-"))
    if intent == "models":
        rows = [words.model_row(m) for m in result.shown]
        return [Text(), _table(words.MODEL_COLUMNS, rows, (1, 3, 4)), *map(Text, words.models_rest(result))]
    choices = result.choices if intent == "memory" else result
    table = _table(words.CHOICE_COLUMNS, [words.choice_row(c) for c in choices.options], words.CHOICE_RIGHT)
    return [Text(), table, *map(Text, words.choices_rest(choices))]


def _style(result: Any) -> str:
    """The colour of a verdict."""
    found = getattr(result, "result", result)
    tight = getattr(getattr(found, "plan", found), "verdict", None) == "tight"
    return "bold yellow" if tight else "bold green" if found.fits else "bold red"


def _head(intent: Intent, result: Any) -> Text:
    """The answer's first sentence, in the colour of its verdict."""
    return Text(next(iter(result_lines(intent, result))), style=_style(result))


def show_result(intent: Intent, result: Any) -> None:
    """Prints what a command found in colour."""
    show(Group(_head(intent, result), *_parts(intent, result)))


def show_answer(answer: Answer | Answers | Checked) -> None:
    """Prints an answer in colour, with what was understood."""
    if not isinstance(answer, Answer | Answers):
        show(Group(*map(Text, answer.lines())))
        return
    if isinstance(answer, Answers):
        show(Group(*(Text(a.headline, style=_style(a)) for a in answer.answers)))
    for part in answer.answers if isinstance(answer, Answers) else (answer,):
        if isinstance(part, Answer):
            head = (Text(part.headline, style=_style(part)),) if part is answer else (Text(),)
            said = Text(f"(understood: {part.understood})", style="dim")
            notes = (Text(f"Note: {w}", style="yellow") for w in part.notes)
            show(Group(*head, said, *notes, *_parts(part.intent, part.result)))
