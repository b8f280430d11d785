"""Snapshots of the Chatbot Arena's table: bundled, or from a file of one's own.

Early snapshots hold online Elo, which wanders with the last few votes; later ones hold Bradley–Terry ratings on a fixed
anchor. The two are told apart by their mean: online Elo keeps it at its start, 1000, for ever.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal, TextIO

from gpu_sizer.arena.elo import START
from gpu_sizer.errors import CardError, RequestError, shown
from gpu_sizer.files import Lines, open_regular, read_regular
from gpu_sizer.json_objects import Members
from gpu_sizer.records import dataclass

Method = Literal["online Elo", "Bradley–Terry"]

BUNDLED = Path(__file__).parent / "data" / "overall.csv"
OVERALL = "overall"
#: Bytes of a history as JSON (one as CSV is read line by line), and characters of a CSV's row.
MOST_BYTES, LONGEST_ROW = 64 << 20, 1 << 20
#: A day in a file's name.
_DATED = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)")
#: How near to its start the mean of an online Elo table stays (figures are printed to two decimals).
_MEAN_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The scores on one day, by the Arena's names."""

    day: date
    scores: Mapping[str, float]
    method: Method


@dataclass(frozen=True, slots=True)
class History:
    """Snapshots of one category in order of day."""

    category: str
    snapshots: tuple[Snapshot, ...]
    source: str

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


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise RequestError(f"{text[:40]!r} is no date (YYYY-MM-DD)") from None


def _score(text: Any) -> float:
    try:
        value = math.nan if isinstance(text, bool) else float(text)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{shown(text)} is no score")
    return value


Tables = dict[str, dict[date, dict[str, float]]]


def _from_wide(head: list[str], rows: Iterable[list[str]]) -> Tables:
    days = [_day(d) for d in head[1:]]
    table: dict[date, dict[str, float]] = {d: {} for d in days}
    for row in rows:
        if len(row) != len(head):
            raise RequestError(f"the row of {shown(row[0])} has not {len(head)} columns")
        for day, cell in zip(days, row[1:], strict=True):
            if cell:
                table[day][row[0]] = _score(cell)
    return {OVERALL: table}


def _from_long(head: list[str], rows: Iterable[list[str]], wanted: str) -> Tables:
    tables: Tables = {}
    for row in rows:
        if len(row) != len(head):
            raise RequestError(f"a row has {len(row)} columns, not {len(head)}")
        cells = dict(zip(head, row, strict=True))
        category = cells.get("category") or OVERALL
        days = tables.setdefault(category, {})
        if category == wanted:
            days.setdefault(_day(cells["snapshot_date"]), {})[cells["model"]] = _score(cells["arena_score"])
    return tables


def _rows(text: TextIO) -> Iterator[list[str]]:
    """The rows of a CSV that hold something."""
    lines = Lines(text, LONGEST_ROW)
    for row in csv.reader(lines):
        lines.begin()
        if row:
            yield row


def _from_csv(text: TextIO, wanted: str) -> Tables:
    rows = _rows(text)
    try:
        head = next(rows, [])
        if "model" not in head:
            raise RequestError("a history needs a column model")
        if {"snapshot_date", "arena_score"} <= set(head):
            return _from_long(head, rows, wanted)
        if head[0] != "model":
            raise RequestError(
                "a history has the columns model, snapshot_date, arena_score, or model and one for each day"
            )
        return _from_wide(head, rows)
    except csv.Error as error:
        raise RequestError(f"no readable CSV ({error})") from None


def _from_json(data: bytes, name: str, wanted: str) -> Tables:
    """The form of lmarena-history's ``scores.json``: day -> text -> category -> model -> score; or one Arena table."""
    members = Members(data.removeprefix(b"\xef\xbb\xbf"))
    tables: Tables = {}
    try:
        for key in members.names():
            value: Any = members.value()
            if _is_leaderboard(value):
                category = OVERALL if key == "full" else key
                day = _day_of(name)
                kinds = {category: {model: entry["rating"] for model, entry in value.items()}}
            else:
                day, kinds = _day(key), value.get("text", {})
            for category, scores in kinds.items():
                days = tables.setdefault(category, {})
                if category == wanted:
                    days[day] = {sys.intern(model): _score(score) for model, score in scores.items()}
        members.end()
    except RequestError:
        raise
    except (ValueError, AttributeError, KeyError, TypeError):
        raise RequestError(
            "neither the JSON of lmarena-history (day, text, category, model, score) nor a table of the Arena "
            "(category, model, rating)"
        ) from None
    return tables


def _is_leaderboard(value: Any) -> bool:
    """Whether this is of a ``leaderboard-text.json`` as the repository lmarena/arena-catalog holds it."""
    return any(isinstance(entry, dict) and "rating" in entry for entry in value.values())


def _day_of(name: str) -> date:
    dated = _DATED.search(name)
    if dated is None:
        raise RequestError("such a table says no day: put it into the file's name, as leaderboard-text-2025-12-11.json")
    return _day("".join(dated.groups()))


def read_history(file: Path = BUNDLED, category: str = OVERALL) -> History:
    """One category of a history file.

    Args:
        file: CSV with the columns ``model, snapshot_date, arena_score`` (and perhaps ``category``), CSV with one column
            for each day, the ``scores.json`` of the repository nakasyou/lmarena-history, or a ``leaderboard-text.json``
            of the Arena's own repository lmarena/arena-catalog with its day in the file's name.
        category: ``overall``, or another that the file holds.

    Raises:
        RequestError: the file cannot be used, or lacks the category.
    """
    try:
        if file.suffix.lower() == ".json":
            parsed = _from_json(read_regular(file, MOST_BYTES), file.name, category)
        else:
            with open_regular(file) as stream, TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                parsed = _from_csv(text, category)
        tables = {c: {d: s for d, s in days.items() if s} for c, days in parsed.items()}
    except CardError as error:
        raise RequestError(str(error)) from None
    except RequestError as error:
        raise RequestError(f"{file}: {error}") from None
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise RequestError(f"{file}: not UTF-8 text") from None
    except ValueError as error:
        raise RequestError(f"{file}: {error}") from None
    if not tables.get(category):
        known = ", ".join(sorted(c for c in tables if c != category))
        what = f"no category {category[:40]!r}; it holds: {known}" if known else "no score in it"
        raise RequestError(f"{'the bundled history' if file == BUNDLED else file}: {what}")
    snapshots = tuple(Snapshot(day, scores, method_of(scores)) for day, scores in sorted(tables[category].items()))
    return History(category, snapshots, "Chatbot Arena" if file == BUNDLED else file.name)
