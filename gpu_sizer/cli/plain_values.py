"""Values of a command line that need no validator: words, plain numbers, flags and paths.

typer from 0.27 on reads every value by a validator of pydantic's, whose import takes as long as many an answer. What
can be read in one way alone is read here; all else, mistakes above all, is left to typer and its messages.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer.core

#: Typer's function that makes the reader of a parameter; versions without it have no such validators.
_MAKER = "build_runtime_param"
#: What a parameter may ask of its values beyond their type: whoever asks is left to typer.
_ASKS = ("min", "max", "parser", "click_type", "exists", "resolve_path", "allow_dash", "path_type")


class _Left(Exception):
    """A value that is left to typer."""


class _Plain:
    """Reads the values of a parameter, or has typer read them."""

    def __init__(self, descriptor: Any, kind: type, typers_own: Any) -> None:
        self._descriptor, self._kind, self._typers_own = descriptor, kind, typers_own

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it."""
        several = param.multiple or param.nargs == -1
        try:
            if value is None:
                return () if several else None
            return [_read(self._kind, v) for v in value] if several else _read(self._kind, value)
        except _Left:
            return self._typers_own(self._descriptor).coerce(value, param=param, ctx=ctx)


def _read(kind: type, value: Any) -> Any:
    """A value of a kind, where it can mean nothing else.

    Raises:
        _Left: it could, or is none.
    """
    if type(value) is kind:
        return value
    if type(value) is not str or not value.isascii():
        raise _Left
    if kind is Path and value:
        # Typer asks whether what is there may be read.
        if os.path.lexists(value):
            raise _Left
        return Path(value)
    whole, _, part = value.partition(".")
    if whole.isdigit() and ((kind in (int, float) and whole == value) or (kind is float and part.isdigit())):
        return kind(value)
    raise _Left


def _maker(typers_own: Any) -> Any:
    """Typer's function, which asks here first."""

    def made(descriptor: Any) -> Any:
        kind, info = descriptor.annotation, descriptor.parameter_info
        if getattr(kind, "__origin__", None) is list:
            (kind,) = kind.__args__
        asks = any(getattr(info, name, None) not in (None, False) for name in _ASKS)
        if asks or kind not in (str, int, float, bool, Path):
            return typers_own(descriptor)
        return _Plain(descriptor, kind, typers_own)

    return made


def read_plainly() -> None:
    """Has typer read plain values without validators."""
    typers_own = getattr(typer.core, _MAKER, None)
    if typers_own is not None and typers_own.__module__ != __name__:
        setattr(typer.core, _MAKER, _maker(typers_own))
