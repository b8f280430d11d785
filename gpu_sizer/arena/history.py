"""Snapshots of the Chatbot Arena's table: bundled, the user's own, or from a file.

Early snapshots hold online Elo, which wanders with the last few votes; later ones hold Bradley–Terry ratings on a fixed
anchor. The two are told apart by their mean: online Elo keeps it at its start, 1000, for ever.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from gpu_sizer.arena.elo import START
from gpu_sizer.arena.history_files import OVERALL, Listed, Tables, read_tables, told_control
from gpu_sizer.arena.own import folder
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

Method = Literal["online Elo", "Bradley–Terry"]

_DATA = Path(__file__).parent / "data"
#: The history until February 2025, and the Arena's own tables after it: each day stands in one of them.
BUNDLED = (_DATA / "overall.csv", _DATA / "leaderboard.csv")
ARENA = "Chatbot Arena"
#: What the licence of the Arena's own dataset asks to be said.
RIGHTS = "© LMArena, CC BY 4.0"
#: How near to its start the mean of an online Elo table stays (figures are printed to two decimals).
_MEAN_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The scores on one day, by the Arena's names."""

    day: date
    scores: Mapping[str, float]
    method: Method
    listed: Mapping[str, Listed] = MappingProxyType({})
    """What the table itself says of a name: organisation, licence, votes. Empty where it says nothing."""
    rights: str | None = None
    """Whose it is and under which licence, where both have to be named."""


@dataclass(frozen=True, slots=True)
class History:
    """Snapshots of one category in order of day."""

    category: str
    snapshots: tuple[Snapshot, ...]
    source: str
    control: str | None = None
    """What its ratings are controlled for, as far as its file tells: ``style``, or null."""
    told: Mapping[str, Listed] = MappingProxyType({})
    """What any table, of whatever day, says of a name in lower case: organisation and licence hardly ever change."""

    def at(self, day: date | None = None) -> Snapshot:
        """The newest snapshot not after a day; without a day, the newest of all.

        Raises:
            RequestError: the history begins later.
        """
        if day is None:
            return self.snapshots[-1]
        place = bisect_right([s.day for s in self.snapshots], day)
        if not place:
            raise RequestError(f"the Arena's history begins on {self.snapshots[0].day}, after {day}")
        return self.snapshots[place - 1]

    def settled(self, day: date) -> Snapshot:
        """The first Bradley–Terry snapshot not before a day, or the last there is; else the newest of any method."""
        fitted = [s for s in self.snapshots if s.method == "Bradley–Terry"]
        return next((s for s in fitted if s.day >= day), fitted[-1] if fitted else self.at(day))


def method_of(scores: Mapping[str, float]) -> Method:
    """Whether a table holds online Elo (its mean is 1000 whatever happens) or Bradley–Terry ratings."""
    mean = math.fsum(scores.values()) / len(scores)
    return "online Elo" if abs(mean - START) < _MEAN_TOLERANCE else "Bradley–Terry"


def _snapshot(day: date, rows: Mapping[str, Listed], rights: str | None) -> Snapshot:
    scores = {name: row.score for name, row in rows.items()}
    known = {name: row for name, row in rows.items() if row.tells}
    return Snapshot(day, scores, method_of(scores), known, rights)


def read_history(file: Path | None = None, category: str = OVERALL) -> History:
    """One category of a history.

    Args:
        file: any file that :func:`gpu_sizer.arena.history_files.read_tables` reads; null is the bundled history, and
            what ``gpu-sizer update arena`` put into the user's folder.
        category: ``overall``, or another that the file holds.

    Raises:
        RequestError: the file cannot be used, or lacks the category.
    """
    files = (file,) if file is not None else (BUNDLED[0], *own_tables(category))
    tables: Tables = {}
    told: dict[str, Listed] = {}
    theirs: set[date] = set()
    # The Arena's own tables are read for what they tell of names, whichever tables are asked for.
    for one in (BUNDLED[1], *files):
        read = read_tables(one)
        told.update(
            (name.lower(), row)
            for days in read.values()
            for rows in days.values()
            for name, row in rows.items()
            if row.tells
        )
        for name, days in read.items() if one in files or file is None else ():
            # A later file's table of a day takes the place of an earlier one's.
            tables.setdefault(name, {}).update({day: rows for day, rows in days.items() if rows})
            if file is None and one != BUNDLED[0]:
                theirs.update(days)
    if not tables.get(category):
        known = ", ".join(sorted(c for c, days in tables.items() if days))
        what = f"no category {category[:40]!r}; it holds: {known}" if known else "no score in it"
        raise RequestError(f"{'the bundled history' if file is None else file}: {what}")
    snapshots = tuple(
        _snapshot(day, rows, RIGHTS if day in theirs else None) for day, rows in sorted(tables[category].items())
    )
    if file is None:
        return History(category, snapshots, ARENA, None, told)
    return History(category, snapshots, file.name, told_control(file.name), told)


def own_tables(category: str) -> tuple[Path, ...]:
    """The user's own file of a category; empty where there is none."""

    place = folder()
    file = place / f"{category}.csv" if place is not None else None
    return (file,) if file is not None and file.is_file() else ()
