"""What a table shows and under which load, from the command line or from a YAML file, checked key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gpu_sizer.errors import RequestError, unknown_word
from gpu_sizer.load import OPTIONS, Setting
from gpu_sizer.records import dataclass, field, fields
from gpu_sizer.reports.selecting import first_day, last_day, parameters

DEFAULT_COLUMNS = ("name", "organization", "released", "parameters", "context", "dtype", "weights", "gpus")
DEFAULT_GPUS = ("rtx-a6000", "a100-80gb", "h100-80gb", "h200")
GROUPS = ("organization", "year")
#: The word for every model or every GPU of the catalogue.
ALL = "all"
#: More names or notes than any table has.
MOST_ITEMS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table in words: the same spec and the same cards give the same bytes."""

    title: str | None = None
    models: tuple[str, ...] = ()
    """Names of models in the order wanted; empty: all of the catalogue."""
    filter: str | None = None
    """Part of an id, name or organization."""
    organization: str | None = None
    """Part of the organization's name."""
    license: str | None = None
    """Part of the licence's name."""
    open: bool = False
    """Only models under an open-source licence."""
    moe: bool = False
    """Only mixtures of experts."""
    min_params: str | None = None
    max_params: str | None = None
    """Parameters in all, as people write them."""
    since: date | None = None
    as_of: date | None = None
    """Only models released on or after the one, and by the other."""
    gpus: tuple[str, ...] = DEFAULT_GPUS
    machine: str | None = None
    """A machine that can be rented, whose GPUs these are instead."""
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    sort: tuple[str, ...] = ()
    """Keys of columns, or ids of GPUs; a minus before one turns its order round."""
    group_by: str | None = None
    provider: str | None = None
    """Whose machines are priced; null is the cheapest of all."""
    transpose: bool = False
    context: str | None = None
    """Tokens as people write them; null is each model's full length."""
    load: dict[str, Any] = field(default_factory=dict)
    """Further options of a request."""
    notes: tuple[str, ...] = ()
    """Remarks to print below the table, beside those that it states itself."""


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise RequestError(f"a text, not {value!r}")
    return str(value)[:1000]


def _names(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or len(items) > MOST_ITEMS:
        raise RequestError(f"a list of names, not {str(value)[:40]!r}")
    names = tuple(_text(i).strip() for i in items)
    return () if names == (ALL,) else names


def _notes(value: Any) -> tuple[str, ...]:
    return (_text(value),) if isinstance(value, str) else tuple(map(_text, _list(value)))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
        raise RequestError(f"a list, not {str(value)[:40]!r}")
    return list(value)


def _gpus(value: Any) -> tuple[str, ...]:
    """Names of GPUs; the word ``all`` stays, since no name at all means the usual ones."""
    return _names(value) or (ALL,)


def _date(value: Any, read: Callable[[str], date]) -> date:

    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return read(str(value))


def _since(value: Any) -> date:
    return _date(value, first_day)


def _by(value: Any) -> date:
    return _date(value, last_day)


def _size(value: Any) -> str:
    text = _text(value)
    parameters(text)
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"true or false, not {str(value)[:40]!r}")
    return value


def _group(value: Any) -> str:
    if value not in GROUPS:
        raise RequestError(f"{' or '.join(GROUPS)}, not {str(value)[:40]!r}")
    return str(value)


#: How each key of a spec is read.
READERS: dict[str, Callable[[Any], Any]] = {
    "title": _text,
    "models": _names,
    "filter": _text,
    "organization": _text,
    "license": _text,
    "open": _flag,
    "moe": _flag,
    "min_params": _size,
    "max_params": _size,
    "since": _since,
    "as_of": _by,
    "gpus": _gpus,
    "machine": _text,
    "columns": _names,
    "sort": _names,
    "group_by": _group,
    "provider": _text,
    "transpose": _flag,
    "context": _text,
    "notes": _notes,
}
#: Options of a request by their keys here; the length of context has a key of its own, since it may be a text.
LOAD: dict[str, Setting] = {s.key: s for s in OPTIONS.values() if s.name not in READERS}


def _is_text(s: Setting) -> bool:
    return s.tokens or s.kind == "str"


def keys_of(load: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a request by the keys of a spec."""
    return {OPTIONS[name].key: value for name, value in load.items()}


def make_spec(data: Mapping[str, Any], base: TableSpec | None = None) -> TableSpec:
    """A spec from plain data; keys that are null or missing keep what ``base`` has.

    Raises:
        RequestError: an unknown key, or a value of the wrong kind.
    """
    start = base or TableSpec()
    values: dict[str, Any] = {f.name: getattr(start, f.name) for f in fields(start)}
    load = dict(start.load)
    for key, value in data.items():
        if key not in READERS and key not in LOAD:
            raise unknown_word(f"{str(key)[:60]}: unknown key", str(key), (*READERS, *LOAD))
        if value is None:
            continue
        if key in LOAD and not _is_text(LOAD[key]):
            LOAD[key].check(value)
            load[LOAD[key].name] = value
            continue
        try:
            if key in LOAD:
                load[LOAD[key].name] = _text(value)
            else:
                values[key] = READERS[key](value)
        except RequestError as error:
            raise RequestError(f"{key} must be {error}") from None
    return TableSpec(**{**values, "load": load})


def read_spec(file: Path) -> TableSpec:
    """A spec from a YAML file.

    Raises:
        GpuSizerError: the file cannot be read, is no mapping, or has a key or value that makes no sense.
    """
    from gpu_sizer.cards.loading import read_yaml

    data, _ = read_yaml(file)
    try:
        return make_spec(data)
    except RequestError as error:
        raise RequestError(f"{file}: {error}") from None


def spec_yaml(spec: TableSpec) -> str:
    """A spec as the YAML that :func:`read_spec` reads, without what is at its default."""
    import yaml

    default = TableSpec()
    data: dict[str, Any] = {}
    for f in fields(spec):
        value = getattr(spec, f.name)
        if f.name != "load" and value != getattr(default, f.name):
            data[f.name] = list(value) if isinstance(value, tuple) else value
    names = {s.name: key for key, s in LOAD.items()}
    data |= {names[name]: value for name, value in spec.load.items()}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
