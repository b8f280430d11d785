"""Online Elo, as the Chatbot Arena rated in May 2023.

Formulas and constants: L. Zheng et al., "Chatbot Arena: Benchmarking LLMs in the Wild with Elo Ratings",
https://lmsys.org/blog/2023-05-03-arena/ and the notebook linked there (``compute_elo``): K = 4, scale 400, base 10,
every model starts at 1000, a tie scores half.
"""

from __future__ import annotations

from gpu_sizer.arena.battles import Battles

K = 4.0
SCALE = 400.0
BASE = 10.0
START = 1000.0


def expected_score(rating: float, other: float) -> float:
    """The share of points that one rating takes from another: ``1 / (1 + 10^((other - rating) / 400))``."""
    return float(1.0 / (1.0 + BASE ** ((other - rating) / SCALE)))


def online_elo(battles: Battles, *, k: float = K, start: float = START) -> list[float]:
    """Ratings after every battle in turn, in the order of ``battles.models``.

    Args:
        battles: in order of time.
        k: points at stake in one battle.
        start: every model's first rating, and the mean of all for ever.
    """
    ratings = [start] * len(battles.models)
    rows = zip(battles.first.tolist(), battles.second.tolist(), battles.outcome.tolist(), strict=True)
    for a, b, outcome in rows:
        ra, rb = ratings[a], ratings[b]
        gain = k * (outcome * 0.5 - 1.0 / (1.0 + BASE ** ((rb - ra) / SCALE)))
        ratings[a] = ra + gain
        ratings[b] = rb - gain
    return ratings
