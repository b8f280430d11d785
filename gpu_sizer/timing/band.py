"""How far a measured speed lies from the estimate: the range in which 90 % of what was measured lies.

The ranges are split-conformal over groups (https://arxiv.org/abs/2107.07511, hierarchical exchangeability:
https://arxiv.org/abs/2306.06342): measured over estimated of configurations on whose source and model nothing was
fitted, each source and model counting once. One more group stands for the next one that comes: it is drawn from all
cells, which widens those with few groups.
"""

from __future__ import annotations

from functools import cache

from gpu_sizer.records import dataclass
from gpu_sizer.timing.constants import OTHER, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpu_sizer.timing.case import Number
    from gpu_sizer.timing.constants import Generation

#: The figures that have a range.
FIGURES = ("tokens", "token", "first")
#: Share of what is measured that lies in a range.
COVERED = 0.90
#: Requests at once up to which a regime goes, by its name.
REGIMES: tuple[tuple[str, float], ...] = (
    ("few at once", 8),
    ("many at once", 128),
    ("crowded", float("inf")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Measured over estimated."""

    low: float
    high: float
    records: int
    groups: int
    """Sources and models among these records."""
    median_error: float
    """Half of these records were nearer to the estimate."""

    def around(self, about: float) -> tuple[float, float]:
        """The range of an estimate."""
        return about * self.low, about * self.high


def regime(running: float) -> str:
    """The regime of so many requests at once on one replica."""
    return next(name for name, most in REGIMES if running <= most)


def cells_of(engine: str, experts: bool, running: float) -> tuple[str, ...]:
    """The cells of an estimate, the narrowest first: an engine's generation, a kind of model, a regime."""
    return _cells(engine, experts, regime(running))


def _cells(engine: str, experts: bool, how: str) -> tuple[str, ...]:
    kind = "experts" if experts else "dense"
    return f"{engine}, {kind}, {how}", f"{engine}, {how}", engine, OTHER


@cache
def _band(figure: str, engine: str, experts: bool, how: str) -> tuple[Band, str]:
    cells = table("bands")[figure]
    name = next(name for name in _cells(engine, experts, how) if name in cells)
    return Band(**cells[name]), name


def band(figure: str, engine: str, experts: bool, running: float) -> tuple[Band, str]:
    """The range of a figure, and the cell that it is of: a wider one where the narrower have too few records."""
    return _band(figure, engine, experts, regime(running))


def ends(figure: str, engine: Generation, experts: bool, running: Number) -> tuple[Number, Number]:
    """The lower and the upper end of a range, for one number of requests at once or an array of them.

    Both are the estimate itself where an engine's generation is not asked to be sure.
    """
    if not engine.sure:
        return 1.0, 1.0
    low: Number = 0.0
    high: Number = 0.0
    above = 0.0
    for name, most in REGIMES:
        here = (running > above) & (running <= most)
        ratios, _ = _band(figure, engine.key, experts, name)
        low, high, above = low + here * ratios.low, high + here * ratios.high, most
    return low, high


def quantile(groups: Sequence[Sequence[float]], share: float) -> float:
    """The value below which a share lies of values that are drawn by group, each group as likely as another."""
    weighted = sorted((v, 1 / len(group)) for group in groups for v in group)
    wanted, reached = share * sum(w for _, w in weighted), 0.0
    for value, weight in weighted:
        reached += weight
        if reached >= wanted:
            return value
    return weighted[-1][0]


def band_of(own: Sequence[Sequence[float]], every: Iterable[Sequence[float]]) -> Band:
    """The range of a cell.

    Args:
        own: measured over estimated of its records, by source and model.
        every: the same of all cells.
    """
    pooled = [v for group in every for v in group]
    groups = [*own, pooled]
    tail = (1 - COVERED) / 2
    errors = sorted(abs(1 / v - 1) for group in own for v in group)
    return Band(
        low=min(1.0, quantile(groups, tail)),
        high=max(1.0, quantile(groups, 1 - tail)),
        records=len(errors),
        groups=len(own),
        median_error=errors[len(errors) // 2],
    )
