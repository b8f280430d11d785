"""Near spellings among thousands of names: the same as comparing every one, without comparing every one."""

from __future__ import annotations

from difflib import SequenceMatcher
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import UnknownModelError, load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.likeness import SUGGEST, KnownNames

INDEX = catalogue().models.index
KEYS = sorted(INDEX)
SPELLINGS = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789.", min_size=1, max_size=40),
    st.builds(
        lambda key, place, letters: key[: place % (len(key) + 1)] + letters + key[place % (len(key) + 1) + 1 :],
        st.sampled_from(KEYS),
        st.integers(0, 60),
        st.text("aelmnorstx.0178", max_size=4),
    ).filter(bool),
)


def nearest_of_all(wanted: str, count: int = 3) -> list[str]:
    """The nearest ids, every key compared."""
    found: dict[str, float] = {}
    for key, identity in INDEX.items():
        bonus = 0.3 if key.startswith(wanted) or wanted.startswith(key) else 0.0
        score = SequenceMatcher(None, key, wanted, autojunk=False).ratio() + bonus
        found[identity] = max(score, found.get(identity, 0.0))
    return sorted((i for i in found if found[i] >= SUGGEST), key=lambda i: (-found[i], i))[:count]


@settings(max_examples=15, deadline=None)
@given(wanted=SPELLINGS)
def test_the_nearest_are_those_of_comparing_every_name(wanted: str) -> None:
    assert catalogue().models.known.nearest(wanted) == nearest_of_all(wanted)


def test_few_names_are_compared_letter_by_letter() -> None:
    names = KnownNames(INDEX)
    with patch("gpu_sizer.cards.likeness.SequenceMatcher.ratio", autospec=True, return_value=0.6) as compared:
        assert names.nearest("mixtrall9x8b")
    assert len(INDEX) > 2000
    assert compared.call_count < 100


def test_a_name_is_looked_up_once() -> None:
    name = "NousResearch/Hermes-3-Llama-3.1-8B"
    first = load_model(name)
    with patch("gpu_sizer.cards.model_card.ModelCard.as_release") as renamed:
        # The same object: what engines prepared for it is found again.
        assert load_model(name) is first
    assert not renamed.called


def test_names_that_are_none_are_not_kept() -> None:
    with pytest.raises(UnknownModelError):
        load_model("no such model at all")
    assert "no such model at all" not in catalogue()._named
