"""Models whose weights nobody can download: known by name, and not sized."""

from __future__ import annotations

import os

from gpu_sizer.cards.catalogue import code_folders, data_folder
from gpu_sizer.cards.folders import LIGHT_FOLDERS
from gpu_sizer.cards.names import normal
from gpu_sizer.errors import UnknownModelError
from gpu_sizer.fast.compiled import Recipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Services that have one name for all their models, none of which is public.
SERVICES = ("chatgpt", "gpt4", "gpt5", "claude", "gemini", "copilot")
#: Letters of the shortest name, and of the shortest beginning of one that says enough.
_SHORTEST, _BEGINNING = 2, 4


def _made() -> dict[str, Any]:
    from gpu_sizer.cards.light_card import light_cards

    closed = [card for card in light_cards() if not card.open]
    return {"names": {normal(n): card.name for card in closed for n in (card.id, *card.arena_names, card.name)}}


def recipe() -> Recipe:
    """What the compiled names are made from."""
    folders = tuple(os.path.join(data_folder("model_cards"), name) for name in LIGHT_FOLDERS)
    return Recipe("closed", folders, _made, code=code_folders())


def closed_names() -> dict[str, str]:
    """The normal form of every name of a model that is not public -> its name as people write it."""
    compiled = recipe().current()
    names: dict[str, str] = compiled.entry("names") if compiled is not None else _made()["names"]
    return names


def closed_model(name: str) -> UnknownModelError | None:
    """The error for a model of which only a service is public, null for other names.

    Args:
        name: as it was written, perhaps with a word too many.
    """
    wanted = normal(name)
    if len(wanted) < _SHORTEST:
        return None
    names = closed_names()
    if wanted in names:
        return _error(names[wanted])
    if any(wanted.startswith(n) or _begins(n, wanted) for n in names):
        return _error(name)
    service = next((s for s in SERVICES if s in wanted), None)
    return _error(" ".join(name.split()[:3]) if wanted.startswith(service) else service) if service else None


def _begins(name: str, wanted: str) -> bool:
    """Whether a name goes on where what was written ends, with no figure between: ``gpt 4`` of GPT-4 Turbo."""
    return len(wanted) >= _BEGINNING and name.startswith(wanted) and not name[len(wanted) : len(wanted) + 1].isdigit()


def _error(name: str) -> UnknownModelError:
    return UnknownModelError(
        f"{name[:60]!r} cannot be sized: its weights are not public, it is only reached through its maker's service"
    )
