"""Cards built from data that were validated before: no checks but the records' own.

A compiled catalogue holds the plain data of validated cards. Which fields hold records, and of which class, is read
from the records' own annotations, once for each class.
"""

from __future__ import annotations

import sys

from gpu_sizer.model.kinds import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.model.kinds import Kinds

    #: How a field holds them (as one, a list, a mapping to them, or a day), and what: a class or kinds.
    Held = tuple[str, type | Kinds | None]

_HELD: dict[type, dict[str, Held]] = {}


def _held_by(annotation: str, scope: dict[str, Any]) -> Held | None:
    """What an annotation says that a field holds: ``tuple[Run, ...]``, ``dict[Id, Block]``, ``Mixer | None``."""
    how, name = "one", annotation
    if annotation.startswith("tuple["):
        how, name = "many", annotation[6:].partition(",")[0]
    elif annotation.startswith("dict["):
        how, name = "mapped", annotation[5:].partition(", ")[2]
    name = name.removesuffix(" | None").rstrip("]")
    if name in ("date", "datetime.date"):
        return "day", None
    if name in KINDS:
        return how, KINDS[name]
    found = scope.get(name)
    return (how, found) if hasattr(found, "__record_fields__") else None


def held(record: type) -> dict[str, Held]:
    """The fields of a class of records that hold records themselves, or days."""
    if (found := _HELD.get(record)) is None:
        scope = vars(sys.modules[record.__module__])
        parts = ((name, _held_by(text, scope)) for name, text in record.__annotations__.items())
        found = _HELD[record] = {name: part for name, part in parts if part is not None}
    return found


def records_below(record: type) -> dict[str, type]:
    """A class of records and all that its fields may hold, by name."""
    found: dict[str, type] = {}
    waiting = [record]
    while waiting:
        cls = waiting.pop()
        if cls.__name__ not in found:
            found[cls.__name__] = cls
            for _, what in held(cls).values():
                waiting += [] if what is None else [what] if isinstance(what, type) else what.classes()
    return found


def _day(text: str) -> Any:
    try:
        # The class itself: up to Python 3.11 the module around it takes longer to load than a card.
        from _datetime import date  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from datetime import date

    return date.fromisoformat(text)


def _made(what: Any, data: dict[str, Any]) -> Any:
    return build(what if isinstance(what, type) else what.get(data["kind"]), data)


def build(record: type, data: dict[str, Any]) -> Any:
    """A record of this class from validated plain data."""
    values: dict[str, Any] = {}
    parts = held(record)
    for name, value in data.items():
        if value is None or name not in parts:
            values[name] = tuple(value) if isinstance(value, list) else value
            continue
        how, what = parts[name]
        if how == "one":
            values[name] = _made(what, value)
        elif how == "many":
            values[name] = tuple([_made(what, item) for item in value])
        elif how == "mapped":
            values[name] = {key: _made(what, item) for key, item in value.items()}
        else:
            values[name] = _day(value)
    return record(**values)
