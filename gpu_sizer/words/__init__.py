"""Results as people read them, each said once: a headline, and below it choices, memory, reasons and assumptions.

What is said here knows no medium. Plain text is made in :mod:`gpu_sizer.words.plain`; terminals and notebooks have
renderers of their own in :mod:`gpu_sizer.reports`.

Reasons and warnings are said where the rule that makes them stands, in engines as in planning: here they are quoted.
"""

from __future__ import annotations

from gpu_sizer.records import replace
from gpu_sizer.words.blocks import USUAL, WHY, Pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.words.blocks import Told

#: Where the words of a kind of result are: a module of this room, which is loaded for it alone, and its function.
_WORDS = {
    "Plan": ("plan", "plan_told"),
    "Fit": ("plan", "fit_told"),
    "OnCount": ("inverse", "on_count_told"),
    "LongestContext": ("inverse", "context_told"),
    "MostUsers": ("inverse", "users_told"),
    "MemoryNeed": ("inverse", "memory_told"),
    "Runnable": ("inverse", "models_told"),
    "Choices": ("inverse", "choices_told"),
    "HowFast": ("how_fast", "how_fast_told"),
    "EngineChoices": ("by_engine", "by_engine_told"),
    "Rentals": ("rent", "rent_told"),
}


def told(result: Any, level: int = USUAL) -> Told:
    """A result in words.

    Args:
        result: what a call of the library found.
        level: how much is told: the choices alone, what they rest on, or every reason with the terms explained.
    """
    module, function = next(_WORDS[k.__name__] for k in type(result).__mro__ if k.__name__ in _WORDS)
    made: Told = getattr(__import__(f"gpu_sizer.words.{module}", fromlist=[function]), function)(result, level)
    if level < WHY:
        return made
    from gpu_sizer.words.glossary import used_in
    from gpu_sizer.words.plain import text

    terms = tuple(used_in(text(made)))
    return replace(made, blocks=(*made.blocks, Pairs(terms, title="In these words"))) if terms else made
