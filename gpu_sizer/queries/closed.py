"""Models whose weights nobody can download: known by name, and not sized."""

from __future__ import annotations

from gpu_sizer.cards.names import normal
from gpu_sizer.errors import UnknownModelError

#: Families of which no member's weights are public, as people call them.
FAMILIES = ("chatgpt", "claude", "gemini", "copilot", "bard", "grok 4", "grok 5", "sonnet", "opus", "haiku")


def closed_model(name: str) -> UnknownModelError | None:
    """The error for a model of which only a service is public, null for other names.

    Args:
        name: as it was written, perhaps with a word too many.
    """
    from gpu_sizer.cards.light_card import light_cards

    wanted = normal(name)
    if len(wanted) < 2:  # noqa: PLR2004 - o1 is the shortest name
        return None
    for card in light_cards():
        spelt = {normal(n) for n in (card.id, card.name, *card.arena_names)}
        if not card.open and any(wanted == n or wanted.startswith(n) or _begins(n, wanted) for n in spelt):
            return _error(card.name if wanted in spelt else name)
    family = next((f for f in FAMILIES if normal(f) in wanted), None)
    return _error(name) if family else None


def _begins(name: str, wanted: str) -> bool:
    """Whether a name goes on where what was written ends, with no figure between: ``gpt 4`` of GPT-4 Turbo."""
    return len(wanted) > 3 and name.startswith(wanted) and not name[len(wanted) : len(wanted) + 1].isdigit()


def _error(name: str) -> UnknownModelError:
    return UnknownModelError(
        f"{name[:60]!r} cannot be sized: its weights are not public, it is only reached through its maker's service"
    )
