"""Lengths and counts as people write them: ``32k``, ``1M``, ``8,192``."""

from __future__ import annotations

from gpu_sizer.errors import RequestError, shown
from gpu_sizer.model.bounds import MOST_TOKENS

_NUMBER = r"(\d[\d,_]*(?:\.\d+)?)\s*([kmb]?)(?:i?b?|tokens?|toks?)?"
_GPUS = r"(?:(\d{1,6})\s*[x×*]\s*)?(\S.*)"
_POWER = {"": 0, "k": 1, "m": 2, "b": 3}


def tokens(text: str | int, native: int | None = None, what: str = "context", about: str = "context") -> int:
    """A number of tokens.

    ``k`` is 1024 where the model's own length is a multiple of 1024 (32k of 32,768), and 1000 otherwise; so it is
    where 1024 would lead beyond that length and 1000 does not (200k of 202,752).

    Args:
        text: ``32768``, ``32k``, ``1M``, ``8,192``.
        native: the model's own length, to decide what ``k`` means.
        what: the name of the value in messages.
        about: what an error in it concerns.

    Raises:
        RequestError: not a positive number of tokens.
    """
    if isinstance(text, int):
        return text
    import re

    match = re.fullmatch(_NUMBER, text.strip(), re.IGNORECASE)
    if match is None:
        raise RequestError(f"{what} must be a number of tokens such as 8192 or 32k, not {text[:40]!r}", about=about)
    digits, unit = match[1].replace(",", "").replace("_", ""), match[2].lower()
    value = float(digits) * thousand(float(digits), native) ** _POWER[unit]
    if value > MOST_TOKENS:
        raise RequestError(f"{what} must be at most {MOST_TOKENS:,} tokens, not {shown(text)}", about=what)
    if not 1 <= value <= MOST_TOKENS or value != int(value):
        raise RequestError(f"{what} must be a whole number of at least 1, not {text[:40]!r}", about=about)
    return int(value)


def thousand(number: float, native: int | None) -> int:
    """What ``k`` means behind a number, for a model of this length of its own."""
    if native is None:
        return 1024
    beyond = number * 1024 > native >= number * 1000 and number * 1000 > native / 2
    return 1000 if native % 1024 or beyond else 1024


def some_gpus(text: str) -> tuple[int, str]:
    """A number of GPUs and their name: ``2xa6000``, ``8 x h100``; one where no number is given.

    Raises:
        RequestError: nothing is named, or none of it.
    """
    import re

    match = re.fullmatch(_GPUS, text.strip(), re.IGNORECASE)
    if match is None or match[1] == "0" * len(match[1] or ""):
        raise RequestError(f"GPUs as 2xa6000 or h100, not {text[:40]!r}", about="gpu")
    return int(match[1] or 1), match[2]
