"""The shipped model cards: every fact has a source, counts are exact, names mean one thing, dates are sane."""

from __future__ import annotations

import json
from datetime import date
from math import prod
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import Shelf, catalogue
from gpu_sizer.cards.model_card import ContextLength, ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.model.inventory import build_inventory

#: GPT-2 is older than every model here; nothing is released after the day of the test.
FIRST, TODAY = date(2019, 2, 1), date.today()
#: Licences that the Open Source Initiative has approved, by SPDX identifier.
OPEN = {"AGPL-3.0", "Apache-2.0", "MIT", "BSD-3-Clause"}


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
            assert source.package or str(source.url).startswith(("https://", "http://")), (card.id, source.url)
            assert source.facts.strip(), (card.id, source)
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


#: Releases whose shape was once taken for that of another card's: what is kept for each token, or a count.
SHAPES = [
    pytest.param("microsoft/Phi-3-medium-128k-instruct", "window", None, id="Phi-3 Medium 128k has no window"),
    pytest.param("numind/NuExtract-1.5", "window", None, id="NuExtract 1.5 is Phi-3.5's shape"),
    pytest.param("flowaicom/Flow-Judge-v0.1", "window", None, id="Flow Judge is Phi-3.5's shape"),
    pytest.param("SciPhi/Triplex", "window", None, id="Triplex is the 128k members' shape"),
    pytest.param("mistralai/Pixtral-Large-Instruct-2411", "window", None, id="Pixtral Large has none"),
    pytest.param("prometheus-eval/prometheus-7b-v2.0", "window", None, id="Prometheus 2 is Mistral v0.2's"),
    pytest.param("segolilylabs/Lily-Cybersecurity-7B-v0.2", "window", None, id="Lily is Mistral v0.2's"),
    pytest.param("mistralai/Mistral-7B-v0.1", "window", 4096, id="Mistral v0.1 keeps its window"),
    pytest.param("microsoft/Phi-3-mini-4k-instruct", "window", 2047, id="Phi-3 Mini 4k keeps its window"),
    pytest.param("meta-llama/Llama-3.1-405B-Instruct-FP8", "heads", 8, id="405B in float8 has eight key/value heads"),
    pytest.param("meta-llama/Llama-3.1-405B-FP8", "total", 405_853_388_800, id="405B in float8 has as many values"),
    pytest.param("meta-llama/Llama-4-Scout-17B-16E-Instruct", "tower", 871_932_416, id="Scout has Maverick's tower"),
    pytest.param("ibm-granite/granite-4.1-8b-base", "total", 8_380_551_168, id="the base ties its head"),
    pytest.param("ibm-granite/granite-4.1-8b", "total", 8_791_592_960, id="the instruct release does not"),
    pytest.param("zai-org/GLM-4.7", "total", 352_797_814_784, id="GLM-4.7 has GLM-4.6's biases and norms"),
    pytest.param("tiiuae/Falcon-H1-7B-Base", "total", 7_585_648_736, id="a base with a row less"),
    pytest.param("mistralai/Mixtral-8x22B-Instruct-v0.1", "total", 140_630_071_296, id="more rows than the base"),
    pytest.param("teknium/OpenHermes-2.5-Mistral-7B", "total", 7_241_748_480, id="two rows more than Mistral"),
    pytest.param("DavidAU/Qwen3-30B-A6B-16-Extreme", "experts", 16, id="sixteen experts for each token"),
]


@pytest.mark.parametrize(("name", "what", "right"), SHAPES)
def test_releases_have_their_own_shape(name: str, what: str, right: int | None) -> None:
    card = catalogue().model(name)
    blocks = card.architecture.blocks.values()
    inventory = build_inventory(card)
    found = {
        "window": {getattr(b.mixer, "sliding_window", None) for b in blocks},
        "heads": {getattr(b.mixer, "num_key_value_heads", None) for b in blocks},
        "experts": {getattr(b.feed_forward, "num_experts_per_tok", None) for b in blocks},
        "total": {inventory.total_parameters},
        "tower": {sum(prod(t.shape) * t.copies for t in inventory.towers)},
    }
    assert found[what] == {right}
