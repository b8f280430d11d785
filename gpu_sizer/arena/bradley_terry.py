"""Bradley–Terry ratings by maximum likelihood, from the matrix of wins.

Model: ``P(a beats b) = 1 / (1 + 10^((b - a) / 400))`` (R. A. Bradley and M. E. Terry, 1952), a tie counted as half a
win for each, as the Chatbot Arena does (https://lmsys.org/blog/2023-12-07-leaderboard/). The log-likelihood is concave;
Newton's method on the aggregated wins finds its maximum in a handful of steps whatever the number of battles.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.elo import BASE, SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Points of one unit of log-odds: 400 / ln 10.
POINTS = SCALE / math.log(BASE)
#: Log-odds that a step may change at most, so that Newton cannot overshoot.
LONGEST_STEP = 2.0
#: Steps are over when none changes a rating by more log-odds than this (2e-7 points).
PRECISION = 1e-9
MOST_STEPS = 60
#: Battles that a pair counts for at least where pairs are weighted.
FEWEST_OF_A_PAIR = 50


def weight_matrix(wins: Floats) -> Floats:
    """``[n, n]``: what each win counts for where every pair counts alike (see :func:`pair_weights`)."""
    result: Floats = 1.0 / np.maximum(wins + wins.T, FEWEST_OF_A_PAIR)
    return result


def win_matrix(battles: Battles) -> Floats:
    """``wins[a, b]``: the battles that a won against b, ties as half."""
    n = len(battles.models)
    pair = battles.first.astype(np.int64) * n + battles.second
    points = np.bincount(pair, weights=battles.outcome, minlength=n * n).reshape(n, n)
    counts = np.bincount(pair, minlength=n * n).reshape(n, n)
    result: Floats = 0.5 * (points + (2.0 * counts - points).T)
    return result


def pair_weights(battles: Battles) -> Floats:
    """A weight for each battle with which every pair counts alike: one over the battles of its pair, at least of 50.

    As the Arena's own package reweights (arena-rank 0.1.1, ``reweighted=True``, ``min_pair_count=50``): which pairs met
    how often is the Arena's choice of pairings, and says nothing of the models.
    """
    n = len(battles.models)
    low, high = np.minimum(battles.first, battles.second), np.maximum(battles.first, battles.second)
    pair = low.astype(np.int64) * n + high
    result: Floats = 1.0 / np.maximum(np.bincount(pair, minlength=n * n)[pair], FEWEST_OF_A_PAIR)
    return result


def win_fractions(battles: Battles) -> tuple[Floats, Floats]:
    """For each pair: the fraction that a won of the battles with b that had a winner, and how many those were.

    The fraction is NaN where there was none. (The Arena's heat map leaves ties out likewise.)
    """
    n = len(battles.models)
    decided = battles.outcome != 1
    first, second, won = battles.first[decided], battles.second[decided], battles.outcome[decided] == 2
    winner, loser = np.where(won, first, second), np.where(won, second, first)
    wins = np.bincount(winner.astype(np.int64) * n + loser, minlength=n * n).reshape(n, n).astype(np.float64)
    counts = wins + wins.T
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, wins / counts, np.nan), counts


def maximum_likelihood(wins: Floats, *, start: Floats | None = None, ridge: float = 0.0) -> Floats:
    """Strengths in log-odds with mean 0, one row for each matrix of wins.

    Args:
        wins: ``[..., n, n]``, one or several matrices; each must be strongly connected unless ``ridge`` is positive
            (see :mod:`gpu_sizer.arena.connections`), else its maximum lies at infinity.
        start: ``[..., n]``, where to begin.
        ridge: weight of a penalty ``ridge / 2 * sum(strength ** 2)``; 0 is plain maximum likelihood.
    """
    n = wins.shape[-1]
    played = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(axis=-1)
    theta = np.zeros(wins.shape[:-1]) if start is None else np.broadcast_to(start, wins.shape[:-1]).copy()
    diagonal = np.arange(n)
    for _ in range(MOST_STEPS):
        difference = theta[..., :, None] - theta[..., None, :]
        probability = 1.0 / (1.0 + np.exp(-np.clip(difference, -700.0, 700.0)))
        gradient = won - (played * probability).sum(axis=-1) - ridge * theta
        weight = played * probability * (1.0 - probability)
        hessian = -weight
        hessian[..., diagonal, diagonal] += weight.sum(axis=-1) + ridge
        # Strengths are known up to a constant: the all-ones direction gets a curvature of its own.
        hessian += weight.sum(axis=(-1, -2), keepdims=True) / n**2 + 1e-300
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        step -= step.mean(axis=-1, keepdims=True)
        longest = np.abs(step).max(axis=-1, keepdims=True)
        step *= np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))
        theta = theta + step
        if not longest.size or float(longest.max()) < PRECISION:
            break
    theta -= theta.mean(axis=-1, keepdims=True)
    return theta
