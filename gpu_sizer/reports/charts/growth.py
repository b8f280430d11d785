"""How fast the most demanding models grow: records over time, and the line through their logarithms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

from gpu_sizer.records import dataclass

#: Records that a trend needs at least.
FEWEST = 3
#: Days from the first to the last of them at least: a few models of one season tell no trend.
SHORTEST = 180
#: How many times more than any model before a record takes: what differs less is the same size of model.
MARGIN = 1.04
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Measured:
    """A model: when it came, and what it takes."""

    day: date
    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Growth:
    """The least-squares line through the logarithms (base 2) of some values over time."""

    begins: date
    log2: float
    """On the day it begins."""
    doublings_a_day: float
    points: int
    """Records that it was fitted to."""

    def at(self, day: date) -> float:
        """The value on a day."""
        return float(2.0 ** (self.log2 + self.doublings_a_day * (day - self.begins).days))

    @property
    def doubling_months(self) -> float:
        """Months in which it doubles."""
        return 1.0 / (self.doublings_a_day * DAYS_A_MONTH)


def records(models: Iterable[Measured]) -> tuple[Measured, ...]:
    """The models that took clearly more than every earlier one, by day; of one day the largest."""
    kept: list[Measured] = []
    for model in sorted(models, key=lambda m: (m.day, -m.value, m.name)):
        if not kept or model.value >= kept[-1].value * MARGIN:
            kept.append(model)
    return tuple(kept)


def growth(of: Sequence[Measured]) -> Growth | None:
    """The trend of some records; null for fewer than three, those of one season, or where nothing grows."""
    if len(of) < FEWEST:
        return None
    begins = min(m.day for m in of)
    days = [(m.day - begins).days for m in of]
    logs = [math.log2(m.value) for m in of]
    mean_day, mean_log = sum(days) / len(days), sum(logs) / len(logs)
    spread = sum((d - mean_day) ** 2 for d in days)
    if not spread or max(days) < SHORTEST:
        return None
    slope = sum((d - mean_day) * (v - mean_log) for d, v in zip(days, logs, strict=True)) / spread
    return Growth(begins, mean_log - slope * mean_day, slope, len(of)) if slope > 0 else None
