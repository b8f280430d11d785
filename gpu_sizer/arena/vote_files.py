"""Votes read from the files in which they are published: CSV, TSV, JSON lines, JSON, parquet, each perhaps gzipped.

Read are the columns ``model_a``, ``model_b`` and ``winner`` of the Arena's files (its ``clean_battle`` files, and those
of 100k and 140k votes), and the columns ``winner_model_a``, ``winner_model_b``, ``winner_tie`` of its file of 55k.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gpu_sizer.arena.battles import WINNERS, Battles, Collector
from gpu_sizer.arena.choosing import CONTROLS, Choice, truth
from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.files import Lines, TooLongError, open_regular

Advance = Callable[[int], None]

COLUMNS = ("model_a", "model_b", "winner")
#: One column for each outcome, as the file of 55k votes has them, and what a mark in it means.
ONE_HOT = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
#: Names that a column of time stamps may bear.
TIME_COLUMNS = ("tstamp", "timestamp", "time", "date")
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
#: Characters of one battle, with the whole conversation where a file has it.
LONGEST_ROW = 1 << 22
_CHUNK = 1 << 20


def _time_column(names: Iterable[str]) -> str | None:
    present = set(names)
    return next((c for c in TIME_COLUMNS if c in present), None)


def _refuse_without_winner(names: Iterable[str]) -> None:
    present = set(names)
    told = COLUMNS if not set(ONE_HOT) <= present else COLUMNS[:2]
    if missing := [c for c in told if c not in present]:
        raise RequestError(f"the battles need the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")


def _winner(row: Mapping[str, Any]) -> Any:
    """The winner's column, or the one of three columns that is marked."""
    if "winner" in row:
        return row["winner"]
    marked = [meaning for column, meaning in ONE_HOT.items() if truth(row.get(column)) is True]
    return marked[0] if len(marked) == 1 else None


class _Taker:
    """Takes rows as mappings: asks the choice whether each counts, and adds it."""

    def __init__(self, into: Collector, choice: Choice) -> None:
        self._into, self._choice = into, choice
        self._seen = False

    def take(self, number: int, row: Any) -> None:
        """One row, counted from 1."""
        into, choice = self._into, self._choice
        if not isinstance(row, dict):
            into.refuse(number, "not a JSON object")
            return
        if not self._seen:
            choice.check(row)
            self._seen = True
        for column in COLUMNS[:2]:
            if column not in row:
                into.refuse(number, f"no key {column}")
                return
        if "winner" not in row and not set(ONE_HOT) <= set(row):
            into.refuse(number, "no key winner")
            return
        style: tuple[float, ...] = ()
        if choice.needs(row):
            if (reason := choice.passed_by(row)) is not None:
                into.pass_by(number, reason)
                return
            if into.features:
                told = choice.style(row)
                if told is None:
                    into.pass_by(number, f"it does not tell the {', '.join(CONTROLS[choice.control])} of both answers")
                    return
                style = told
        time = next((row[c] for c in TIME_COLUMNS if c in row), None)
        if into.add(number, row["model_a"], row["model_b"], _winner(row), time):
            into.style.extend(style)


def _read_csv(stream: TextIO, into: Collector, choice: Choice, delimiter: str = ",") -> None:
    lines = Lines(stream, LONGEST_ROW)
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        _refuse_without_winner(header)
        choice.check(header)
        if "winner" in header and not choice.needs(header):
            _add_plain(reader, lines, header, into)
            return
        taker, width = _Taker(into, choice), len(header)
        for row in reader:
            lines.begin()
            if len(row) == width:
                taker.take(reader.line_num, dict(zip(header, row, strict=True)))
            else:
                into.refuse(reader.line_num, f"not {width} columns" if row else "an empty row")
    except csv.Error as error:
        raise RequestError(f"the battles are no readable CSV (row {reader.line_num}: {error})") from None
    except TooLongError as error:
        raise RequestError(f"the battles are no readable CSV (row {reader.line_num + 1}: {error})") from None


def _add_plain(reader: Any, lines: Lines, header: Sequence[str], into: Collector) -> None:
    """Rows by the places of their columns: where nothing else is asked, none is made a mapping (half of the time)."""
    at_a, at_b, at_winner = (header.index(c) for c in COLUMNS)
    time = _time_column(header)
    at_time = header.index(time) if time else None
    width, known, outcomes = len(header), into.ids.get, WINNERS.get
    for row in reader:
        lines.begin()
        if len(row) == width:
            a, b, winner = row[at_a], row[at_b], row[at_winner]
            moment = row[at_time] if at_time is not None else None
            first, second, outcome = known(a), known(b), outcomes(winner)
            # Most rows are of models that were seen before: what could be wrong with a name was looked at then.
            if first is None or second is None or first == second or outcome is None:
                into.add(reader.line_num, a, b, winner, moment)
            else:
                into.put(first, second, outcome, moment)
        else:
            into.refuse(reader.line_num, f"not {width} columns" if row else "an empty row")


def _read_tsv(stream: TextIO, into: Collector, choice: Choice) -> None:
    _read_csv(stream, into, choice, "\t")


def _read_json_lines(stream: TextIO, into: Collector, choice: Choice) -> None:
    taker = _Taker(into, choice)
    decode = json.JSONDecoder().decode
    lines = Lines(stream, LONGEST_ROW)
    for row, line in enumerate(lines, start=1):
        lines.begin()
        try:
            value = decode(line)
        except (ValueError, RecursionError):
            into.refuse(row, "not JSON" if line.strip() else "an empty row")
            continue
        taker.take(row, value)


def _array_items(stream: TextIO) -> Iterator[Any]:
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
        piece = stream.read(max(_CHUNK, len(text)))
        ended = not piece
        text += piece


def _read_json(stream: TextIO, into: Collector, choice: Choice) -> None:
    taker = _Taker(into, choice)
    for row, value in enumerate(_array_items(stream), start=1):
        taker.take(row, value)


_READERS: dict[str, Callable[[TextIO, Collector, Choice], None]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".json": _read_json,
}


def _read_parquet(file: Path, into: Collector, choice: Choice, advance: Advance) -> None:
    try:
        from pyarrow import parquet
    except ImportError:
        raise RequestError("a parquet file needs pyarrow: pip install 'gpu-sizer[parquet]'") from None
    try:
        source = parquet.ParquetFile(file)
        names = source.schema_arrow.names
        _refuse_without_winner(names)
        choice.check(names)
        # Whole conversations are the bulk of such a file, and nobody reads them here.
        wanted = {*COLUMNS, *ONE_HOT, *TIME_COLUMNS, *choice.columns}
        taker, number, size, rows = _Taker(into, choice), 0, file.stat().st_size, source.metadata.num_rows
        for batch in source.iter_batches(columns=[n for n in names if n in wanted], batch_size=1 << 14):
            for row in batch.to_pylist():
                number += 1
                taker.take(number, row)
            advance(round(size * batch.num_rows / max(rows, 1)))
    except RequestError:
        raise
    except Exception as error:
        # pyarrow raises errors of many classes for a spoilt file.
        raise RequestError(f"no readable parquet ({str(error)[:120]})") from None


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


def _suffixes(file: Path) -> tuple[str, bool]:
    """The ending that says the form, and whether the file is gzipped."""
    zipped = file.suffix.lower() == ".gz"
    suffix = (Path(file.stem) if zipped else file).suffix.lower()
    if suffix not in SUFFIXES or (zipped and suffix == ".parquet"):
        raise RequestError(
            f"{file}: battles come as {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; the texts also gzipped (.csv.gz)"
        )
    return suffix, zipped


def read_battles(file: Path, choice: Choice | None = None, *, advance: Advance | None = None) -> Battles:
    """Every battle of a file that counts.

    Args:
        file: ``.csv`` or ``.tsv`` with a header, ``.jsonl`` (one object a line), ``.json`` (an array of objects) or
            ``.parquet``, the texts perhaps gzipped, with the columns ``model_a``, ``model_b``, ``winner`` (or three
            marks as in the file of 55k votes) and perhaps ``tstamp`` (seconds or ISO 8601).
        choice: which of them count; null is what the Arena itself counts.
        advance: called with the bytes read since the last call, for a progress bar.

    Raises:
        RequestError: the file cannot be read, lacks a column, or holds not one usable battle.
    """
    choice = choice or Choice()
    suffix, zipped = _suffixes(file)
    into = Collector(control=choice.control, features=len(CONTROLS[choice.control]))
    told = advance or (lambda count: None)
    try:
        if suffix == ".parquet":
            _read_parquet(file, into, choice, told)
        else:
            with open_regular(file) as regular, io.FileIO(regular.fileno(), closefd=False) as raw:
                counted: Any = io.BufferedReader(_Counted(raw, told), _CHUNK)
                opened = gzip.GzipFile(fileobj=counted) if zipped else counted
                with io.TextIOWrapper(opened, encoding="utf-8-sig", newline="") as stream:
                    _READERS[suffix](stream, into, choice)
    except CardError as error:
        raise RequestError(str(error)) from None
    except (RequestError, TooLongError) as error:
        raise RequestError(f"{file}: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise RequestError(f"{file}: not a whole gzip file") from None
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror or 'cannot be read'}") from None
    except ValueError as error:
        raise RequestError(f"{file}: not UTF-8 text ({error})") from None
    battles = into.battles()
    if not len(battles):
        reasons = "; ".join(str(p) for p in (*battles.problems, *battles.left_out))
        raise RequestError(f"{file}: no battle in it" + (f"; {reasons}" if reasons else ""))
    return battles
