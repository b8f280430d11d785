"""Battles: two models, who won, when, and how their answers looked.

A row that cannot be read is never dropped in silence: it is counted under its reason, with the first rows named.
"""

from __future__ import annotations

import math
from array import array
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass, field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Outcomes: what the first model scored, in half points.
LOSS, TIE, WIN = 0, 1, 2
#: What a ``winner`` may be (the Arena's own words; newer files of it write ``both_bad``).
WINNERS = {
    "model_a": WIN,
    "model_b": LOSS,
    "tie": TIE,
    "tie (bothbad)": TIE,
    "both_bad": TIE,
}
#: Rows named in full for each kind of mistake.
EXAMPLES = 3
LONGEST_NAME = 200
#: Models beyond which it is no table of votes; the Arena has had some hundreds.
MOST_MODELS = 20_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows that could not be read, of one kind."""

    reason: str
    count: int
    rows: tuple[int, ...]
    """The first of them, counted from 1 (the header of a CSV is row 1)."""

    def __str__(self) -> str:
        rows = ", ".join(map(str, self.rows)) + (", ..." if self.count > len(self.rows) else "")
        return f"{self.count:,} row{'s' if self.count > 1 else ''} left out: {self.reason} (row {rows})"


@dataclass(frozen=True, slots=True)
class Battles:
    """Battles in order of time: ``first[i]`` met ``second[i]`` with ``outcome[i]`` (0 lost, 1 tied, 2 won)."""

    models: tuple[str, ...]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    outcome: NDArray[np.int8]
    timed: bool
    """Whether time stamps gave the order; otherwise it is the file's."""
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Problem, ...] = ()
    """Votes that were read well and do not count, by the Arena's own rules or by a filter."""
    copies: int = 0
    """Votes that are exact copies of others: the same models, outcome and time. They count all the same."""
    features: NDArray[np.float32] | None = None
    """``[battles, features]``: how much more the first answer had of each, from -1 to 1 (see ``Choice.style``)."""
    control: str = "none"
    """What the features are for."""

    def __len__(self) -> int:
        return len(self.outcome)


@dataclass(slots=True)
class Collector:
    """Columns that grow row by row, and what went wrong on the way."""

    ids: dict[str, int] = field(default_factory=dict)
    first: array[int] = field(default_factory=lambda: array("i"))
    second: array[int] = field(default_factory=lambda: array("i"))
    outcome: array[int] = field(default_factory=lambda: array("b"))
    times: array[float] = field(default_factory=lambda: array("d"))
    untimed: int = 0
    reasons: dict[str, tuple[int, list[int]]] = field(default_factory=dict)
    passed: dict[str, tuple[int, list[int]]] = field(default_factory=dict)
    style: array[float] = field(default_factory=lambda: array("f"))
    control: str = "none"
    features: int = 0
    """How many features each battle brings."""

    def refuse(self, row: int, reason: str) -> None:
        """Counts a row that cannot be used."""
        _count(self.reasons, row, reason)

    def pass_by(self, row: int, reason: str) -> None:
        """Counts a row that does not count."""
        _count(self.passed, row, reason)

    def add(self, row: int, a: Any, b: Any, winner: Any, time: Any) -> bool:
        """Takes one battle, or counts why not; whether it was taken."""
        outcome = WINNERS.get(winner) if isinstance(winner, str) else None
        if outcome is None and isinstance(winner, str):
            outcome = WINNERS.get(winner.strip().lower())
        if not isinstance(a, str) or not isinstance(b, str) or not (a := a.strip()) or not (b := b.strip()):
            self.refuse(row, "a model has no name")
        elif outcome is None:
            self.refuse(row, "winner is none of model_a, model_b, tie, tie (bothbad)")
        elif a == b:
            self.refuse(row, "a model met itself")
        elif len(a) > LONGEST_NAME or len(b) > LONGEST_NAME:
            self.refuse(row, f"a name of more than {LONGEST_NAME} characters")
        else:
            ids = self.ids
            if len(ids) > MOST_MODELS:
                raise RequestError(f"more than {MOST_MODELS:,} models: these are no battles of models")
            self.put(ids.setdefault(a, len(ids)), ids.setdefault(b, len(ids)), outcome, time)
            return True
        return False

    def put(self, first: int, second: int, outcome: int, time: Any) -> None:
        """Takes a battle of models that are known by their places, which nothing speaks against."""
        self.first.append(first)
        self.second.append(second)
        self.outcome.append(outcome)
        if time is None or (moment := _moment(time)) is None:
            self.untimed += 1
            moment = math.nan
        self.times.append(moment)

    def battles(self) -> Battles:
        """What was collected, sorted by time where every battle has one."""
        import numpy as np

        first = np.frombuffer(self.first, dtype=np.int32) if self.first else np.zeros(0, np.int32)
        second = np.frombuffer(self.second, dtype=np.int32) if self.second else np.zeros(0, np.int32)
        outcome = np.frombuffer(self.outcome, dtype=np.int8) if self.outcome else np.zeros(0, np.int8)
        style = np.frombuffer(self.style, dtype=np.float32).reshape(-1, self.features) if self.features else None
        timed = bool(self.times) and not self.untimed
        copies = 0
        if timed:
            times = np.frombuffer(self.times, dtype=np.float64)
            order = np.argsort(times, kind="stable")
            first, second, outcome = first[order], second[order], outcome[order]
            style = None if style is None else style[order]
            copies = _copies(times[order], first, second, outcome)
        return Battles(
            tuple(self.ids),
            first,
            second,
            outcome,
            timed,
            _problems(self.reasons),
            _problems(self.passed),
            copies,
            style,
            self.control,
        )


def _count(into: dict[str, tuple[int, list[int]]], row: int, reason: str) -> None:
    count, rows = into.get(reason, (0, []))
    if len(rows) < EXAMPLES:
        rows.append(row)
    into[reason] = (count + 1, rows)


def _problems(counted: dict[str, tuple[int, list[int]]]) -> tuple[Problem, ...]:
    return tuple(Problem(reason, count, tuple(rows)) for reason, (count, rows) in counted.items())


def _copies(
    times: NDArray[np.float64], first: NDArray[np.int32], second: NDArray[np.int32], outcome: NDArray[np.int8]
) -> int:
    """How many battles, in order of time, are exact copies of an earlier one."""
    import numpy as np

    equal = times[1:] == times[:-1]
    if not equal.any():
        return 0
    near = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    keys = [column[near] for column in (outcome, second, first, times)]
    order = np.lexsort(keys)
    same = np.ones(len(near) - 1, dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    return int(same.sum())


def _moment(value: Any) -> float | None:
    """A time stamp (seconds, or ISO 8601) as seconds; null where it is none."""
    if type(value) is float and math.isfinite(value):
        return value
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    except (TypeError, ValueError):
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else None
