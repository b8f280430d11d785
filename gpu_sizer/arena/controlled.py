"""Bradley–Terry ratings beside what else moves votes: the style of the answers as covariates of the same likelihood.

Model: ``P(a beats b) = 1 / (1 + exp(-(s_a - s_b + x . c)))`` with the features ``x`` of a battle, each brought to mean
0 and standard deviation 1 over all battles, and one coefficient ``c`` for each, as the Chatbot Arena controls for style
(https://lmsys.org/blog/2024-08-28-style-control/). Newton's method on strengths and coefficients at once, without a
penalty (the Arena's package arena-rank shrinks the coefficients unless it is told ``reg=0``); intervals from the
sandwich of Hessian and gradients, which hold where ties count as half a win (H. White, 1982).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.bradley_terry import LONGEST_STEP, MOST_STEPS, PRECISION
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: A penalty on coefficients, as a share of the battles, that moves none by more than some millionths: features that
#: never change, that always change together, or that alone decide every vote, have no finite coefficient without it.
RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Fit:
    """Strengths and coefficients in log-odds, and how sure they are."""

    strengths: Floats
    """``[models]``, with mean 0."""
    coefficients: Floats
    """``[features]``: log-odds for one standard deviation more of a feature."""
    covariance: Floats
    """``[models, models]`` of the strengths."""

    def deviations(self, anchor: int | None) -> Floats:
        """The standard error of each strength beside the anchor's, or beside the mean of all."""
        n = len(self.strengths)
        contrast = np.eye(n)
        if anchor is None:
            contrast -= 1.0 / n
        else:
            contrast[:, anchor] -= 1.0
        result: Floats = np.sqrt(np.maximum(((contrast @ self.covariance) * contrast).sum(axis=1), 0.0))
        return result


def standardised(features: NDArray[Any]) -> Floats:
    """Each feature with mean 0 and standard deviation 1; one that never changes becomes 0."""
    wide = features.astype(np.float64)
    spread = wide.std(axis=0)
    result: Floats = (wide - wide.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return result


def _information(battles: Battles, x: Floats, weight: Floats) -> Floats:
    """``sum over battles of weight * z z'`` with ``z`` = +1 at the first model, -1 at the second, then the features."""
    n, k = len(battles.models), x.shape[1]
    pair = battles.first.astype(np.int64) * n + battles.second
    met = np.bincount(pair, weights=weight, minlength=n * n).reshape(n, n)
    met = met + met.T
    total = np.zeros((n + k, n + k))
    total[:n, :n] = np.diag(met.sum(axis=1)) - met
    for column in range(k):
        part = weight * x[:, column]
        cross = np.bincount(battles.first, weights=part, minlength=n) - np.bincount(
            battles.second, weights=part, minlength=n
        )
        total[:n, n + column] = total[n + column, :n] = cross
        total[n:, n + column] = x.T @ part
    return total


def fit(battles: Battles, features: Floats, weights: Floats | None = None) -> Fit:
    """The maximum of the likelihood.

    Args:
        battles: among models that can all be compared (see :mod:`gpu_sizer.arena.connections`).
        features: ``[battles, features]``, from :func:`standardised`.
        weights: of each battle; null counts all alike.
    """
    n, k = len(battles.models), features.shape[1]
    weight = np.ones(len(battles)) if weights is None else weights
    won = battles.outcome / 2.0
    theta = np.zeros(n + k)
    # Strengths are known up to a constant: that direction gets a curvature of its own, which moves no estimate.
    fixed = np.zeros((n + k, n + k))
    fixed[:n, :n] = weight.sum() / n**2
    ridge = RIDGE * weight.sum()
    fixed[range(n, n + k), range(n, n + k)] = ridge
    for _ in range(MOST_STEPS):
        odds = theta[battles.first] - theta[battles.second] + features @ theta[n:]
        chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0)))
        rest = weight * (won - chance)
        gradient = np.concatenate(
            (
                np.bincount(battles.first, weights=rest, minlength=n)
                - np.bincount(battles.second, weights=rest, minlength=n),
                features.T @ rest - ridge * theta[n:],
            )
        )
        hessian = _information(battles, features, weight * chance * (1.0 - chance)) + fixed
        step = np.linalg.solve(hessian, gradient)
        step[:n] -= step[:n].mean()
        longest = float(np.abs(step).max())
        step *= min(1.0, LONGEST_STEP / max(longest, 1e-300))
        theta += step
        if longest < PRECISION:
            break
    theta[:n] -= theta[:n].mean()
    inverse = np.linalg.inv(hessian)
    covariance = inverse @ _information(battles, features, rest**2) @ inverse
    return Fit(theta[:n], theta[n:], covariance[:n, :n])
