"""The shipped model cards: every fact has a source, counts are exact, names mean one thing, dates are sane."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import Shelf, catalogue
from gpu_sizer.cards.model_card import ContextLength, ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.model.inventory import build_inventory

#: GPT-2 is older than every model here; nothing is released after the day of the test.
FIRST, TODAY = date(2019, 2, 1), date.today()
#: Licences that the Open Source Initiative has approved, by SPDX identifier.
OPEN = {"Apache-2.0", "MIT", "BSD-3-Clause"}


@pytest.fixture(scope="module")
def shelf() -> Shelf[ModelCard]:
    return catalogue().models


@pytest.fixture(scope="module")
def cards(shelf: Shelf[ModelCard]) -> list[ModelCard]:
    return shelf.all()


def test_the_catalogue_is_as_large_as_promised(cards: list[ModelCard]) -> None:
    assert len(cards) >= 120
    assert sum(card.parameters.total is not None for card in cards) >= 110


def test_every_card_says_where_its_facts_come_from(cards: list[ModelCard]) -> None:
    for card in cards:
        assert card.sources, card.id
        for source in card.sources:
            assert source.url.startswith(("https://", "http://")), (card.id, source.url)
            assert (source.facts or "").strip(), (card.id, source.url)
        said = " ".join(source.facts or "" for source in card.sources)
        if card.license is not None:
            assert "licence" in said, f"{card.id}: no source names its licence"
        if card.released is not None:
            assert "date" in said, f"{card.id}: no source names its release date"


def test_a_card_tells_each_thing_once(cards: list[ModelCard]) -> None:
    for card in cards:
        assert len(set(card.notes)) == len(card.notes), card.id


def test_counts_are_those_of_the_architecture(cards: list[ModelCard]) -> None:
    wrong = {}
    for card in cards:
        total, active = card.parameters.total, card.parameters.active
        if total is None and active is None:
            continue
        inventory = build_inventory(card)
        found = inventory.total_parameters, inventory.active_parameters
        if (total is not None and total != found[0]) or (active is not None and active != found[1]):
            wrong[card.id] = (total, active, *found)
    assert not wrong


def test_counts_are_those_that_the_hub_gives(shelf: Shelf[ModelCard]) -> None:
    lines = (Path(__file__).parents[1] / "oracle" / "hub_counts.jsonl").read_text(encoding="utf-8").splitlines()
    given = {line["hf_id"]: line["total"] for line in map(json.loads, lines)}
    found = {name: build_inventory(shelf.get(shelf.lookup(name) or "")).total_parameters for name in given}
    assert found == given
    assert len(given) >= 200


def test_every_spelling_means_the_card_that_bears_it(shelf: Shelf[ModelCard], cards: list[ModelCard]) -> None:
    for card in cards:
        for name in (card.id, card.hub_id, *card.aliases, *(release.hub_id for release in card.releases)):
            if name is not None:
                assert shelf.lookup(name) == card.id, f"{name!r} of {card.id}"


def test_no_name_of_the_arena_is_claimed_twice(cards: list[ModelCard]) -> None:
    owners: dict[str, str] = {}
    for card in cards:
        for name in card.arena_names:
            assert owners.setdefault(normal(name), card.id) == card.id, name


def test_dates_are_plausible(cards: list[ModelCard]) -> None:
    for card in cards:
        days = [card.released, *(release.released for release in card.releases)]
        for day in days:
            assert day is None or FIRST <= day <= TODAY, (card.id, day)


def test_a_longer_context_says_how_it_is_reached(cards: list[ModelCard]) -> None:
    lengths: list[tuple[str, ContextLength]] = []
    for card in cards:
        both = (card.context, *(release.context for release in card.releases))
        lengths += [(card.id, length) for length in both if length is not None]
    assert any(length.extended for _, length in lengths)
    for identity, length in lengths:
        if length.extended is not None:
            assert length.extended > length.native, identity
            assert length.method, identity


def test_an_open_licence_is_one_that_is_approved(cards: list[ModelCard]) -> None:
    for card in cards:
        if card.open_license:
            assert card.license in OPEN, f"{card.id}: {card.license}"
        if card.license is None:
            assert card.open_license is None, card.id
