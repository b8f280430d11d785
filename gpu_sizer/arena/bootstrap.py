"""Intervals by the bootstrap: battles drawn again with replacement, and rated again.

Battles that are alike (the same two models, the same outcome) are drawn together as one multinomial, so that a round
costs the same for a thousand battles as for a million, and rounds are rated many at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.bradley_terry import maximum_likelihood

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: A penalty too small to move a rating by a thousandth of a point, for rounds in which some model happens not to lose.
RIDGE = 1e-6
#: Log-odds (1,390 points) from the estimate beyond which a strength counts as infinite.
INFINITE = 8.0
#: Entries of the matrices that are rated at a time (64 MiB each).
_BATCH = 1 << 23


def unique_outcomes(battles: Battles) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes ``(first * n + second) * 3 + outcome`` that occur, and how often."""
    n = len(battles.models)
    code = (battles.first.astype(np.int64) * n + battles.second) * 3 + battles.outcome
    counts = np.bincount(code, minlength=3 * n * n)
    present = np.flatnonzero(counts)
    return present, counts[present]


def _wins(codes: NDArray[np.int64], draws: NDArray[np.int64], n: int) -> Floats:
    """A matrix of wins for each row of draws."""
    rounds = len(draws)
    pair, outcome = codes // 3, codes % 3
    points = np.zeros((rounds, n * n))
    counts = np.zeros((rounds, n * n))
    for value in range(3):
        chosen = outcome == value
        # A pair occurs once under each outcome, so that plain assignment adds up.
        points[:, pair[chosen]] += value * draws[:, chosen]
        counts[:, pair[chosen]] += draws[:, chosen]
    won, met = points.reshape(rounds, n, n), counts.reshape(rounds, n, n)
    result: Floats = 0.5 * (won + np.swapaxes(2.0 * met - won, 1, 2))
    return result


def _without_runaways(drawn: Floats, wins: Floats, estimate: Floats) -> Floats:
    """Strengths of models that in a round lost, or won, nothing become infinite; the others keep their common mean."""
    won, lost = wins.sum(axis=-1) > 0, wins.sum(axis=-2) > 0
    finite = won & lost & (np.abs(drawn - estimate) < INFINITE)
    count = np.maximum(finite.sum(axis=-1, keepdims=True), 1)
    shift = np.where(finite, drawn - estimate, 0.0).sum(axis=-1, keepdims=True) / count
    result: Floats = np.where(finite, drawn - shift, np.where(drawn > estimate, np.inf, -np.inf))
    return result


def bootstrap_strengths(
    battles: Battles,
    strengths: Floats,
    rounds: int,
    seed: int,
    advance: Callable[[int], None] | None = None,
    weights: Floats | None = None,
) -> Floats:
    """Strengths of each round, ``[rounds, n]`` in log-odds with the estimate's mean; infinite where none is finite.

    Args:
        battles: of models that can all be compared.
        strengths: their maximum-likelihood strengths, where each round begins.
        rounds: how many.
        seed: of the random numbers; the same seed gives the same intervals.
        advance: called with the rounds done since the last call.
        weights: ``[n, n]``, what each win counts for; null counts all alike.
    """
    generator = np.random.default_rng(seed)
    n = len(battles.models)
    codes, counts = unique_outcomes(battles)
    share = counts / counts.sum()
    result = np.empty((rounds, n))
    batch = max(1, min(rounds, 64, _BATCH // (n * n)))
    for begin in range(0, rounds, batch):
        end = min(rounds, begin + batch)
        wins = _wins(codes, generator.multinomial(len(battles), share, size=end - begin), n)
        drawn = maximum_likelihood(wins if weights is None else wins * weights, start=strengths, ridge=RIDGE)
        result[begin:end] = _without_runaways(drawn, wins, strengths)
        if advance is not None:
            advance(end - begin)
    return result


def limits(rounds: Floats, level: float) -> tuple[Floats, Floats]:
    """The percentile interval of each column; infinite where too many strengths are.

    Args:
        rounds: ``[rounds, n]``.
        level: 0.95 for a 95 % interval.
    """
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(rounds, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    return low, high
