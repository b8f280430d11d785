"""Ratings against a reference solver, a hand-worked sequence, and a simulation whose truth is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.bradley_terry import win_fractions
from gpu_sizer.arena.elo import expected_score, online_elo
from gpu_sizer.arena.matrix import wins_of
from gpu_sizer.arena.ratings import rate
from gpu_sizer.errors import RequestError
from tests.arena.synthetic import SETS, battles_of, strengths

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())
PEERS = json.loads((Path(__file__).parent / "peers_reference.json").read_text())


def battles(*rows: tuple[str, str, int]) -> Battles:
    """Battles from (first, second, outcome)."""
    models = list(dict.fromkeys(m for a, b, _ in rows for m in (a, b)))
    first = np.array([models.index(a) for a, _, _ in rows], dtype=np.int32)
    second = np.array([models.index(b) for _, b, _ in rows], dtype=np.int32)
    return Battles(tuple(models), first, second, np.array([o for _, _, o in rows], dtype=np.int8), True)


@pytest.mark.parametrize("case", REFERENCE, ids=lambda c: f"seed {c['set'][0]}, {c['set'][2]} battles")
def test_bradley_terry_equals_logistic_regression(case: dict[str, list[float]]) -> None:
    # reference.json is made by tools/arena_reference.py with scikit-learn.
    found = {r.model: r.rating for r in rate(battles_of(*case["set"])).rated}
    for i, expected in enumerate(case["ratings"]):
        assert found[f"model-{i}"] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("peer", ["evalica", "choix"])
@pytest.mark.parametrize("case", PEERS, ids=lambda c: f"seed {c['set'][0]}, {c['set'][2]} battles")
def test_bradley_terry_equals_two_published_packages(case: dict[str, list[float]], peer: str) -> None:
    # peers_reference.json is made by tools/arena_peers.py with evalica 0.4.2 and choix 0.4.1.
    found = {r.model: r.rating for r in rate(battles_of(*case["set"])).rated}
    assert len(case[peer]) == len(found)
    for i, expected in enumerate(case[peer]):
        assert found[f"model-{i}"] == pytest.approx(expected, abs=0.01)


def test_the_reference_is_of_these_sets() -> None:
    assert [tuple(c["set"]) for c in REFERENCE] == SETS
    assert [tuple(c["set"]) for c in PEERS] == SETS


def test_the_reference_is_what_scikit_learn_gives() -> None:
    pytest.importorskip("sklearn")
    from tools.arena_reference import reference

    assert reference(*SETS[0])["ratings"] == pytest.approx(REFERENCE[0]["ratings"], abs=0.01)


def test_two_models_by_hand() -> None:
    # 3 wins of 4: odds 3, so 400 * log10(3) points apart.
    found = rate(battles(("a", "b", 2), ("a", "b", 2), ("a", "b", 2), ("b", "a", 2)), anchor="b", score=1114)
    assert found.of("a").rating == pytest.approx(1114 + 400 * math.log10(3))
    assert found.of("b").rating == pytest.approx(1114)
    assert found.win_rate("a", "b") == pytest.approx(0.75)


def test_online_elo_equals_a_hand_worked_sequence() -> None:
    # K = 4. Equal ratings: the winner takes 2. Then 1002 against 998: expected 1 / (1 + 10^(-4/400)) = 0.505756.
    # b wins: a gives 4 * 0.505756 = 2.023024. Then a (999.976976) and b (1000.023024) tie: expected 0.499934,
    # a takes 4 * (0.5 - 0.499934) = 0.000265. Then c, new, loses to a (999.977241): 4 * (1 - 0.499967) = 2.000131.
    found = online_elo(battles(("a", "b", 2), ("a", "b", 0), ("a", "b", 1), ("c", "a", 0)))
    assert found == pytest.approx([1001.977372, 1000.022759, 997.999869], abs=2e-6)
    assert sum(found) == pytest.approx(3000)


def test_expected_score_is_one_in_eleven_at_400_points() -> None:
    assert expected_score(1000, 1400) == pytest.approx(1 / 11)


def test_intervals_cover_the_truth_near_95_percent_of_the_time() -> None:
    models, hits, total = 8, 0, 0
    truth = strengths(11, models) * 400 / math.log(10)
    for draw in range(1, 101):
        for r in rate(battles_of(11, models, 1_500, 0.0, draw), rounds=300, seed=draw).rated:
            assert r.low is not None
            assert r.high is not None
            hits += r.low <= 1000 + truth[int(r.model.removeprefix("model-"))] <= r.high
            total += 1
    assert 0.92 <= hits / total <= 0.97


def test_the_seed_fixes_the_intervals() -> None:
    chosen = battles_of(*SETS[1])
    assert rate(chosen, rounds=50, seed=3) == rate(chosen, rounds=50, seed=3)
    assert rate(chosen, rounds=50, seed=3) != rate(chosen, rounds=50, seed=4)


def test_ranks_share_where_intervals_meet() -> None:
    found = rate(battles_of(*SETS[2]), rounds=200)
    for r in found.rated:
        assert r.rank == 1 + sum(other.low > r.high for other in found.rated)  # type: ignore[operator]
    assert len({r.rank for r in found.rated}) < len(found.rated)


def test_a_model_that_never_loses_is_told_and_changes_nothing() -> None:
    rows = [("a", "b", 2), ("b", "a", 2), ("b", "c", 2), ("c", "b", 2), ("a", "c", 1)]
    plain = rate(battles(*rows))
    found = rate(battles(*rows, ("god", "a", 2), ("god", "b", 2), ("c", "worm", 2)))
    assert {u.models: u.reason.split(":")[0] for u in found.unrated} == {
        ("god",): "never lost or tied against the rated models",
        ("worm",): "never won or tied against the rated models",
    }
    assert [(r.model, pytest.approx(r.rating)) for r in plain.rated] == [(r.model, r.rating) for r in found.rated]
    assert any("god" in w for w in found.warnings)


def test_groups_that_never_met_are_told() -> None:
    big = [("a", "b", 2), ("b", "a", 2), ("a", "b", 1)]
    found = rate(battles(*big, ("x", "y", 2), ("y", "x", 2)))
    assert [r.model for r in found.rated] == ["a", "b"]
    assert found.unrated[0].models == ("x", "y")
    assert "no chain of battles" in found.unrated[0].reason


def test_a_round_in_which_a_model_loses_nothing_opens_its_interval() -> None:
    rows = [("a", "b", 2)] * 12 + [("b", "a", 2)] + [("b", "c", 2), ("c", "b", 2)] * 20
    found = rate(battles(*rows), rounds=400)
    assert found.of("a").high == math.inf
    assert any("open" in w for w in found.warnings)
    assert found.model_dump()["ratings"][0]["high"] is None


def test_shares_of_wins_leave_ties_out() -> None:
    chosen = battles(("a", "b", 2), ("b", "a", 2), ("a", "b", 2), ("a", "b", 1), ("b", "c", 1))
    fractions, counts = win_fractions(chosen)
    assert fractions[0, 1] == pytest.approx(2 / 3)
    assert counts[0, 1] == 3
    assert math.isnan(fractions[1, 2])
    wins = wins_of(chosen, rate(chosen))
    assert wins.fractions[wins.models.index("b")][wins.models.index("c")] is None


BAD = {
    "method": ({"method": "guess"}, "bradley-terry or elo"),
    "rounds": ({"rounds": -1}, "between 0 and"),
    "level": ({"level": 1.0}, "from 0.5 to below 1"),
    "seed": ({"seed": -1}, "0 or more"),
    "score": ({"score": math.nan}, "must be a number"),
    "anchor": ({"anchor": "nobody"}, "fought no battle"),
}


@pytest.mark.parametrize("name", BAD)
def test_values_that_make_no_sense_are_refused(name: str) -> None:
    options, told = BAD[name]
    with pytest.raises(RequestError, match=told):
        rate(battles(("a", "b", 2), ("b", "a", 2)), **options)  # type: ignore[arg-type]


def test_an_anchor_without_a_rating_is_refused() -> None:
    rows = [("a", "b", 2), ("b", "a", 2), ("god", "a", 2)]
    with pytest.raises(RequestError, match="no finite rating"):
        rate(battles(*rows), anchor="god")


def test_one_sided_battles_cannot_be_rated() -> None:
    with pytest.raises(RequestError, match="only wins of one side"):
        rate(battles(("a", "b", 2), ("b", "c", 2)))
