"""Questions in words: ``gpu-sizer "how many A6000s for Mixtral 8x7b"``, the same as ``gpu-sizer ask``."""

from __future__ import annotations

from gpu_sizer.cli.output import level, print_json, print_prose, print_told
from gpu_sizer.exits import exit_code
from gpu_sizer.queries.answers import Answer, Answers
from gpu_sizer.queries.answers import ask as ask_in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue


def answer(
    text: str, cards: Catalogue | None = None, *, brief: bool = False, why: bool = False, as_json: bool = False
) -> int:
    """Prints the answer to a question and gives the exit code.

    Raises:
        GpuSizerError: a question that cannot be answered.
    """
    detail = level(brief=brief, why=why)
    answered = ask_in_words(text, cards=cards, workers=0)
    if as_json:
        from gpu_sizer.answers import with_answers

        print_json(with_answers(answered).model_dump())
    elif isinstance(answered, Answers):
        print_told(*answered.told(detail))
    elif isinstance(answered, Answer):
        print_told(answered.told(detail))
    else:
        print_prose(answered.lines())
    return exit_code(answered.fits)
