"""Ratings of two published packages for tests/arena: evalica and choix on the seeded synthetic battles.

Run by hand where both are installed (``pip install evalica choix``), in an environment of its own:
``python tools/arena_peers.py > tests/arena/peers_reference.json``. A tie is half a win for each: of the two, evalica is
told so, and choix, which knows no ties, is given every decided battle twice and every tie once each way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.arena.synthetic import SETS, battles_of


def _centred(logs: Any) -> list[float]:
    """Natural logarithms of strengths as points with mean 1000."""
    import numpy as np

    points = np.asarray(logs, dtype=float) * 400 / np.log(10)
    return [round(float(p), 5) for p in points - points.mean() + 1000]


def by_evalica(seed: int, models: int, count: int, ties: float) -> list[float]:
    """Ratings by evalica's Bradley-Terry."""
    import evalica
    import numpy as np

    battles = battles_of(seed, models, count, ties)
    names = [f"model-{i}" for i in range(models)]
    winners = {0: evalica.Winner.Y, 1: evalica.Winner.Draw, 2: evalica.Winner.X}
    found = evalica.bradley_terry(
        [names[i] for i in battles.first],
        [names[i] for i in battles.second],
        [winners[int(o)] for o in battles.outcome],
        tie_weight=0.5,
        tolerance=1e-12,
        limit=100_000,
    )
    return _centred(np.log([float(found.scores[name]) for name in names]))


def by_choix(seed: int, models: int, count: int, ties: float) -> list[float]:
    """Ratings by choix's maximum likelihood."""
    import choix

    battles = battles_of(seed, models, count, ties)
    data: list[tuple[int, int]] = []
    for a, b, outcome in zip(battles.first.tolist(), battles.second.tolist(), battles.outcome.tolist(), strict=True):
        data += {0: [(b, a)] * 2, 1: [(a, b), (b, a)], 2: [(a, b)] * 2}[outcome]
    return _centred(choix.ilsr_pairwise(models, data, alpha=0.0, max_iter=10_000, tol=1e-12))


if __name__ == "__main__":
    print(json.dumps([{"set": s, "evalica": by_evalica(*s), "choix": by_choix(*s)} for s in SETS], indent=1))
