"""Ratings beside style, and pairs counted alike: equal to the Arena's own package, and to the truth in simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_sizer.arena.bradley_terry import POINTS
from gpu_sizer.arena.ratings import Ratings, rate
from gpu_sizer.errors import RequestError
from gpu_sizer.records import replace
from tests.arena.synthetic import battles_of, strengths, styled_battles

#: Made by tools/arena_style_reference.py with arena-rank 0.1.1.
REFERENCE: list[dict[str, Any]] = json.loads((Path(__file__).parent / "style_reference.json").read_text())


def by_name(found: Ratings) -> list[float]:
    return [r.rating for r in sorted(found.rated, key=lambda r: r.model)]


@pytest.mark.parametrize("made", REFERENCE, ids=lambda r: f"{r['set'][1]} models, weights {r['weights']}")
def test_the_arenas_own_package_agrees(made: dict[str, Any]) -> None:
    battles = styled_battles(*made["set"])
    found = rate(battles, weights=made["weights"])
    # Its optimiser stops a hundredth of a point short of the maximum.
    assert by_name(found) == pytest.approx(made["ratings"], abs=0.02)
    assert [points / POINTS for _, points in found.style] == pytest.approx(made["coefficients"], abs=1e-4)
    width = [(r.high - r.low) / 2 / 1.959964 for r in sorted(found.rated, key=lambda r: r.model)]
    assert width == pytest.approx(made["deviations"], rel=5e-3)
    plain = rate(replace(battles, features=None, control="none"), weights=made["weights"])
    assert by_name(plain) == pytest.approx(made["plain"], abs=0.01)


def test_style_is_told_apart_from_strength() -> None:
    """One model writes at greater length: without control that is taken for strength, with it nearly nothing is."""
    seed, models, worth = 5, 8, (0.0, 0.0, 0.0, 0.0)
    battles = styled_battles(seed, models, 60_000, 0.0, worth, skew=0.0)
    generator = np.random.default_rng(3)
    long = generator.normal(0, 0.3, len(battles)) + 0.6 * ((battles.first == 0).astype(float) - (battles.second == 0))
    features = np.zeros((len(battles), 4), dtype=np.float32)
    features[:, 0] = long
    truth = strengths(seed, models)
    odds = truth[battles.first] - truth[battles.second] + 1.0 * long
    outcome = np.where(generator.random(len(battles)) < 1 / (1 + np.exp(-odds)), 2, 0).astype(np.int8)
    battles = replace(battles, outcome=outcome, features=features)
    true_points = truth[0] * POINTS + 1000
    plain = rate(replace(battles, features=None, control="none")).of("model-00").rating
    controlled = rate(battles).of("model-00")
    assert plain - true_points > 60
    assert controlled.low < true_points < controlled.high
    assert controlled.high - controlled.low < 25


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = total = 0
    for seed in range(40):
        battles = styled_battles(100 + seed, 6, 1_500, 0.2, (0.3, 0.0, 0.1, 0.0))
        # A tie is half a win, whatever the strengths, so the maximum lies at (1 - ties) of a vote: compare at ties = 0.
        battles = replace(battles, outcome=styled_battles(100 + seed, 6, 1_500, 0.0, (0.3, 0.0, 0.1, 0.0)).outcome)
        truth = strengths(100 + seed, 6) * POINTS + 1000
        found = rate(battles)
        for index, name in enumerate(battles.models):
            rating = found.of(name)
            inside += rating.low <= truth[index] <= rating.high
            total += 1
    assert 0.91 < inside / total < 0.99


def test_a_feature_that_never_changes_moves_nothing() -> None:
    battles = styled_battles(11, 6, 4_000, 0.2, (0.4, 0.1, 0.0, -0.2))
    features = battles.features.copy()
    features[:, 2] = 0.25
    found = rate(replace(battles, features=features))
    assert found.style[2] == ("lists", pytest.approx(0.0, abs=1e-9))
    assert all(np.isfinite(r.rating) for r in found.rated)


def test_pairs_count_alike_however_often_they_met() -> None:
    battles = battles_of(3, 6, 3_000, 0.1)
    twice = np.flatnonzero((battles.first == 0) & (battles.second == 1))
    more = replace(
        battles,
        first=np.append(battles.first, np.repeat(battles.first[twice], 9)),
        second=np.append(battles.second, np.repeat(battles.second[twice], 9)),
        outcome=np.append(battles.outcome, np.repeat(battles.outcome[twice], 9)),
    )
    plain = [by_name(rate(b)) for b in (battles, more)]
    weighted = [by_name(rate(b, weights="pair")) for b in (battles, more)]
    assert np.abs(np.subtract(*plain)).max() > 1
    # Only the order within the pair counts now: its share of wins changes a little, since b met a as well.
    assert np.abs(np.subtract(*weighted)).max() < np.abs(np.subtract(*plain)).max()
    assert rate(battles, weights="pair", rounds=20).rated[0].low is not None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"weights": "model"}, "--weights is none or pair"),
        ({"method": "elo", "weights": "pair"}, "neither weights nor a control"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        rate(battles_of(1, 5, 400, 0.0), **options)
