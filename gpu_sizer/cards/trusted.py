"""Cards built from data that were validated before: no checks but the records' own.

A compiled catalogue holds the plain data of validated cards. Which fields hold records, and of which class, is read
from the records' own annotations, once for each class.
"""

from __future__ import annotations

import marshal
import sys
from functools import lru_cache, partial

from gpu_sizer.fast.stored import PLAIN
from gpu_sizer.model.kinds import KINDS
from gpu_sizer.records import unfinished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gpu_sizer.model.kinds import Kinds

    #: The containers around what a field holds, from the outside (``list``, ``mapping``), and what that is: a class,
    #: kinds, or null for a day.
    Held = tuple[tuple[str, ...], type | Kinds | None]
    Maker = tuple[str, Callable[[Any], Any]]

#: Parts of cards that are kept by their bytes; more than the catalogue has architectures, blocks and towers.
MOST_PARTS = 1 << 12
_HELD: dict[type, dict[str, Held]] = {}
#: For each class, the fields that hold records or days and what makes their values: at once, and when it is asked for.
_MAKERS: dict[type, tuple[list[Maker], list[Maker]]] = {}


def _held_by(annotation: str, scope: dict[str, Any]) -> Held | None:
    """What an annotation says that a field holds: ``tuple[Run, ...]``, ``dict[Id, Block]``, ``Mixer | None``."""
    containers, name = [], annotation.removesuffix(" | None")
    while "[" in name:
        kind, _, inside = name.removesuffix("]").partition("[")
        if kind not in ("tuple", "dict"):
            return None
        containers.append("list" if kind == "tuple" else "mapping")
        name = inside.removesuffix(", ...") if kind == "tuple" else inside.partition(", ")[2]
    if name in ("date", "datetime.date"):
        return tuple(containers), None
    what = KINDS.get(name) or scope.get(name)
    return (tuple(containers), what) if what in KINDS.values() or hasattr(what, "__record_fields__") else None


def held(record: type) -> dict[str, Held]:
    """The fields of a class of records that hold records themselves, or days."""
    if (parts_held := _HELD.get(record)) is None:
        scope = vars(sys.modules[record.__module__])
        parts = ((name, _held_by(text, scope)) for name, text in record.__annotations__.items())
        parts_held = _HELD[record] = {name: part for name, part in parts if part is not None}
    return parts_held


def records_below(record: type) -> dict[str, type]:
    """A class of records and all that its fields may hold, by name."""
    below: dict[str, type] = {}
    waiting = [record]
    while waiting:
        cls = waiting.pop()
        if cls.__name__ not in below:
            below[cls.__name__] = cls
            for _, what in held(cls).values():
                waiting += [] if what is None else [what] if isinstance(what, type) else what.classes()
    return below


def _day(text: str) -> Any:
    try:
        # The class itself: up to Python 3.11 the module around it takes longer to load than a card.
        from _datetime import date  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from datetime import date

    return date.fromisoformat(text)


def _maker(containers: tuple[str, ...], what: Any) -> Callable[[Any], Any]:
    """What makes a value of a field from its data: what the containers hold, in them."""
    if containers:
        inner = _maker(containers[1:], what)
        if containers[0] == "list":
            return lambda data: tuple([inner(item) for item in data])
        return lambda data: {key: inner(item) for key, item in data.items()}
    if what is None:
        return _day
    if not isinstance(what, type):
        return lambda data: build(what.get(data["kind"]), data)
    make = partial(build, what)
    return partial(_unpacked, make) if hasattr(what, "COMMON") else make


def kept(data: Any) -> Any:
    """Plain data as :func:`build` takes it: lists are tuples, as in records."""
    if isinstance(data, dict):
        return {key: kept(value) for key, value in data.items()}
    return tuple([kept(value) for value in data]) if isinstance(data, list) else data


def packed(record: type, data: dict[str, Any]) -> dict[str, Any]:
    """Such data of a record, with some of it marshalled by itself.

    That is what its class names in ``LATER``, since most of a card is read seldom, and what several have in common.
    """
    waiting, parts, made = getattr(record, "LATER", ()), held(record), {}
    for key, value in data.items():
        inside = value if value is None or key not in parts else _packed_part(*parts[key], value)
        made[key] = marshal.dumps(inside, PLAIN) if key in waiting else inside
    return made


def _packed_part(containers: tuple[str, ...], what: Any, value: Any) -> Any:
    """A value of a field that holds records, packed."""
    if what is None:
        return value
    if containers:
        inner = partial(_packed_part, containers[1:], what)
        if containers[0] == "list":
            return tuple([inner(item) for item in value])
        return {key: inner(item) for key, item in value.items()}
    data = packed(what if isinstance(what, type) else what.get(value["kind"]), value)
    return marshal.dumps(data, PLAIN) if hasattr(what, "COMMON") else data


@lru_cache(maxsize=MOST_PARTS)
def _unmarshalled(make: Callable[[Any], Any], data: bytes) -> Any:
    """A part of a card from its bytes: releases in other types, and models of one shape, have parts in common."""
    return make(marshal.loads(data))


def _unpacked(make: Callable[[Any], Any], value: Any) -> Any:
    return _unmarshalled(make, value) if isinstance(value, bytes) else make(value)


def build(record: type, data: dict[str, Any]) -> Any:
    """A record of this class from validated plain data, lists as tuples.

    What a class names in ``LATER``, packed or plain, is built when it is first asked for: lists show little of a card.
    """
    if (makers := _MAKERS.get(record)) is None:
        waiting = getattr(record, "LATER", ())
        known = [(name, _maker(*part)) for name, part in held(record).items()]
        makers = [m for m in known if m[0] not in waiting], [m for m in known if m[0] in waiting]
        _MAKERS[record] = makers
    now, then = makers
    if not now and not then:
        return record(**data)
    values = data.copy()
    for name, make in now:
        if (value := data.get(name)) is not None:
            values[name] = make(value)
    later: dict[str, Callable[[], Any]] = {
        name: partial(_unpacked, make, value) for name, make in then if (value := data.get(name)) is not None
    }
    return unfinished(record, values, later) if later else record(**values)
