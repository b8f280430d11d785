"""What pydantic needs to check a record: its fields' types, defaults and documentation."""

from __future__ import annotations

import ast
import datetime
import inspect
import sys
import textwrap
import types
import typing
from functools import cache, partial
from typing import Any

from pydantic_core import core_schema

from gpu_sizer.errors import printable
from gpu_sizer.model import constraints
from gpu_sizer.model.kinds import KINDS
from gpu_sizer.records import describe_records_with, fields, is_record


@cache
def _attribute_docs(cls: type) -> dict[str, str]:
    """The docstrings below a class's annotations, by field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    docs: dict[str, str] = {}
    assert isinstance(body, ast.ClassDef)
    for node, after in zip(body.body, body.body[1:], strict=False):
        match node, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = inspect.cleandoc(text)
    return docs


def _hints(cls: type) -> dict[str, Any]:
    """Field types. Card modules import constraint types for the type checker alone: they are looked up here."""
    scope = {
        **vars(typing),
        "date": datetime.date,
        "datetime": datetime,
        **vars(constraints),
        # Read anew each time: a file more in the package is a kind more.
        **{name: typing.Union[tuple(kinds.classes())] for name, kinds in KINDS.items()},  # noqa: UP007 - of a tuple
        **vars(sys.modules[cls.__module__]),
    }
    # A record's own fields alone: what a base class annotates are traits.
    own = types.SimpleNamespace(__annotations__=cls.__annotations__)
    return typing.get_type_hints(own, globalns=scope, include_extras=True)


def _same(value: Any) -> Any:
    return value


#: Days that a release or a price can bear.
_FIRST_DAY, _LAST_DAY = datetime.date(1990, 1, 1), datetime.date(2100, 1, 1)
#: Types of values that are taken only as what they are: no text for a number, no number for true or false.
_AS_THEY_ARE = ("int", "float", "bool", "str")


def _day(value: Any) -> Any:
    """What may be a day: a date or its text, and no count of seconds."""
    if isinstance(value, bool | int | float):
        raise ValueError("must be a day (2024-07-23), not a number")
    return value


def _strict(schema: Any) -> Any:
    """A core schema in which numbers, truth values and texts are not converted, and texts hold nothing unprintable."""

    if isinstance(schema, list | tuple):
        return type(schema)(_strict(s) for s in schema)
    if not isinstance(schema, dict) or "type" not in schema:
        return schema
    kind = schema["type"]
    if kind in ("dataclass", "definition-ref"):
        # A record of its own, which has been here before.
        return schema
    if kind == "date":
        return core_schema.no_info_before_validator_function(_day, core_schema.date_schema(ge=_FIRST_DAY, le=_LAST_DAY))
    nested = ("schema", "items_schema", "keys_schema", "values_schema", "choices")
    made: Any = {key: _strict(value) if key in nested else value for key, value in schema.items()}
    if kind in _AS_THEY_ARE:
        made["strict"] = True
    return core_schema.no_info_after_validator_function(printable, made) if kind == "str" else made


def record_schema(cls: type, handler: Any) -> Any:
    """pydantic's schema of a record: unknown keys are refused, ``__post_init__`` is called."""

    hints, docs = _hints(cls), _attribute_docs(cls)
    arguments = []
    for f in fields(cls):
        if not f.init:
            continue
        schema = _strict(handler.generate_schema(hints[f.name]))
        if not f.required:
            # A record as default has no JSON form, so the schema leaves it out.
            given: Any = (
                {"default_factory": partial(_same, f.default)} if is_record(f.default) else {"default": f.default}
            )
            schema = core_schema.with_default_schema(schema, **given)
        updates = {"pydantic_js_updates": {"description": docs[f.name]}} if f.name in docs else {}
        arguments.append(core_schema.dataclass_field(f.name, schema, kw_only=True, metadata=updates))
    names = [f.name for f in fields(cls)]
    return core_schema.dataclass_schema(
        cls,
        core_schema.dataclass_args_schema(cls.__name__, arguments),
        names,
        post_init=hasattr(cls, "__post_init__"),
        slots=True,
        config={"extra_fields_behavior": "forbid", "allow_inf_nan": False},
        cls_name=cls.__name__,
        ref=f"{cls.__module__}.{cls.__qualname__}",
    )


describe_records_with(record_schema)
