"""Reference ratings for tests/arena: the Arena's own package arena-rank on seeded synthetic battles.

Run by hand where arena-rank 0.1.1 is installed, in an environment of its own:
``python tools/arena_style_reference.py > tests/arena/style_reference.json``. Its penalty on coefficients is set to 0,
so that both maximise the same likelihood.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.arena.synthetic import STYLED, styled_battles


def reference(chosen: tuple[Any, ...], weighted: bool) -> dict[str, Any]:
    """Ratings with mean 1000, coefficients and standard errors, with style and without."""
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
    from arena_rank.utils.data_utils import ContextualPairDataset, PairDataset

    battles = styled_battles(*chosen)
    names = np.array(battles.models)
    frame = pd.DataFrame(
        {
            "model_a": names[battles.first],
            "model_b": names[battles.second],
            "winner": np.array(["model_b", "tie", "model_a"])[battles.outcome],
        }
    )
    columns = [f"x{i}" for i in range(battles.features.shape[1])]
    frame[columns] = battles.features
    styled = ContextualPairDataset.from_pandas(frame, columns, reweighted=weighted)
    model = ContextualBradleyTerry(len(names), len(columns), reg=0.0)
    found = model.compute_ratings_and_cis(styled)
    plain_data = PairDataset.from_pandas(frame, reweighted=weighted)
    plain = BradleyTerry(len(names)).compute_ratings_and_cis(plain_data)

    def centred(values: Any) -> list[float]:
        rounded = np.asarray(values) - np.mean(values) + 1000
        return [round(float(v), 4) for v in rounded]

    return {
        "set": chosen,
        "weights": "pair" if weighted else "none",
        "ratings": centred(found["ratings"]),
        "coefficients": [round(float(c), 6) for c in found["coeffs"]],
        "deviations": [round(float(v) ** 0.5, 4) for v in found["variances"]],
        "plain": centred(plain["ratings"]),
    }


if __name__ == "__main__":
    json.dump([reference(chosen, weighted) for chosen in STYLED for weighted in (False, True)], sys.stdout, indent=1)
    sys.stdout.write("\n")
