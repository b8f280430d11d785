"""Printing: JSON exactly, plain text in a pipe, colour in a terminal."""

from __future__ import annotations

import os
import sys

from gpu_sizer.errors import GpuSizerError, RequestError, printable
from gpu_sizer.exits import exit_code
from gpu_sizer.words import plain
from gpu_sizer.words import told as in_words
from gpu_sizer.words.blocks import BRIEF, USUAL, WHY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from gpu_sizer.words.blocks import Told


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    import json

    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Plain text on stdout."""
    sys.stdout.write("\n".join(lines) + "\n")


def print_prose(lines: Iterable[str]) -> None:
    """Sentences on stdout: on a terminal broken between words, what goes on as far in as the line begins."""
    if is_terminal():
        from gpu_sizer.reports.terminal import wrapped

        lines = wrapped(lines)
    print_lines(lines)


def print_aside(lines: Iterable[str]) -> None:
    """What belongs to an answer and has no place in it, on stderr."""
    for line in lines:
        sys.stderr.write(f"gpu-sizer: {printable(line)}\n")


def is_terminal() -> bool:
    """Whether a person reads stdout, or it is to be written as for one (``FORCE_COLOR``)."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def level(*, brief: bool = False, why: bool = False) -> int:
    """How much of an answer is shown.

    Raises:
        RequestError: both more and less is asked for.
    """
    if brief and why:
        raise RequestError("say --brief or --why, not both")
    return BRIEF if brief else WHY if why else USUAL


def print_told(*told: Told) -> None:
    """Results in words: in colour where a person reads them, of several the headlines first."""
    if is_terminal():
        from gpu_sizer.reports.terminal import show

        show(*told)
        return
    print_lines([*(t.headline for t in told), *_below(told)])


def _below(told: tuple[Told, ...]) -> Iterator[str]:
    for one in told:
        rest = list(plain.below(one))
        if rest and len(told) > 1:
            yield ""
        yield from rest


def print_result(result: Any, *, brief: bool = False, why: bool = False, as_json: bool = False) -> int:
    """Prints what a command found, and gives the exit code."""
    detail = level(brief=brief, why=why)
    if as_json:
        print_json(result.model_dump())
    else:
        print_told(in_words(result, detail))
    return exit_code(result.fits)


def print_error(error: GpuSizerError, as_json: bool) -> None:
    """An error: JSON on stdout where JSON was asked for, and one line on stderr."""
    if as_json:
        print_json(error.model_dump())
    sys.stderr.write(f"gpu-sizer: {printable(str(error))}\n")
