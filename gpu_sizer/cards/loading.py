"""YAML card files read strictly: safe, bounded, and every mistake told with file, line, key and reason."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gpu_sizer.cards.gpu_slices import Slices
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.hub_counts import Counts
from gpu_sizer.cards.machine import Provider
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rerelease_table import Table
from gpu_sizer.cards.trusted import records_below
from gpu_sizer.errors import CardError, shown
from gpu_sizer.files import read_regular, stay_within
from gpu_sizer.records import fields

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_BYTES = 1 << 20
#: Deeper nesting than any card needs.
MOST_DEPTH = 24

Card = TypeVar("Card", ModelCard, GpuSpec, Provider, Table, Counts, Slices)
#: Kinds of file in the catalogue.
Kind = type[ModelCard] | type[GpuSpec] | type[Provider] | type[Table] | type[Counts] | type[Slices]


def _line(marked: Any) -> int:
    return int(marked.start_mark.line) + 1


def _refuse(file: Path, line: int | None, key: str, reason: str) -> CardError:
    return CardError(f"{file}:{line}" if line else str(file), key, reason)


def read_yaml(file: Path, within: Path | None = None) -> tuple[dict[str, Any], Any]:
    """A YAML mapping and its node tree.

    Args:
        file: the file.
        within: the folder it must not leave through a symbolic link.

    Raises:
        CardError: unreadable, over 1 MiB, an alias, a duplicate key, a tag, not a mapping, or several documents.
    """
    return parse_yaml(_read(file, within), file)


def read_documents(file: Path, within: Path | None = None) -> list[tuple[dict[str, Any], Any]]:
    """Every document of a YAML file, as :func:`read_yaml` gives one; at least one.

    Raises:
        CardError: as there.
    """
    return _documents(_read(file, within), file)


def _read(file: Path, within: Path | None) -> str:
    if within is not None:
        stay_within(file, within)
    try:
        return read_regular(file, MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise CardError(str(file), "", "not UTF-8 text") from None


def parse_yaml(text: str, file: Path) -> tuple[dict[str, Any], Any]:
    """A YAML mapping and its node tree, from a text.

    Args:
        text: what a file holds.
        file: its name in messages.

    Raises:
        CardError: an alias, a duplicate key, a tag, not a mapping, or several documents.
    """
    first, *further = _documents(text, file)
    if further:
        raise _refuse(file, _line(further[0][1]), "", "holds several cards (---), and one is taken here")
    return first


def _documents(text: str, file: Path) -> list[tuple[dict[str, Any], Any]]:
    import yaml

    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = loader_class(text)
    try:
        for event in yaml.parse(text, Loader=loader_class):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _refuse(file, _line(event), "", "anchors and aliases are not allowed in cards")
        documents: list[tuple[dict[str, Any], Any]] = []
        while not documents or loader.check_node():
            node = loader.get_node() if loader.check_node() else None
            if not isinstance(node, yaml.MappingNode):
                raise CardError(str(file), "", "not a mapping of keys to values")
            _check_nodes(file, node, "", 0)
            documents.append((loader.construct_document(node), node))
        return documents
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise _refuse(file, mark.line + 1 if mark else None, "", f"not valid YAML ({problem})") from None
    except (ValueError, RecursionError) as error:
        raise CardError(str(file), "", f"not valid YAML ({error})") from None
    finally:
        loader.dispose()


def _check_nodes(file: Path, node: Any, path: str, depth: int) -> None:
    """Refuses duplicate keys and deep nesting."""
    import yaml

    if depth > MOST_DEPTH:
        raise _refuse(file, node.start_mark.line + 1, path, "nested too deeply")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise _refuse(file, key.start_mark.line + 1, f"{path}{name}", "the key stands twice")
            seen.add(name)
            _check_nodes(file, value, f"{path}{name}.", depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_nodes(file, item, path, depth + 1)


def _line_of(node: Any, path: Iterable[str | int]) -> int | None:
    """The line on which a key path stands, as far as it exists."""
    import yaml

    line: int | None = None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


_ADAPTERS: dict[str, TypeAdapter[Any]] = {}


def adapter(kind: Kind) -> TypeAdapter[Any]:
    """The pydantic adapter that validates a card class."""
    from pydantic import TypeAdapter

    import gpu_sizer.cards.validation  # noqa: F401 - tells pydantic how records look

    if kind.__name__ not in _ADAPTERS:
        _ADAPTERS[kind.__name__] = TypeAdapter(kind)
    return _ADAPTERS[kind.__name__]


_REASONS = {
    "unexpected_keyword_argument": "unknown key",
    "missing": "missing",
    "missing_argument": "missing",
}
#: What a value must be that is of another kind, or beyond its bounds.
_MUST_BE = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "a day (2024-07-23)"),
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
}


def _reason(error: Any) -> str:
    """What is wrong with a value, and the value."""
    if (known := _REASONS.get(error["type"])) is not None:
        return known
    if (wanted := _MUST_BE.get(error["type"])) is not None:
        bounds = {k: _figure(v) for k, v in error.get("ctx", {}).items()}
        return f"must be {wanted.format(**bounds)}, not {shown(error['input'])}"
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return message[0].lower() + message[1:]


def _figure(bound: Any) -> str:
    return f"{bound:,.0f}" if isinstance(bound, int | float) else str(bound)


def _first_error(errors: list[Any], known: dict[str, set[str]]) -> tuple[tuple[str | int, ...], str]:
    """The error to show: branches of a union that the card did not choose by its ``kind`` are left out."""
    dropped = {e["loc"][:-1] for e in errors if e["type"] == "literal_error" and e["loc"][-1:] == ("kind",)}
    kept = [e for e in errors if not any(e["loc"][: len(d)] == d for d in dropped)]
    if not kept:
        error = min(errors, key=lambda e: len(e["loc"]))
        kinds = sorted({str(e["ctx"]["expected"]).strip("'") for e in errors if e["type"] == "literal_error"})
        return (*_plain(error["loc"][:-1], known), "kind"), f"unknown kind; known: {', '.join(kinds)}"
    # A misspelt key is also a missing one: the spelling is what helps.
    error = next((e for e in kept if e["type"] == "unexpected_keyword_argument"), kept[0])
    unknown = error["type"] == "unexpected_keyword_argument"
    return _plain(error["loc"], known), _unknown_key(error, known) if unknown else _reason(error)


def _unknown_key(error: Any, known: dict[str, set[str]]) -> str:

    owner = next((str(s) for s in reversed(error["loc"][:-1]) if str(s) in known), "")
    names = known.get(owner) or set().union(*known.values())
    near = get_close_matches(str(error["loc"][-1]), sorted(names), n=1)
    return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"


def _plain(loc: tuple[str | int, ...], known: dict[str, set[str]]) -> tuple[str | int, ...]:
    return tuple(s for s in loc if s not in known)


@cache
def _known_fields() -> dict[str, set[str]]:

    kinds = (ModelCard, GpuSpec, Provider, Table, Counts, Slices)
    classes = {name: cls for kind in kinds for name, cls in records_below(kind).items()}
    return {name: {f.name for f in fields(cls)} for name, cls in classes.items()}


def validate(data: dict[str, Any], kind: type[Card], file: Path, node: Any = None) -> Card:
    """A card from parsed data.

    Raises:
        CardError: with the first key that is wrong.
    """
    from pydantic import ValidationError

    try:
        card: Card = adapter(kind).validate_python(data)
        return card
    except ValidationError as error:
        path, reason = _first_error(error.errors(), _known_fields())
        raise _refuse(
            file, _line_of(node, path) if node is not None else None, ".".join(str(s) or "''" for s in path), reason
        ) from None
    except RecursionError:
        raise CardError(str(file), "", "nested too deeply") from None


def load_card(file: Path, kind: type[Card], within: Path | None = None) -> Card:
    """One card file, validated.

    Raises:
        CardError: the file cannot be used; the message names file, line, key and reason.
    """
    data, node = read_yaml(file, within)
    return validate(data, kind, file, node)


def load_cards(file: Path, kind: type[Card], within: Path | None = None) -> list[Card]:
    """The cards of a file that may hold several, validated.

    Raises:
        CardError: the file cannot be used; the message names file, line, key and reason.
    """
    return [validate(data, kind, file, node) for data, node in read_documents(file, within)]


def kind_of(file: Path) -> Kind:
    """What a YAML file is, by its keys: a model card, a GPU spec, slices, machines, re-releases or counts."""
    data, _ = read_yaml(file)
    if "counts" in data:
        return Counts
    if "cards" in data:
        return Table
    if "slices_of" in data:
        return Slices
    if "machines" in data or "provider" in data:
        return Provider
    return GpuSpec if ("memory" in data and "architecture" not in data) or "vendor" in data else ModelCard


def json_schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a card class, for editors."""
    schema = adapter(kind).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.__name__, **schema}
