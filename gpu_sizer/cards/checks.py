"""What a model card must hold to be right in itself: its counts and its releases' lengths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import CardError
from gpu_sizer.model.inventory import build_inventory

if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue, Shelf


def has_windows_alone(card: ModelCard) -> bool:
    """Whether every layer attends over a window: then the cache stops growing with the context."""
    return all(getattr(block.mixer, "sliding_window", None) for block in card.architecture.blocks.values())


def check_length(card: ModelCard, hub_id: str, tokens: int | None, file: Path | str, key: str) -> None:
    """What is said to have a card's shape is no longer than the card where every layer has a window.

    Raises:
        CardError: it is.
    """
    if tokens is not None and tokens > card.context.native and has_windows_alone(card):
        reason = (
            f"{hub_id}: {tokens:,} tokens are longer than the card's, whose layers all have a window: "
            "a release of another shape needs its own card"
        )
        raise CardError(str(file), key, reason)


#: Sizes in a name, total and active, in billions: 30B-A6B.
_SIZES = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b?[-_]?a(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)
#: By how much a count may be another than a name says: names round, and leave embeddings or towers out of what is
#: active.
_OFF = 0.25


def check_name(card: ModelCard, hub_id: str, file: Path | str) -> None:
    """A repository whose name tells its sizes is no larger than the card, and uses no more of it for a token.

    Raises:
        CardError: it is.
    """
    told = _SIZES.search(hub_id.rpartition("/")[2])
    total, active = card.parameters.total, card.parameters.active
    if told is None or total is None or active is None:
        return
    for word, said, count in (("holds", told[1], total), ("uses", told[2], active)):
        if float(said) * 1e9 > (1 + _OFF) * count:
            reason = f"{hub_id} {word} {said}e9 parameters by its name, the card {count:,}: it needs its own card"
            raise CardError(str(file), f"releases.{hub_id}", reason)


def check_language_model(card: ModelCard, models: Shelf[ModelCard], file: Path | str) -> None:
    """A model made of a text model has its layers: their heads and widths are that card's, with its sources.

    Raises:
        CardError: there is no such card, or its layers are others.
    """
    if card.language_model is None:
        return
    if card.language_model not in models.files:
        raise CardError(str(file), "language_model", f"there is no card {card.language_model!r}")
    ours, theirs = card.architecture, models.get(card.language_model).architecture
    if len(ours.layer_names) != len(theirs.layer_names) or ours.hidden_size != theirs.hidden_size:
        raise CardError(str(file), "language_model", f"{card.language_model} has other widths or another depth")
    for number, (a, b) in enumerate(zip(ours.layer_names, theirs.layer_names, strict=True)):
        if ours.blocks[a] != theirs.blocks[b]:
            raise CardError(str(file), "language_model", f"layer {number} of {card.language_model} is another")


def check_drafts(cards: Catalogue) -> int:
    """Every draft stands among drafts and drafts for known models of its vocabulary; no model stands there.

    Returns their number.

    Raises:
        CardError: the first that does not.
    """
    for identity in cards.drafts.ids():
        check_draft(cards.drafts.get(identity), cards.models, cards.drafts.files[identity])
    return len(cards.drafts.ids())


def check_draft(card: ModelCard, models: Shelf[ModelCard], file: Path | str) -> None:
    """A draft's counts are its inventory's, and it drafts for known models whose tokens it knows.

    Raises:
        CardError: they are not.
    """
    check_card(card, file)
    if card.draft is None:
        raise CardError(str(file), "draft", "missing: a card of this folder says what it drafts for")
    for identity in card.draft.of:
        if identity not in models.files:
            raise CardError(str(file), "draft.of", f"there is no card {identity!r}")
        if models.get(identity).architecture.vocab_size > card.architecture.vocab_size:
            raise CardError(str(file), "draft.of", f"{identity} has a larger vocabulary")


def check_card(card: ModelCard, file: Path | str) -> None:
    """The published counts equal the inventory's, and releases are as long as the card's shape allows.

    Raises:
        CardError: the first that is not so.
    """
    for hub_id in (card.hub_id, *(release.hub_id for release in card.releases)):
        check_name(card, hub_id or "", file)
    for release in card.releases:
        tokens = None if release.context is None else release.context.native
        check_length(card, release.hub_id, tokens, file, f"releases.{release.hub_id}")
    inventory = build_inventory(card)
    for key, published, ours in (
        ("total", card.parameters.total, inventory.total_parameters),
        ("active", card.parameters.active, inventory.active_parameters),
    ):
        if published is not None and published != ours:
            raise CardError(str(file), f"parameters.{key}", f"{published:,} published, the inventory has {ours:,}")
