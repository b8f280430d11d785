"""Questions in words: ``gpu-sizer "how many A6000s for Mixtral 8x7b"``, the same as ``gpu-sizer ask``."""

from __future__ import annotations

from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.planning.plan import Plan
from gpu_sizer.queries.answers import Answer
from gpu_sizer.queries.answers import ask as ask_in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType

#: Answered, and it does not fit.
DOES_NOT_FIT = 3


def _view(answer: Answer) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from gpu_sizer.reports.terminal import fit_view, plan_view

    result = answer.result
    view = plan_view(result) if isinstance(result, Plan) else fit_view(result)
    return Group(Text(f"({answer.understood})", style="dim"), view)


def answer(text: str, as_json: bool) -> int:
    """Prints the answer to a question and gives the exit code."""
    found = ask_in_words(text)
    if as_json:
        print_json(found.model_dump())
    elif is_terminal():
        from gpu_sizer.reports.terminal import show

        show(_view(found))
    else:
        print_lines(found.lines())
    return 0 if found.fits else DOES_NOT_FIT
