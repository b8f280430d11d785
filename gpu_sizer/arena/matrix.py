"""Each pair's share of wins, ties left out, in order of rating."""

from __future__ import annotations

from typing import Any

from gpu_sizer.arena.battles import Battles
from gpu_sizer.arena.bradley_terry import win_fractions
from gpu_sizer.arena.ratings import Ratings
from gpu_sizer.records import dataclass


@dataclass(frozen=True, slots=True)
class Wins:
    """``fractions[i][j]``: the share of decided battles with model j that model i won; null where there was none."""

    models: tuple[str, ...]
    fractions: tuple[tuple[float | None, ...], ...]
    battles: tuple[tuple[int, ...], ...]
    """Decided battles of each pair."""

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "models": list(self.models),
            "fractions": [[None if f is None else round(f, 4) for f in row] for row in self.fractions],
            "battles": [list(row) for row in self.battles],
        }


def wins_of(battles: Battles, ratings: Ratings) -> Wins:
    """The matrix of all models: the rated ones best first, the others after them."""
    order = [r.model for r in ratings.rated] + [m for u in ratings.unrated for m in u.models]
    place = {model: i for i, model in enumerate(battles.models)}
    chosen = [place[m] for m in order]
    shares, counts = win_fractions(battles)
    counted = [[int(counts[i, j]) for j in chosen] for i in chosen]
    fractions = [[float(shares[i, j]) if counts[i, j] else None for j in chosen] for i in chosen]
    return Wins(tuple(order), tuple(map(tuple, fractions)), tuple(map(tuple, counted)))
