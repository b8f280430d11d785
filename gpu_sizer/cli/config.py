"""The command ``config``: what is taken where a command line does not say it."""

from __future__ import annotations

from typing import Annotated

import typer

from gpu_sizer import api
from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.defaults import KEYS, config_file, defaults, write_defaults
from gpu_sizer.cli.output import print_json, print_lines
from gpu_sizer.engines.registry import engine
from gpu_sizer.errors import RequestError


def config(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]", help=f"{', '.join(KEYS)}. Default: show all.", autocompletion=completion.of(KEYS)
        ),
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="What is taken from now on.")] = None,
    unset: Annotated[
        str | None,
        typer.Option("--unset", metavar="KEY", help="Take none from now on.", autocompletion=completion.of(KEYS)),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Show or set the GPU, engine and provider that are taken where none is named."""
    known = defaults()
    for name in filter(None, (key, unset)):
        if name not in KEYS:
            raise RequestError(f"no setting {name[:40]!r}; known: {', '.join(KEYS)}", suggestions=KEYS)
    if unset is not None:
        known.pop(unset, None)
        write_defaults(known)
    elif key is not None and value is not None:
        known[key] = _checked(key, value)
        write_defaults(known)
    if as_json:
        print_json({"file": str(config_file()), **known})
    elif key is not None and value is None:
        print_lines([known[key]] if key in known else [])
    else:
        print_lines([*(f"{name} = {said}" for name, said in known.items()), f"({config_file()})"])


def _checked(key: str, value: str) -> str:
    """The value as the catalogue writes it.

    Raises:
        GpuSizerError: no such GPU, engine or provider.
    """
    if key == "gpu":
        return api.load_gpu(value, cards=o.cards()).id
    if key == "engine":
        engine(value)
        return value
    return api.provider_id(value, o.cards()) or value
