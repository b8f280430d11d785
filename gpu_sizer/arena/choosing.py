"""Which votes of a file count: as the Arena itself chooses, and as the caller filters; and how each answer looked."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from typing import Any

from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

#: What style control controls for, in the order of its coefficients.
STYLE = ("length", "headings", "lists", "bold")
CONTROLS: dict[str, tuple[str, ...]] = {"none": (), "length": STYLE[:1], "style": STYLE}
#: For each of them, the Arena's column of the first answer; the second's has ``_b`` for ``_a``.
_MARKS = {
    "length": "sum_assistant_a_tokens",
    "headings": "header_count_a",
    "lists": "list_count_a",
    "bold": "bold_count_a",
}
#: The column in which the Arena's files of 100k and 140k votes keep these.
METADATA = "conv_metadata"
_TRUE, _FALSE = frozenset(("true", "1", "yes")), frozenset(("false", "0", "no"))


def mapping(value: Any) -> Mapping[str, Any]:
    """A cell that holds a mapping, as JSON or as Python wrote it; empty where it holds none."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return {}
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        try:
            read = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    return read if isinstance(read, Mapping) else {}


def truth(value: Any) -> bool | None:
    """A cell as true or false; null where it is neither."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None


def _at(row: Mapping[str, Any], path: str) -> Any:
    """The value of a column, or of a key within a column that holds a mapping: ``category_tag.math``."""
    if path in row:
        return row[path]
    head, _, rest = path.partition(".")
    if not rest or head not in row:
        return None
    return _at(mapping(row[head]), rest)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which votes count."""

    filters: tuple[tuple[str, str], ...] = ()
    """Columns and the value that each must have; a column within a mapping is ``category_tag.math``."""
    every_vote: bool = False
    """Whether votes count that the Arena itself leaves out: those with the names shown, and those it thins out."""
    control: str = "none"
    """A key of :data:`CONTROLS`."""

    def __post_init__(self) -> None:
        if self.control not in CONTROLS:
            raise RequestError(f"--control is {', '.join(CONTROLS)}, not {self.control[:40]!r}")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read beyond models, winner and time, as far as a file has them."""
        marks = [side for name in CONTROLS[self.control] for side in _sides(_MARKS[name])]
        filters = [part for path, _ in self.filters for part in (path, path.partition(".")[0])]
        honoured = [] if self.every_vote else ["anony", "dedup_tag"]
        return (*filters, *honoured, *((METADATA, *marks) if marks else ()))

    def needs(self, columns: Iterable[str]) -> bool:
        """Whether a row has to be looked at beyond models, winner and time."""
        present = set(columns)
        honoured = not self.every_vote and bool(present & {"anony", "dedup_tag"})
        return honoured or bool(self.filters) or self.control != "none"

    def check(self, columns: Iterable[str]) -> None:
        """Refuses what the file cannot tell.

        Raises:
            RequestError: it lacks a column that a filter or the control reads.
        """
        present = set(columns)
        for path, _ in self.filters:
            if path not in present and path.partition(".")[0] not in present:
                raise RequestError(f"--filter {path[:60]}: no such column; the file has {', '.join(sorted(present))}")
        marks = [side for name in CONTROLS[self.control] for side in _sides(_MARKS[name])]
        if METADATA not in present and (missing := [mark for mark in marks if mark not in present]):
            raise RequestError(
                f"--control {self.control} needs the columns {', '.join(missing)}, or {METADATA} as the Arena's files "
                "of 100k and 140k votes have it"
            )

    def passed_by(self, row: Mapping[str, Any]) -> str | None:
        """Why a vote does not count; null where it does."""
        for path, wanted in self.filters:
            value = _at(row, path)
            same = str(value).strip().lower() == wanted.lower()
            if not same and (truth(wanted) is None or truth(value) is not truth(wanted)):
                return f"{path} is not {wanted}"
        if self.every_vote:
            return None
        if truth(row.get("anony")) is False:
            return "the voter saw the models' names (anony is false), which the Arena leaves out"
        if "dedup_tag" in row and truth(mapping(row["dedup_tag"]).get("sampled")) is False:
            return "a prompt asked so often that the Arena thins it out (dedup_tag)"
        return None

    def style(self, row: Mapping[str, Any]) -> tuple[float, ...] | None:
        """For each feature ``(a - b) / (a + b)``, 0 where neither answer has it; null where the row does not tell.

        As the Arena normalises them (https://lmsys.org/blog/2024-08-28-style-control/): relative to the pair, so that a
        long conversation does not weigh more than a short one.
        """
        source = mapping(row[METADATA]) if METADATA in row else row
        features = []
        for name in CONTROLS[self.control]:
            first, second = (_count(source.get(column)) for column in _sides(_MARKS[name]))
            if first is None or second is None:
                return None
            features.append((first - second) / (first + second) if first + second else 0.0)
        return tuple(features)


def _sides(column: str) -> tuple[str, str]:
    return column, column.replace("_a_", "_b_") if "_a_" in column else f"{column[:-2]}_b"


def _count(value: Any) -> float | None:
    """A count, or the sum of counts by kind (``{"h1": 2, "h2": 1}``)."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = mapping(value)
    if isinstance(value, Mapping):
        parts = [_count(v) for v in value.values()]
        return None if None in parts else float(sum(p for p in parts if p is not None))
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # The Arena writes -1 where it did not count.
    return max(number, 0.0) if number == number and abs(number) != float("inf") else None


def make_choice(filters: Iterable[str] = (), *, every_vote: bool = False, control: str = "none") -> Choice:
    """A choice from texts as ``language=English``.

    Raises:
        RequestError: a filter is no ``COLUMN=VALUE``, or there is no such control.
    """
    pairs = []
    for text in filters:
        column, equals, value = text.partition("=")
        if not equals or not column.strip() or not value.strip():
            raise RequestError(f"--filter takes COLUMN=VALUE as language=English, not {text[:60]!r}")
        pairs.append((column.strip(), value.strip()))
    return Choice(tuple(pairs), every_vote, control)
