"""Questions in words: ``gpu-sizer "how many A6000s for Mixtral 8x7b"``, the same as ``gpu-sizer ask``."""

from __future__ import annotations

from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.exits import exit_code
from gpu_sizer.queries.answers import Answer, Answers
from gpu_sizer.queries.answers import ask as ask_in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.queries.pasted import Checked


def print_answer(found: Answer | Answers | Checked, as_json: bool) -> int:
    """Prints an answer and gives the exit code."""
    if as_json:
        print_json(found.model_dump())
    elif is_terminal():
        from gpu_sizer.cli.views import show_answer

        show_answer(found)
    else:
        print_lines(found.lines())
    return exit_code(found.fits)


def answer(text: str, as_json: bool, cards: Catalogue | None = None) -> int:
    """Prints the answer to a question and gives the exit code.

    Raises:
        GpuSizerError: a question that cannot be answered.
    """
    found = ask_in_words(text, cards=cards)
    if as_json:
        from gpu_sizer.answers import with_answers

        found = with_answers(found)
    return print_answer(found, as_json)
