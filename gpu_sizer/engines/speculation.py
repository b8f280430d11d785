"""Speculative decoding as a load asks for it: what drafts, and how many tokens ahead."""

from __future__ import annotations

import re

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

#: Tokens ahead that no engine drafts more of.
MOST_AHEAD = 64
#: What the setting may say.
FORMS = "mtp:N (the model's own prediction layers) or draft:MODEL:N (a draft or a model with a card), as in mtp:3"


@dataclass(frozen=True, slots=True)
class Speculation:
    """What drafts, and how many tokens ahead."""

    model: str | None
    """The draft model's name; null for the model's own prediction layers."""
    tokens: int | None
    """Null for as many as there are prediction layers."""


class NoDrafterError(RequestError):
    """Speculative decoding that is not understood, that the engine does not have, or that cannot be counted."""


def speculation(asked: str | None) -> Speculation | None:
    """The setting read; null where nothing is drafted.

    Raises:
        NoDrafterError: a text that is none.
    """
    if asked is None:
        return None
    told = re.fullmatch(r"(?:mtp(?::(?P<own>\d{1,3}))?|draft:(?P<model>.+):(?P<drafted>\d{1,3}))", asked.strip())
    if told is None:
        raise NoDrafterError(f"speculative {asked[:60]!r}: must be {FORMS}")
    number = told["own"] or told["drafted"]
    tokens = int(number) if number else None
    if tokens is not None and not 1 <= tokens <= MOST_AHEAD:
        raise NoDrafterError(f"speculative: tokens drafted ahead must be from 1 to {MOST_AHEAD}, not {tokens}")
    return Speculation(told["model"], tokens)
