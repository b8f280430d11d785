"""One rating of a file of battles: estimates, intervals, ranks, and whom they leave out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.bootstrap import bootstrap_strengths, limits
from gpu_sizer.arena.bradley_terry import POINTS, maximum_likelihood, pair_weights, weight_matrix, win_matrix
from gpu_sizer.arena.choosing import CONTROLS
from gpu_sizer.arena.connections import Group, comparable
from gpu_sizer.arena.controlled import fit, standardised
from gpu_sizer.arena.elo import START, expected_score, online_elo
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ("bradley-terry", "elo")
WEIGHTS = ("none", "pair")
LEVEL = 0.95
MOST_ROUNDS = 100_000
MOST_MODELS = 2_000

_REASONS = {
    "unbeaten": "never lost or tied against the rated models: no finite rating is high enough",
    "winless": "never won or tied against the rated models: no finite rating is low enough",
    "disconnected": "no chain of battles leads to the rated models: nothing tells where it stands",
}


@dataclass(frozen=True, slots=True)
class Rating:
    """One model's rating in points; ``low`` and ``high`` bound its interval (infinite where the battles allow it)."""

    model: str
    rating: float
    battles: int
    rank: int
    """1 + the models whose interval lies wholly above this one's (the Arena's rule): ties share a rank."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Unrated:
    """Models that have no finite rating beside the others."""

    models: tuple[str, ...]
    battles: tuple[int, ...]
    """Of each model."""
    reason: str

    @property
    def counted(self) -> tuple[tuple[str, int], ...]:
        """Each model with its battles."""
        return tuple(zip(self.models, self.battles, strict=True))


@dataclass(frozen=True, slots=True)
class Ratings:
    """Every model of the battles: rated, best first, or told why not."""

    method: str
    rated: tuple[Rating, ...]
    unrated: tuple[Unrated, ...]
    battles: int
    anchor: str | None
    rounds: int
    level: float
    warnings: tuple[str, ...]
    control: str = "none"
    """What the ratings are controlled for: a key of ``choosing.CONTROLS``."""
    style: tuple[tuple[str, float], ...] = ()
    """For each feature controlled for: the points that one standard deviation more of it is worth."""
    weights: str = "none"

    def of(self, model: str) -> Rating:
        """One model's rating.

        Raises:
            RequestError: it was not rated.
        """
        for rating in self.rated:
            if rating.model == model:
                return rating
        raise RequestError(f"{model!r} is not among the {len(self.rated)} models rated")

    def win_rate(self, model: str, other: str) -> float:
        """The predicted share of points that one model takes from another."""
        return expected_score(self.of(model).rating, self.of(other).rating)

    def model_dump(self) -> dict[str, Any]:
        """Plain data; an infinite limit is null."""
        return {
            "method": self.method,
            "battles": self.battles,
            "anchor": self.anchor,
            "rounds": self.rounds,
            "level": self.level,
            "control": self.control,
            "style": {name: round(points, 4) for name, points in self.style},
            "weights": self.weights,
            "ratings": [
                {
                    "rank": r.rank,
                    "model": r.model,
                    "rating": round(r.rating, 4),
                    "low": _finite(r.low),
                    "high": _finite(r.high),
                    "battles": r.battles,
                }
                for r in self.rated
            ],
            "unrated": [
                {"models": list(u.models), "battles": list(u.battles), "reason": u.reason} for u in self.unrated
            ],
            "warnings": list(self.warnings),
        }


def _finite(value: float | None) -> float | None:
    return round(value, 4) if value is not None and math.isfinite(value) else None


def _subset(battles: Battles, kept: Sequence[int]) -> Battles:
    """Battles among some models only."""
    if len(kept) == len(battles.models):
        return battles
    new = np.full(len(battles.models), -1, dtype=np.int32)
    new[list(kept)] = np.arange(len(kept), dtype=np.int32)
    first, second = new[battles.first], new[battles.second]
    inside = (first >= 0) & (second >= 0)
    return Battles(
        tuple(battles.models[i] for i in kept),
        first[inside],
        second[inside],
        battles.outcome[inside],
        battles.timed,
        battles.problems,
        battles.left_out,
        battles.copies,
        None if battles.features is None else battles.features[inside],
        battles.control,
    )


def _ranks(low: Sequence[float], high: Sequence[float]) -> list[int]:
    return [1 + sum(other > h for other in low) for h in high]


def _played(battles: Battles) -> NDArray[np.int64]:
    n = len(battles.models)
    result: NDArray[np.int64] = np.bincount(battles.first, minlength=n) + np.bincount(battles.second, minlength=n)
    return result


def _anchor(models: Sequence[str], anchor: str | None, rated: Sequence[int]) -> int | None:
    """The anchor's place among the rated models."""
    if anchor is None:
        return None
    if anchor not in models:
        raise RequestError(f"the anchor {anchor!r} fought no battle in the file")
    if (place := models.index(anchor)) not in rated:
        raise RequestError(f"the anchor {anchor!r} has no finite rating beside the others")
    return list(rated).index(place)


def _unrated(battles: Battles, groups: Sequence[Group]) -> tuple[Unrated, ...]:
    played = _played(battles)
    return tuple(
        Unrated(
            tuple(battles.models[i] for i in g.members), tuple(int(played[i]) for i in g.members), _REASONS[g.reason]
        )
        for g in groups
    )


def _warnings(battles: Battles, unrated: Sequence[Unrated]) -> list[str]:
    told = [str(p) for p in (*battles.problems, *battles.left_out)]
    if battles.copies:
        votes = "1 vote is an exact copy" if battles.copies == 1 else f"{battles.copies:,} votes are exact copies"
        told.append(f"{votes} of another (the same models, outcome and time); counted all the same")
    for u in unrated:
        names = ", ".join(u.models[:4]) + (f" and {len(u.models) - 4} more" if len(u.models) > 4 else "")
        told.append(f"not rated: {names}: {u.reason}")
    return told


def rate(
    battles: Battles,
    *,
    method: str = "bradley-terry",
    anchor: str | None = None,
    score: float = START,
    rounds: int = 0,
    seed: int = 0,
    level: float = LEVEL,
    weights: str = "none",
    advance: Callable[[int], None] | None = None,
) -> Ratings:
    """Ratings of every model in some battles; controlled for style where the battles bring features.

    Args:
        battles: at least one.
        method: ``bradley-terry`` (maximum likelihood, order does not matter) or ``elo`` (online, in order of time).
        anchor: the model that gets the score; without one, the mean of all does.
        score: points of the anchor.
        rounds: bootstrap rounds for intervals (Bradley–Terry only); 0 for none. Ratings that are controlled for style
            have their intervals from the sandwich estimator instead, which needs none.
        seed: of the bootstrap.
        level: of the intervals, 0.95 for 95 %.
        weights: ``pair`` lets every pair of models count alike, however often it met; ``none`` every battle.
        advance: called with the rounds done since the last call.

    Raises:
        RequestError: a value that makes no sense, or an anchor that has no rating.
    """
    if method not in METHODS:
        raise RequestError(f"rated how? {' or '.join(METHODS)}, not {method[:40]!r}")
    if weights not in WEIGHTS:
        raise RequestError(f"--weights is {' or '.join(WEIGHTS)}, not {weights[:40]!r}")
    if method == "elo" and (weights != "none" or battles.features is not None):
        raise RequestError("online Elo has neither weights nor a control for style; leave them out")
    if not 0 <= rounds <= MOST_ROUNDS:
        raise RequestError(f"bootstrap rounds must be between 0 and {MOST_ROUNDS:,}, not {rounds}")
    if not 0.5 <= level < 1:
        raise RequestError(f"the level of an interval must be from 0.5 to below 1, not {level}")
    if not math.isfinite(score):
        raise RequestError("the anchor's score must be a number")
    if seed < 0:
        raise RequestError(f"the seed must be 0 or more, not {seed}")
    if len(battles.models) > MOST_MODELS:
        raise RequestError(
            f"{len(battles.models):,} models are more than the {MOST_MODELS:,} that can be rated at once"
        )
    if method == "elo":
        return _by_elo(battles, anchor, score)
    return _by_likelihood(battles, anchor, score, rounds, seed, level, weights, advance)


def _by_elo(battles: Battles, anchor: str | None, score: float) -> Ratings:
    everyone = range(len(battles.models))
    place = _anchor(battles.models, anchor, everyone)
    ratings = online_elo(battles)
    if place is not None:
        ratings = [r - ratings[place] + score for r in ratings]
    elif score != START:
        ratings = [r - START + score for r in ratings]
    played = _played(battles)
    order = sorted(everyone, key=lambda i: (-ratings[i], battles.models[i]))
    ranks = _ranks(ratings, ratings)
    rated = tuple(Rating(battles.models[i], ratings[i], int(played[i]), ranks[i]) for i in order)
    warnings = _warnings(battles, ())
    if not battles.timed:
        warnings.append("no time stamp on every battle: online Elo took them in the order of the file")
    return Ratings("elo", rated, (), len(battles), anchor, 0, LEVEL, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Points of the rated models with their intervals, and what style is worth."""

    points: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    style: tuple[tuple[str, float], ...] = ()


def _by_likelihood(
    battles: Battles,
    anchor: str | None,
    score: float,
    rounds: int,
    seed: int,
    level: float,
    weights: str,
    advance: Callable[[int], None] | None,
) -> Ratings:
    kept, groups = comparable(win_matrix(battles))
    place = _anchor(battles.models, anchor, kept)
    unrated = _unrated(battles, groups)
    inner = _subset(battles, kept)
    warnings = _warnings(battles, unrated)
    if not len(inner):
        raise RequestError(
            "no two models can be rated together: each pair has only wins of one side; more battles are needed"
        )
    if inner.features is not None:
        estimate, rounds = _controlled(inner, place, score, level, weights), 0
    else:
        estimate = _plain(inner, place, anchor, score, rounds, seed, level, weights, advance)
    points, low, high = estimate.points, estimate.low, estimate.high
    if low is not None and high is not None and (open_ended := int((~np.isfinite(low) | ~np.isfinite(high)).sum())):
        warnings.append(f"{open_ended} intervals are open: in some rounds these models lost, or won, no battle")
    ranks = _ranks(points.tolist() if low is None else low.tolist(), points.tolist() if high is None else high.tolist())
    played = _played(battles)
    order = sorted(range(len(kept)), key=lambda i: (-points[i], inner.models[i]))
    rated = tuple(
        Rating(
            inner.models[i],
            float(points[i]),
            int(played[kept[i]]),
            ranks[i],
            None if low is None else float(low[i]),
            None if high is None else float(high[i]),
        )
        for i in order
    )
    return Ratings(
        "bradley-terry",
        rated,
        unrated,
        len(battles),
        anchor,
        rounds,
        level,
        tuple(warnings),
        battles.control,
        estimate.style,
        weights,
    )


def _plain(
    inner: Battles,
    place: int | None,
    anchor: str | None,
    score: float,
    rounds: int,
    seed: int,
    level: float,
    weights: str,
    advance: Callable[[int], None] | None,
) -> _Estimate:
    """From wins alone; intervals from the bootstrap."""
    wins = win_matrix(inner)
    each = weight_matrix(wins) if weights == "pair" else None
    strengths = maximum_likelihood(wins if each is None else wins * each)
    shift = strengths[place] if place is not None else 0.0
    points = (strengths - shift) * POINTS + score
    if not rounds:
        return _Estimate(points, None, None)
    drawn = bootstrap_strengths(inner, strengths, rounds, seed, advance, each)
    if place is not None:
        # A round in which the anchor itself is infinite says nothing about the others.
        drawn = drawn[np.isfinite(drawn[:, place])]
        if not len(drawn):
            raise RequestError(f"the anchor {anchor!r} lost or won too little for intervals; choose another")
        drawn = drawn - drawn[:, place, None]
    below, above = limits(drawn, level)
    return _Estimate(points, below * POINTS + score, above * POINTS + score)


def _controlled(inner: Battles, place: int | None, score: float, level: float, weights: str) -> _Estimate:
    """Beside the style of the answers; intervals from the sandwich."""
    assert inner.features is not None
    fitted = fit(inner, standardised(inner.features), pair_weights(inner) if weights == "pair" else None)
    shift = fitted.strengths[place] if place is not None else 0.0
    points = (fitted.strengths - shift) * POINTS + score
    reach = NormalDist().inv_cdf((1.0 + level) / 2.0) * fitted.deviations(place) * POINTS
    worth = tuple(zip(CONTROLS[inner.control], (fitted.coefficients * POINTS).tolist(), strict=True))
    return _Estimate(points, points - reach, points + reach, worth)
