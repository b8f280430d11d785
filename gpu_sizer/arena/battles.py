"""Battles read from CSV, JSON lines or JSON: two models, who won, and when.

A row that cannot be read is never dropped in silence: it is counted under its reason, with the first rows named.
"""

from __future__ import annotations

import csv
import io
import json
import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.files import Lines, open_regular
from gpu_sizer.records import dataclass, field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Advance = Callable[[int], None]

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
COLUMNS = ("model_a", "model_b", "winner")
#: Names that a column of time stamps may bear.
TIME_COLUMNS = ("tstamp", "timestamp", "time", "date")
SUFFIXES = (".csv", ".jsonl", ".json")
#: Rows named in full for each kind of mistake.
EXAMPLES = 3
LONGEST_NAME = 200
#: Characters of one row, object or line.
LONGEST_ROW = 1 << 20
#: Models beyond which it is no table of votes; the Arena has had some hundreds.
MOST_MODELS = 20_000
_CHUNK = 1 << 20


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

    def __len__(self) -> int:
        return len(self.outcome)


@dataclass(slots=True)
class _Collector:
    """Columns that grow row by row, and what went wrong on the way."""

    ids: dict[str, int] = field(default_factory=dict)
    first: array[int] = field(default_factory=lambda: array("i"))
    second: array[int] = field(default_factory=lambda: array("i"))
    outcome: array[int] = field(default_factory=lambda: array("b"))
    times: array[float] = field(default_factory=lambda: array("d"))
    untimed: int = 0
    reasons: dict[str, tuple[int, list[int]]] = field(default_factory=dict)

    def refuse(self, row: int, reason: str) -> None:
        """Counts a row that cannot be used."""
        count, rows = self.reasons.get(reason, (0, []))
        if len(rows) < EXAMPLES:
            rows.append(row)
        self.reasons[reason] = (count + 1, rows)

    def add(self, row: int, a: Any, b: Any, winner: Any, time: Any) -> None:
        """Takes one battle, or counts why not."""
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
            self.first.append(ids.setdefault(a, len(ids)))
            self.second.append(ids.setdefault(b, len(ids)))
            self.outcome.append(outcome)
            if (moment := _moment(time)) is None:
                self.untimed += 1
                moment = math.nan
            self.times.append(moment)

    def battles(self) -> Battles:
        """What was collected, sorted by time where every battle has one."""
        import numpy as np

        first = np.frombuffer(self.first, dtype=np.int32) if self.first else np.zeros(0, np.int32)
        second = np.frombuffer(self.second, dtype=np.int32) if self.second else np.zeros(0, np.int32)
        outcome = np.frombuffer(self.outcome, dtype=np.int8) if self.outcome else np.zeros(0, np.int8)
        timed = bool(self.times) and not self.untimed
        if timed:
            order = np.argsort(np.frombuffer(self.times, dtype=np.float64), kind="stable")
            first, second, outcome = first[order], second[order], outcome[order]
        problems = tuple(Problem(reason, count, tuple(rows)) for reason, (count, rows) in self.reasons.items())
        return Battles(tuple(self.ids), first, second, outcome, timed, problems)


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


def _time_column(names: Iterable[str]) -> str | None:
    present = set(names)
    return next((c for c in TIME_COLUMNS if c in present), None)


def _read_csv(stream: IO[str], into: _Collector) -> None:
    lines = Lines(stream, LONGEST_ROW)
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, [])]
        if missing := [c for c in COLUMNS if c not in header]:
            raise RequestError(f"the battles need the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
        at_a, at_b, at_winner = (header.index(c) for c in COLUMNS)
        time = _time_column(header)
        at_time = header.index(time) if time else None
        width = len(header)
        for row in reader:
            lines.begin()
            if not row:
                into.refuse(reader.line_num, "an empty row")
            elif len(row) != width:
                into.refuse(reader.line_num, f"not {width} columns")
            else:
                into.add(
                    reader.line_num,
                    row[at_a],
                    row[at_b],
                    row[at_winner],
                    row[at_time] if at_time is not None else None,
                )
    except UnicodeDecodeError:
        raise
    except (csv.Error, ValueError) as error:
        raise RequestError(f"the battles are no readable CSV (row {reader.line_num + 1}: {error})") from None


def _add_object(value: Any, row: int, into: _Collector) -> None:
    if not isinstance(value, dict):
        into.refuse(row, "not a JSON object")
        return
    time = None
    for column in TIME_COLUMNS:
        if column in value:
            time = value[column]
            break
    try:
        into.add(row, value["model_a"], value["model_b"], value["winner"], time)
    except KeyError as error:
        into.refuse(row, f"no key {error.args[0]}")


def _read_json_lines(stream: IO[str], into: _Collector) -> None:
    decode = json.JSONDecoder().decode
    lines, row = Lines(stream, LONGEST_ROW), 0
    for line in lines:
        lines.begin()
        row += 1
        try:
            value = decode(line)
        except (ValueError, RecursionError):
            into.refuse(row, "not JSON" if line.strip() else "an empty row")
            continue
        _add_object(value, row, into)


def _array_items(stream: IO[str]) -> Iterator[Any]:
    """The items of one JSON array, read piece by piece: a million battles never stand in memory as objects."""
    decode = json.JSONDecoder().raw_decode
    text, ended, begun, items = "", False, False, 0
    while True:
        text = text.lstrip()
        if not begun and text:
            if text[0] != "[":
                raise RequestError("the battles are no JSON array of objects")
            text, begun = text[1:].lstrip(), True
        at = 0
        while begun and at < len(text):
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if at < len(text) and text[at] == "]":
                rest = text[at + 1 :]
                while not rest.strip() and (rest := stream.read(_CHUNK)):
                    pass
                if rest:
                    raise RequestError("the battles are no single JSON array: something follows it")
                return
            try:
                value, end = decode(text, at)
            except (ValueError, RecursionError):
                break
            # A number or word may go on in the next piece; an object ends with its brace.
            if end == len(text) and not ended and not isinstance(value, dict):
                break
            yield value
            items += 1
            at = end
        text = text[at:]
        if len(text) > LONGEST_ROW:
            raise RequestError(f"battle {items + 1:,} has more than {LONGEST_ROW:,} characters, or is spoilt")
        if ended:
            where = f"after {items:,} battles" if items else "at its beginning"
            raise RequestError(f"the battles are no readable JSON: the array breaks off or is spoilt {where}")
        piece = stream.read(_CHUNK)
        ended = not piece
        text += piece


def _read_json(stream: IO[str], into: _Collector) -> None:
    for row, value in enumerate(_array_items(stream), start=1):
        _add_object(value, row, into)


class _Counted(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, raw: io.FileIO, advance: Advance) -> None:
        self._raw, self._advance = raw, advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0
        self._advance(count)
        return count


def read_battles(file: Path, *, advance: Advance | None = None) -> Battles:
    """Every battle of a file.

    Args:
        file: ``.csv`` with a header, ``.jsonl`` (one object a line) or ``.json`` (an array of objects) with the
            columns ``model_a``, ``model_b``, ``winner`` and perhaps ``tstamp`` (seconds or ISO 8601).
        advance: called with the bytes read since the last call, for a progress bar.

    Raises:
        RequestError: the file cannot be read, lacks a column, or holds not one usable battle.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{file}: battles come as {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    read = {".csv": _read_csv, ".jsonl": _read_json_lines, ".json": _read_json}[file.suffix.lower()]
    into = _Collector()
    try:
        with open_regular(file) as opened, io.FileIO(opened.fileno(), closefd=False) as raw:
            counted = io.BufferedReader(_Counted(raw, advance or (lambda count: None)), _CHUNK)
            with io.TextIOWrapper(counted, encoding="utf-8-sig", newline="") as stream:
                read(stream, into)
    except CardError as error:
        raise RequestError(str(error)) from None
    except RequestError as error:
        raise RequestError(f"{file}: {error}") from None
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: not UTF-8 text ({error})") from None
    except ValueError as error:
        raise RequestError(f"{file}: {error}") from None
    battles = into.battles()
    if not len(battles):
        told = "; ".join(str(p) for p in battles.problems)
        raise RequestError(f"{file}: no battle in it" + (f"; {told}" if told else ""))
    return battles
