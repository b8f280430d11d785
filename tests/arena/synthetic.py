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


#: Seed, models, battles, share of ties, what one standard deviation of each feature is worth in log-odds.
STYLED = [(11, 6, 4_000, 0.2, (0.4, 0.1, 0.0, -0.2)), (12, 15, 20_000, 0.3, (0.25, 0.0, 0.1, 0.05))]


def styled_battles(
    seed: int, models: int, count: int, ties: float, worth: tuple[float, ...], skew: float = 1.0
) -> Battles:
    """Battles in which the looks of the answers move votes too; each model has looks of its own.

    Args:
        seed: of everything drawn.
        models: how many.
        count: battles.
        ties: their share, whatever the strengths.
        worth: what one unit of each feature adds to the log-odds.
        skew: how uneven the pairings are; 0 draws all models alike.
    """
    truth = strengths(seed, models)
    generator = np.random.default_rng([seed, 7])
    share = np.arange(1, models + 1.0) ** -skew
    first = generator.choice(models, count, p=share / share.sum()).astype(np.int32)
    second = ((first + generator.integers(1, models, count)) % models).astype(np.int32)
    looks = generator.normal(0, 1, (models, len(worth)))
    features = np.tanh(0.3 * (looks[first] - looks[second]) + 0.3 * generator.normal(0, 1, (count, len(worth))))
    spread = (features - features.mean(axis=0)) / features.std(axis=0)
    odds = truth[first] - truth[second] + spread @ np.array(worth)
    won = generator.random(count) < 1 / (1 + np.exp(-odds))
    outcome = np.where(generator.random(count) < ties, 1, 2 * won).astype(np.int8)
    names = tuple(f"model-{i:02}" for i in range(models))
    return Battles(names, first, second, outcome, True, features=features.astype(np.float32), control="style")
