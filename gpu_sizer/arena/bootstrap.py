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
    points, counts = points.reshape(rounds, n, n), counts.reshape(rounds, n, n)
    result: Floats = 0.5 * (points + np.swapaxes(2.0 * counts - points, 1, 2))
    return result


def bootstrap_strengths(
    battles: Battles, strengths: Floats, rounds: int, seed: int, advance: Callable[[int], None] | None = None
) -> Floats:
    """Strengths of each round, ``[rounds, n]`` in log-odds with mean 0.

    Args:
        battles: of models that can all be compared.
        strengths: their maximum-likelihood strengths, where each round begins.
        rounds: how many.
        seed: of the random numbers; the same seed gives the same intervals.
        advance: called with the rounds done since the last call.
    """
    generator = np.random.default_rng(seed)
    n = len(battles.models)
    codes, counts = unique_outcomes(battles)
    share = counts / counts.sum()
    result = np.empty((rounds, n))
    batch = max(1, min(rounds, 64, _BATCH // (n * n)))
    for begin in range(0, rounds, batch):
        end = min(rounds, begin + batch)
        draws = generator.multinomial(len(battles), share, size=end - begin)
        result[begin:end] = maximum_likelihood(_wins(codes, draws, n), start=strengths, ridge=RIDGE)
        if advance is not None:
            advance(end - begin)
    return result


def limits(rounds: Floats, estimate: Floats, level: float) -> tuple[Floats, Floats]:
    """The percentile interval of each column; infinite where a strength ran away.

    Args:
        rounds: ``[rounds, n]``.
        estimate: ``[n]``, in the same unit as the rounds.
        level: 0.95 for a 95 % interval.
    """
    tail = (1.0 - level) / 2.0
    bounded = np.where(rounds - estimate > INFINITE, np.inf, np.where(estimate - rounds > INFINITE, -np.inf, rounds))
    low, high = np.quantile(bounded, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    return low, high
