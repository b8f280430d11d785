"""Plans are read whole, reasons and alternatives included, of every kind of cache under every engine that takes it."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import memory_need, size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.memory.activations import is_compressed

_LENGTHS: dict[str, Any] = {"prompt": 1024, "answer": 256, "max_gpus": 24}
#: Loads that fit, and that do not: by their memory, and by their speed.
LOADS: tuple[dict[str, Any], ...] = (
    {"context": 2048, "users": 4, "max_gpus": 24},
    {"context": 4096, "users": 2000, "max_gpus": 2},
    {"users": 4, "tokens_per_second": 2, **_LENGTHS},
    {"users": 100, "tokens_per_second": 900, **_LENGTHS},
)


def _kind(card: ModelCard) -> frozenset[tuple[Any, ...]]:
    """What a card's mixers are, by all that an engine may ask of their caches."""
    return frozenset(
        (
            *(m.kind, m.latent, m.compressed, m.reads_states, m.sliding_window is not None, m.tokens_per_key > 1),
            *(m.indexer is not None, m.short_convolutions is not None, len(block.mixers), block.passes > 1),
        )
        for block in card.architecture.blocks.values()
        for m in block.mixers
    )


def _smallest() -> list[ModelCard]:
    """Of each kind of cache the card with the least weights."""
    models = catalogue().models
    found: dict[frozenset[tuple[Any, ...]], ModelCard] = {}
    for card in sorted(models.all(), key=lambda c: (models.counts(c).layer_bytes, c.id)):
        found.setdefault(_kind(card), card)
    return list(found.values())


CARDS = _smallest()


def test_every_kind_of_cache_is_among_them() -> None:
    kinds = {kind for card in CARDS for kind in card.mixer_kinds}
    assert kinds == {kind for card in catalogue().models.all() for kind in card.mixer_kinds}
    assert any(is_compressed(card.architecture) for card in CARDS)


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_plan_is_read_whole(card: ModelCard, engine: str) -> None:
    for load in LOADS:
        try:
            plan = size(card, gpu="h100", engine=engine, **load)
        except (RequestError, UncountableError):
            continue
        told = plan.model_dump()
        assert told["gpu_count"] == plan.gpu_count
        assert (told["reason"] is None) == plan.fits


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_need_is_told_whole(card: ModelCard, engine: str) -> None:
    try:
        need = memory_need(card, engine=engine)
    except (RequestError, UncountableError):
        return
    told = need.model_dump()
    assert told["memory"]["weights_bytes"] > 0
    assert told["memory"]["kv_cache_bytes"] >= 0
