"""The places of machines in a question's text: their GPUs are put there, and what else told of them goes."""

from __future__ import annotations

import re

from gpu_sizer.cards.machine_words import find_provider
from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import GROUPS, UNITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.fleet import Fleet
    from gpu_sizer.cards.machine import Offer

_NUMBERS = UNITS | GROUPS
#: How many machines stands before a name: ``two``, ``2x``, ``a single``; an article is one.
_COUNT = (
    rf"\b(?:(an?|the|this|my|our|single)|({'|'.join(_NUMBERS)})|(\d{{1,4}}))"
    r"\s*(?:[x\u00d7]\s*)?(?:single\s+|whole\s+)?$"
)
_ASKED = r"\b(?:how many|number of|count of|fewest|minimum)\s+$"


def replaced(text: str, offer: Offer, start: int, stop: int) -> str:
    """The text with the GPUs of so many machines in the place of their name."""
    machine = offer.machine
    if (gpu := machine.seen_gpu) is None:
        told = f"{machine.count:g} × {machine.gpu_told}"
        among = f": {' or '.join(machine.gpu_candidates)}" if machine.gpu_candidates else ""
        raise RequestError(
            f"{offer.key} has {told}, and its source does not say which{among}",
            about="gpu",
            suggestions=machine.gpu_candidates,
        )
    before, behind = text[:start], text[stop:]
    if re.search(_ASKED, before, re.I):
        return f"{before}{gpu}{behind}"
    count = 1
    if (match := re.search(_COUNT, before, re.I)) is not None:
        word, digits = match[2], match[3]
        count = int(digits) if digits else _NUMBERS[word.lower()] if word else 1
        before = before[: match.start()]
    return f"{before}{count * machine.gpu_count} x {gpu}{behind}"


def without_provider(text: str, known: Fleet) -> str:
    """The text without its machine's provider, and the word before that."""
    provider = find_provider(text, known)
    if provider is None:
        return text
    before = re.sub(r"\b(?:on|at|in|from|via|of)\s+$", "", text[: provider.start], flags=re.I)
    return before + text[provider.stop :]


def without_others(text: str, offer: Offer) -> str:
    """The text without a second mention of the machine's own GPUs: ``(8x A100 40GB)``, ``, A100 (160GB)``."""
    gpu = offer.machine.seen_gpu
    assert gpu is not None
    place = text.find(f"x {gpu}")
    family = gpu.split("-")[0] if not gpu.startswith(("rtx-", "quadro-")) else "-".join(gpu.split("-")[:2])
    name = re.escape(family).replace("\\-", "[ -]?")
    size = r"(?:[ -]?\d+ ?G(?:i?B)?)?"
    again = re.compile(
        rf"[,(]?\s*(?:\b\d+\s*[x×]\s*)?(?:nvidia\s+)?\b{name}s?\b{size}(?:\s*\(\s*\d+\s*GB\s*\))?\)?", re.I
    )
    if place < 0:
        return text
    end = place + len(f"x {gpu}")
    start = text.rfind(" ", 0, max(place - 1, 0)) + 1
    return again.sub("", text[:start]) + text[start:end] + again.sub("", text[end:])
