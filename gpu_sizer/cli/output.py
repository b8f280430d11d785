"""Printing: JSON exactly, plain text in a pipe, colour in a terminal."""

from __future__ import annotations

import os
import sys

from gpu_sizer.errors import GpuSizerError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    import json

    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Plain text on stdout."""
    sys.stdout.write("\n".join(lines) + "\n")


def print_aside(lines: Iterable[str]) -> None:
    """What belongs to an answer and has no place in it, on stderr."""
    for line in lines:
        sys.stderr.write(f"gpu-sizer: {printable(line)}\n")


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def print_error(error: GpuSizerError, as_json: bool) -> None:
    """An error: JSON on stdout where JSON was asked for, and one line on stderr."""
    if as_json:
        print_json(error.model_dump())
    sys.stderr.write(f"gpu-sizer: {printable(str(error))}\n")
