"""Names of releases told in part: ``r1 distill llama 70b`` is DeepSeek-R1-Distill-Llama-70B."""

from __future__ import annotations

from gpu_sizer.cards.families import is_size, parts
from gpu_sizer.cards.names import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Shelf
    from gpu_sizer.cards.model_card import ModelCard

#: Words that a name in part has at least: its size, and what tells it from others of that size.
LEAST = 2


def release_in_part(words: Sequence[str], shelf: Shelf[ModelCard]) -> tuple[str, str] | None:
    """The card and the hub id of the one release whose name holds all of some words in order, the size among them.

    Args:
        words: as they were written.
        shelf: the models.

    Returns:
        Of several releases of one card the one with the shortest name; null where none is meant, or several cards are.
    """
    wanted = [p for word in words for p in parts(word)]
    if len(wanted) < LEAST or not any(map(is_size, wanted)) or all(map(is_size, wanted)):
        return None
    keys = [normal(word) for word in words]
    likely = {identity for name, identity in shelf.index.items() if _holds(name, keys)}
    found = [
        (len(hub_id), identity, hub_id)
        for identity in likely
        for hub_id in _hub_ids(shelf.get(identity))
        if _in_order(wanted, _parts(hub_id))
    ]
    cards = {identity for _, identity, _ in found}
    return min(found)[1:] if len(cards) == 1 else None


def _holds(name: str, keys: Sequence[str]) -> bool:
    at = 0
    for key in keys:
        at = name.find(key, at)
        if at < 0:
            return False
        at += len(key)
    return True


def _hub_ids(card: ModelCard) -> list[str]:
    return [*([card.hub_id] if card.hub_id else []), *(release.hub_id for release in card.releases)]


def _parts(hub_id: str) -> list[str]:
    """The parts of a hub id's name: ``DeepSeek-R1-Distill-Llama-70B`` in five, a version without its v."""
    words = hub_id.rpartition("/")[2].lower().replace("_", "-").split("-")
    return [p.removeprefix("v") if p[1:2].isdigit() else p for word in words for p in parts(word)]


def _in_order(wanted: Sequence[str], whole: Sequence[str]) -> bool:
    left = iter(whole)
    return all(any(w.removeprefix("v") == p if w[1:2].isdigit() else w == p for p in left) for w in wanted)
