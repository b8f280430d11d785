"""The files in which tables of the Arena are published, read into one form.

Read are: the Arena's own dataset (``lmarena-ai/leaderboard-dataset`` on the Hugging Face hub, CC BY 4.0) as parquet,
CSV, JSON lines or the rows that the hub's viewer serves; a ``leaderboard-text.json`` of the repository
lmarena/arena-catalog; the ``scores.json`` of nakasyou/lmarena-history; CSV of trackers with a row for each model and
day; and CSV with a column for each day.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.files import Lines, TooLongError, open_regular, parse_json, read_regular
from gpu_sizer.records import dataclass

OVERALL = "overall"
#: Bytes of a file that is read row by row, and of one that is read whole; characters of a row.
MOST_BYTES, MOST_JSON, LONGEST_ROW = 256 << 20, 24 << 20, 1 << 20
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
#: A day in a file's name.
_DATED = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)")
#: Columns by what they hold; the first name that a file has is taken.
COLUMNS: dict[str, tuple[str, ...]] = {
    "model": ("model_name", "model", "name"),
    "day": ("leaderboard_publish_date", "snapshot_date", "publish_date", "date"),
    "score": ("rating", "arena_score", "score", "elo"),
    "category": ("category",),
    "organization": ("organization", "organisation"),
    "license": ("license", "licence"),
    "votes": ("vote_count", "votes"),
}
_NEEDED = ("model", "score")
#: What the Arena writes where it does not know a licence.
_UNKNOWN = frozenset(("", "-", "?", "n/a", "none", "unknown", "tbd"))


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of a table, as the table has it."""

    score: float
    organization: str | None = None
    license: str | None = None
    votes: int | None = None

    @property
    def tells(self) -> bool:
        """Whether the table says more than the score."""
        return self.organization is not None or self.license is not None or self.votes is not None

    @property
    def open(self) -> bool | None:
        """Whether the table's licence column says that the weights are public; null where it says nothing.

        The Arena writes ``Proprietary`` for models without public weights and a licence's name for all others.
        """
        if self.license is None or self.license.strip().lower() in _UNKNOWN:
            return None
        return not self.license.strip().lower().startswith("propr")


#: Category, day, the Arena's name.
Tables = dict[str, dict[date, dict[str, Listed]]]


def told_control(name: str) -> str | None:
    """What a file's name says that its ratings are controlled for (the Arena's own files say ``style_control``)."""
    return "style" if re.search(r"style.?control", name, re.IGNORECASE) else None


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise RequestError(f"{str(value)[:40]!r} is no date (YYYY-MM-DD)") from None


def _score(value: Any) -> float:
    try:
        score = float(value)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"{str(value)[:40]!r} is no score") from None
    if not math.isfinite(score):
        raise RequestError(f"{str(value)[:40]!r} is no score")
    return score


def _votes(value: Any) -> int | None:
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def _dated(name: str) -> date:
    date_in_name = _DATED.search(name)
    if date_in_name is None:
        raise RequestError("such a table says no day: put it into the file's name, as leaderboard-text-2025-12-11.json")
    return _day("-".join(date_in_name.groups()))


def _from_rows(rows: Iterable[Mapping[str, Any]], file: str) -> Tables:
    """A row for each model and day."""
    tables: Tables = {}
    chosen: dict[str, str] = {}
    undated: date | None = None
    for number, row in enumerate(rows, start=1):
        if not chosen:
            chosen = _chosen(row)
            undated = None if "day" in chosen else _dated(file)
        cells = {kind: row.get(column) for kind, column in chosen.items()}
        name = _text(cells["model"])
        if name is None:
            raise RequestError(f"row {number} names no model")
        day = undated or _day(cells["day"])
        tables.setdefault(_category(_text(cells.get("category"))), {}).setdefault(day, {})[name] = Listed(
            _score(cells["score"]),
            _text(cells.get("organization")),
            _text(cells.get("license")),
            _votes(cells.get("votes")),
        )
    return tables


def _chosen(head: Iterable[str]) -> dict[str, str]:
    """For each kind of fact, the column that holds it.

    Raises:
        RequestError: there is none for the model or the score.
    """
    present = set(head)
    chosen = {kind: next(n for n in names if n in present) for kind, names in COLUMNS.items() if present & set(names)}
    if missing := [kind for kind in _NEEDED if kind not in chosen]:
        wanted = "; ".join(f"{kind}: {', '.join(COLUMNS[kind])}" for kind in missing)
        raise RequestError(f"a table of the Arena needs a column for each of {wanted}")
    return chosen


def _category(name: str | None) -> str:
    return OVERALL if name in (None, "full") else str(name)


def _from_wide(head: list[str], rows: Iterable[list[str]]) -> Tables:
    days = [_day(d) for d in head[1:]]
    table: dict[date, dict[str, Listed]] = {d: {} for d in days}
    for row in rows:
        for day, cell in zip(days, row[1:], strict=True):
            if cell:
                table[day][row[0]] = Listed(_score(cell))
    return {OVERALL: table}


def _csv_rows(text: TextIO, delimiter: str) -> Iterator[list[str]]:
    """The rows of a CSV that hold something, each as long as the first."""
    lines, width = Lines(text, LONGEST_ROW), 0
    try:
        for number, row in enumerate(filter(None, csv.reader(lines, delimiter=delimiter)), start=1):
            lines.begin()
            width = width or len(row)
            if len(row) != width:
                raise RequestError(f"row {number} has {len(row)} columns, not {width}")
            yield row
    except csv.Error as error:
        raise RequestError(f"no readable CSV ({error})") from None


def _from_csv(text: TextIO, name: str, delimiter: str) -> Tables:
    rows = _csv_rows(text, delimiter)
    head = next(rows, None)
    if head is None:
        raise RequestError("no row in it")
    if head[0] == "model" and len(head) > 1 and all(re.fullmatch(r"\d{4}-\d\d-\d\d", c.strip()) for c in head[1:]):
        return _from_wide(head, rows)
    return _from_rows((dict(zip(head, row, strict=True)) for row in rows), name)


def _from_json_lines(text: TextIO, name: str) -> Tables:
    def objects() -> Iterator[Mapping[str, Any]]:
        lines = Lines(text, LONGEST_ROW)
        for number, line in enumerate(lines, start=1):
            lines.begin()
            if line.strip():
                yield _object(parse_json(line), number)

    return _from_rows(objects(), name)


def _object(value: Any, number: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(f"row {number} is no JSON object")
    return value


def _from_json(text: bytes, name: str) -> Tables:
    data = parse_json(text.removeprefix(b"\xef\xbb\xbf"))
    if isinstance(data, dict) and isinstance(data.get("rows"), list):
        # The hub's viewer: {"features": [...], "rows": [{"row_idx": 0, "row": {...}}, ...]}
        data = [row["row"] if isinstance(row, dict) and "row" in row else row for row in data["rows"]]
    if isinstance(data, list):
        return _from_rows((_object(row, n) for n, row in enumerate(data, start=1)), name)
    first = next(iter(data.values()), None)
    if isinstance(first, dict) and any(isinstance(v, dict) and "rating" in v for v in first.values()):
        return _from_catalog(data, name)
    tables: Tables = {}
    for day, kinds in data.items():
        for category, scores in kinds.get("text", {}).items():
            rows = {str(model): Listed(_score(score)) for model, score in scores.items()}
            tables.setdefault(_category(str(category)), {})[_day(day)] = rows
    return tables


def _from_catalog(data: Mapping[str, Any], name: str) -> Tables:
    """A ``leaderboard-text.json`` as the repository lmarena/arena-catalog holds it: category, model, facts."""
    day = _dated(name)
    return {
        _category(str(category)): {
            day: {
                str(model): Listed(
                    _score(entry["rating"]),
                    _text(entry.get("organization")),
                    _text(entry.get("license")),
                    _votes(entry.get("vote_count", entry.get("votes"))),
                )
                for model, entry in entries.items()
            }
        }
        for category, entries in data.items()
    }


def _from_parquet(file: Path) -> Tables:
    try:
        from pyarrow import parquet
    except ImportError:
        raise RequestError("a parquet file needs pyarrow: pip install 'gpu-sizer[parquet]'") from None
    try:
        source = parquet.ParquetFile(file)
        kept = [c for names in COLUMNS.values() for c in names if c in source.schema_arrow.names]
        batches = source.iter_batches(columns=kept, batch_size=1 << 16)
        return _from_rows((row for batch in batches for row in batch.to_pylist()), file.name)
    except RequestError:
        raise
    except Exception as error:
        # pyarrow raises errors of many classes for a spoilt file.
        raise RequestError(f"no readable parquet ({str(error)[:120]})") from None


def read_tables(file: Path) -> Tables:
    """Every table of a file.

    Args:
        file: one of the published forms above; a table without a day has it in its name.

    Raises:
        RequestError: the file cannot be used; the message names it and says why.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"{file}: tables of the Arena come as {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    try:
        if suffix == ".json":
            return _from_json(read_regular(file, MOST_JSON), file.name)
        with open_regular(file, MOST_BYTES) as stream:
            if suffix == ".parquet":
                return _from_parquet(file)
            with TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                if suffix == ".jsonl":
                    return _from_json_lines(text, file.name)
                return _from_csv(text, file.name, "\t" if suffix == ".tsv" else ",")
    except CardError as error:
        raise RequestError(str(error)) from None
    except (RequestError, TooLongError) as error:
        raise RequestError(f"{file}: {error}") from None
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise RequestError(f"{file}: not UTF-8 text") from None
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise RequestError(
            f"{file}: neither rows of the Arena's dataset, nor a table of the Arena (category, model, rating), nor the "
            "JSON of lmarena-history (day, text, category, model, score)"
        ) from None
