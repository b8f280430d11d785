"""Values read without validators are those that typer reads, for every parameter of every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
import typer.core

from gpu_sizer.cli import plain_values
from gpu_sizer.cli.app import put_together

#: As people type them, right and wrong.
VALUES = (
    *("8", "0", "007", "-1", "1.5", "0.92", ".5", "1e3", "nan", "inf", "true", "no", "", " 8", "8 ", "1_000", "٣"),
    *("mixtral-8x7b", "Qwen/Qwen3", "a b", "é", "/tmp", "no/such/file.yaml", "-", "1" * 40),
)

own = getattr(typer.core, "build_runtime_param", None)
pytestmark = pytest.mark.skipif(own is None, reason="this version of typer reads values without validators anyway")


def parameters(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for under in getattr(command, "commands", {}).values():
        yield from parameters(under, f"{path} {under.name}")
    for param in command.params:
        if hasattr(param, "type_descriptor"):
            yield f"{path} {param.name}", param


COMMAND = typer.main.get_command(put_together())
PARAMETERS = dict(parameters(COMMAND))


def read(reader: Any, param: Any, value: Any) -> tuple[str, str]:
    try:
        found = reader.coerce(value, param=param, ctx=typer.Context(COMMAND))
    except Exception as error:
        return type(error).__name__, str(error)
    return type(found).__name__, repr(found)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_same_value_or_the_same_message(name: str) -> None:
    param = PARAMETERS[name]
    assert own is not None
    ours, typers = plain_values._maker(own)(param.type_descriptor), own(param.type_descriptor)
    several = param.multiple or param.nargs == -1
    for value in (None, *VALUES):
        given = [value] if several and value is not None else value
        assert read(ours, param, given) == read(typers, param, given), value
