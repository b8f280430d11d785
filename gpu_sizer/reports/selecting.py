"""Which entries of the catalogue a listing shows: sizes, dates and names as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.names import normal
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from gpu_sizer.reports.listings import ModelEntry

Row = TypeVar("Row")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt]?)", re.IGNORECASE)
_POWERS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def parameters(text: str) -> int:
    """A number of parameters: ``80b``, ``500M``, ``1.5T``; a bare number below 10,000 is in billions.

    Raises:
        RequestError: not such a number.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"a number of parameters such as 80b or 500m, not {text[:40]!r}", about="model")
    value, unit = float(match[1]), match[2].lower()
    return round(value * (_POWERS["b"] if not unit and value < 10_000 else _POWERS[unit]))


def first_day(text: str) -> date:
    """The first day of a year, a month or a day: ``2024``, ``2024-01``, ``2024-01-31``.

    Raises:
        RequestError: no such day.
    """

    match = _DAY.fullmatch(text.strip())
    try:
        if match is not None:
            return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        pass
    raise RequestError(f"a date as 2024, 2024-01 or 2024-01-31, not {text[:40]!r}")


def last_day(text: str) -> date:
    """The last day of a year, a month or a day, written as for :func:`first_day`.

    Raises:
        RequestError: no such day.
    """
    from calendar import monthrange

    day = first_day(text)
    parts = text.strip().count("-")
    month = 12 if parts == 0 else day.month
    return day if parts == 2 else day.replace(month=month, day=monthrange(day.year, month)[1])


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """What a model must be to be listed; null and False ask for nothing."""

    text: str | None = None
    """Part of an id, name or organization."""
    moe: bool = False
    """Only mixtures of experts: models of which a token uses a part."""
    least: int | None = None
    most: int | None = None
    """Parameters in all."""
    since: date | None = None
    until: date | None = None
    organization: str | None = None
    license: str | None = None
    open: bool = False
    """Only licences that are known to be open."""
    exact: bool = False
    """Only models whose inventory equals a published total or an independent build."""

    def keeps(self, entry: ModelEntry) -> bool:
        """Whether a model is listed; one without a date is not where a day is asked for."""
        card, day = entry.card, entry.card.released
        return (
            _holds(self.text, card.id, card.name, card.organization)
            and _holds(self.organization, card.organization)
            and _holds(self.license, card.license)
            and (not self.moe or entry.active < entry.total)
            and (self.least is None or entry.total >= self.least)
            and (self.most is None or entry.total <= self.most)
            and (self.since is None or (day is not None and day >= self.since))
            and (self.until is None or (day is not None and day <= self.until))
            and (not self.open or card.open_license is True)
            and (not self.exact or entry.exact)
        )


@dataclass(frozen=True, slots=True)
class GpuFilter:
    """What a GPU must be to be listed; null asks for nothing."""

    text: str | None = None
    """Part of an id, name or architecture."""
    vendor: str | None = None
    least_gb: float | None = None
    """Gigabytes on the box."""
    since: date | None = None
    measured: bool = False
    """Only those whose memory was read on a real machine."""

    def keeps(self, spec: GpuSpec) -> bool:
        """Whether a GPU is listed; one without a date is not where a day is asked for."""
        return (
            _holds(self.text, spec.id, spec.name, spec.architecture)
            and (self.vendor is None or normal(self.vendor) == normal(spec.vendor))
            and (self.least_gb is None or spec.memory.marketed_gb >= self.least_gb)
            and (self.since is None or (spec.released is not None and spec.released >= self.since))
            and (not self.measured or spec.memory.visible_basis == "measured")
        )


def _holds(part: str | None, *fields: str | None) -> bool:
    return not part or any(normal(part) in normal(f) for f in fields if f)


def ordered(
    rows: Iterable[Row], by: str | None, keys: Mapping[str, Callable[[Row], str | float | date | None]]
) -> list[Row]:
    """Rows by a key, ``-KEY`` the largest first; rows without the value stand last in either direction.

    Raises:
        RequestError: no such key.
    """
    if by is None:
        return list(rows)
    name = by.removeprefix("-")
    if name not in keys:
        raise RequestError(f"cannot sort by {name[:40]!r}; this list has {', '.join(keys)}")
    present: list[tuple[Any, Row]] = []
    absent: list[Row] = []
    for row in rows:
        value = keys[name](row)
        if value is None:
            absent.append(row)
        else:
            present.append((value.lower() if isinstance(value, str) else value, row))
    present.sort(key=lambda pair: pair[0], reverse=by.startswith("-"))
    return [row for _, row in present] + absent
