"""Reference ratings for tests/arena: scikit-learn's logistic regression without penalty on seeded synthetic battles.

Run by hand where scikit-learn is installed: ``python tools/arena_reference.py > tests/arena/reference.json``.
Ties are two half battles, one won by each side, as in the Chatbot Arena's own notebook.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.arena.synthetic import SETS, battles_of


def reference(seed: int, models: int, count: int, ties: float) -> dict[str, Any]:
    """Ratings of one set, with mean 1000 on the scale of 400 points a factor of ten."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    battles = battles_of(seed, models, count, ties)
    rows = np.arange(len(battles))
    design = np.zeros((len(battles), models))
    design[rows, battles.first] = np.log(10)
    design[rows, battles.second] = -np.log(10)
    tied = battles.outcome == 1
    x = np.concatenate([design[~tied], design[tied], design[tied]])
    y = np.concatenate([battles.outcome[~tied] == 2, np.ones(tied.sum()), np.zeros(tied.sum())])
    weight = np.concatenate([np.ones((~tied).sum()), np.full(2 * tied.sum(), 0.5)])
    # The last model is the origin, so that the problem has one solution.
    solver = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    solver.fit(x[:, :-1], y, sample_weight=weight)
    ratings = np.append(solver.coef_[0], 0.0) * 400
    return {"set": [seed, models, count, ties], "ratings": [round(r, 5) for r in ratings - ratings.mean() + 1000]}


if __name__ == "__main__":
    json.dump([reference(*chosen) for chosen in SETS], sys.stdout, indent=1)
    sys.stdout.write("\n")
