"""Capability per GPU: ratings against the GPUs that a model needs, and who breaks the trend of ever more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from gpu_sizer.arena.standings import Standing
from gpu_sizer.records import dataclass

#: How many times fewer GPUs than before make a model a break of the trend.
BREAK = 2.0


@dataclass(frozen=True, slots=True)
class Need:
    """One open model and the fewest GPUs that carry it."""

    standing: Standing
    gpus: int

    @property
    def model(self) -> str:
        """Its card's id: what has none cannot be sized."""
        assert self.standing.id is not None, "only models with a card are sized"
        return self.standing.id

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {**self.standing.model_dump(), "gpus": self.gpus}


@dataclass(frozen=True, slots=True)
class Break:
    """A model that on the day of its release did with far fewer GPUs what had taken many."""

    need: Need
    before: Need
    """Of the earlier models at least as good, the one that needs fewest GPUs; where none was, the best of them."""

    @property
    def released(self) -> date:
        """The day on which it broke the trend."""
        return _day(self.need)

    @property
    def best_yet(self) -> bool:
        """Whether it is better, too, than every earlier model."""
        return self.need.standing.rating > self.before.standing.rating

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "model": self.need.standing.id,
            "released": self.released.isoformat(),
            "rating": round(self.need.standing.rating, 2),
            "gpus": self.need.gpus,
            "before": self.before.standing.id,
            "before_gpus": self.before.gpus,
        }


@dataclass(frozen=True, slots=True)
class Capability:
    """What each number of one GPU buys."""

    needs: tuple[Need, ...]
    """By GPUs, then best first."""
    pareto: tuple[Need, ...]
    """Models than which none is better with as few GPUs: for each count, the last of them that fits is the best."""
    leaders: tuple[Need, ...]
    """The open models that led when they came, by release: the trend of ever more GPUs."""
    breaks: tuple[Break, ...]
    """By release."""
    unplaced: tuple[Standing, ...]
    """Models that do not fit on any number searched."""

    def best_on(self, gpus: int) -> Need | None:
        """The best model that so many GPUs carry."""
        able = [n for n in self.pareto if n.gpus <= gpus]
        return able[-1] if able else None

    def model_dump(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "pareto": [n.model_dump() for n in self.pareto],
            "leaders": [n.model_dump() for n in self.leaders],
            "breaks": [b.model_dump() for b in self.breaks],
            "models": [n.model_dump() for n in self.needs],
            "does_not_fit": [s.id for s in self.unplaced],
        }


def _day(need: Need) -> date:
    assert need.standing.released is not None, "only models with a date are put in order of it"
    return need.standing.released


def _dated(needs: Iterable[Need]) -> list[Need]:
    return [n for n in needs if n.standing.released is not None]


def pareto(needs: Iterable[Need]) -> tuple[Need, ...]:
    """The models than which none is better with as few GPUs, by GPUs."""
    kept: list[Need] = []
    for need in sorted(needs, key=lambda n: (n.gpus, -n.standing.rating, str(n.standing.released))):
        if not kept or need.standing.rating > kept[-1].standing.rating:
            kept.append(need)
    return tuple(kept)


def leaders(needs: Sequence[Need]) -> tuple[Need, ...]:
    """The models that were rated above every earlier one, by release; those without a date are passed over."""
    kept: list[Need] = []
    for need in sorted(_dated(needs), key=lambda n: (_day(n), -n.standing.rating)):
        if not kept or need.standing.rating > kept[-1].standing.rating:
            kept.append(need)
    return tuple(kept)


def breaks(needs: Sequence[Need], factor: float = BREAK) -> tuple[Break, ...]:
    """The models that took several times fewer GPUs than any earlier one as good, by release.

    A model better than all earlier ones is set against the best of them. Of several from one day of which one is better
    and needs no more GPUs, only that one counts.
    """
    broken = []
    dated = _dated(needs)
    for need in dated:
        s = need.standing
        earlier = [n for n in dated if _day(n) < _day(need)]
        if not earlier:
            continue
        able = [n for n in earlier if n.standing.rating >= s.rating]
        if able:
            before = min(able, key=lambda n: (n.gpus, _day(n)))
        else:
            before = max(earlier, key=lambda n: (n.standing.rating, -n.gpus))
        beaten = any(
            n.standing.released == s.released and n.gpus <= need.gpus and n.standing.rating > s.rating for n in dated
        )
        if before.gpus >= factor * need.gpus and not beaten:
            broken.append(Break(need, before))
    return tuple(sorted(broken, key=lambda b: (b.released, b.need.model)))


def capability(standings: Iterable[Standing], count: Callable[[str], int | None]) -> Capability:
    """Ratings against GPUs.

    Args:
        standings: models of one table; the proprietary ones are passed over.
        count: gives the fewest GPUs for a model's id, or null where it fits on no number searched.
    """
    needs: list[Need] = []
    unplaced: list[Standing] = []
    for standing in standings:
        if standing.open and standing.id is not None:
            gpus = count(standing.id)
            if gpus is None:
                unplaced.append(standing)
            else:
                needs.append(Need(standing, gpus))
    needs.sort(key=lambda n: (n.gpus, -n.standing.rating))
    return Capability(tuple(needs), pareto(needs), leaders(needs), breaks(needs), tuple(unplaced))
