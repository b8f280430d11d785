"""Seeded synthetic battles between models of known strength."""

from __future__ import annotations

import numpy as np

from gpu_sizer.arena.battles import Battles

#: Seed, models, battles, share of ties.
SETS = [(1, 5, 400, 0.0), (2, 12, 3_000, 0.3), (3, 30, 20_000, 0.15), (4, 8, 120, 0.5)]


def strengths(seed: int, models: int, spread: float = 0.7) -> np.ndarray:
    """True strengths in log-odds with mean 0."""
    drawn = np.random.default_rng([seed, 0]).normal(0, spread, models)
    return drawn - drawn.mean()


def battles_of(seed: int, models: int, count: int, ties: float, draw: int = 1) -> Battles:
    """Battles between uniformly drawn pairs; a tie happens whatever the strengths."""
    truth = strengths(seed, models)
    generator = np.random.default_rng([seed, draw])
    first = generator.integers(0, models, count, dtype=np.int32)
    second = ((first + generator.integers(1, models, count)) % models).astype(np.int32)
    won = generator.random(count) < 1 / (1 + np.exp(truth[second] - truth[first]))
    outcome = np.where(generator.random(count) < ties, 1, 2 * won).astype(np.int8)
    return Battles(tuple(f"model-{i}" for i in range(models)), first, second, outcome, True)
