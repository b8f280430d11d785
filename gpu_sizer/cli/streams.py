"""The program's streams: there even where the caller closed them, and safe to look at in a terminal.

What stands in a card, a log or a table of votes may have been written by anybody: no control character of it reaches a
terminal, whichever command prints it. Errors are cleaned where they are made (:func:`gpu_sizer.errors.printable`):
stderr also carries progress bars, which move the cursor.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_PLAINER = "gpu-sizer-plainer"
#: Plain letters for the signs of answers, where the output's encoding has none of these.
_PLAIN = {"×": "x", "±": "+-", "█": "#", "░": ".", "■": "*", "…": "...", "–": "-", "≤": "<=", "≥": ">=", "→": "->"}
#: Control characters but tabs and line ends, and signs that turn the direction of a text; colours are let through.
_UNSAFE = "(\x1b\\[[0-9;]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"


class _Answers(io.TextIOWrapper):
    """stdout, whose texts hold no control characters."""

    def write(self, text: str, /) -> int:
        # Nearly every text has none, and regular expressions take long to load.
        super().write(text if text.replace("\n", "").isprintable() else _safe(text))
        return len(text)


def _safe(text: str) -> str:
    import re

    return re.sub(_UNSAFE, _colour_alone, text)


def _colour_alone(escape: re.Match[str]) -> str:
    return escape[1] or " "


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that the output's encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


def _fill() -> None:
    """Opens what the caller closed, so that no file of ours gets a stream's number; writing to it is an error."""
    while (handle := os.open(os.devnull, os.O_RDONLY)) < 3:
        pass
    os.close(handle)


def prepare() -> None:
    """Makes the streams fit for answers: called once, before anything is read or written."""
    codecs.register_error(_PLAINER, _plainer)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _fill()
        sys.stdin = sys.stdin or os.fdopen(0, "r", encoding="utf-8")
        sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors=_PLAINER)
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding, by_line = sys.stdout.encoding, sys.stdout.line_buffering
        sys.stdout = _Answers(sys.stdout.detach(), encoding=encoding, errors=_PLAINER, line_buffering=by_line)


def flush() -> None:
    """Hands over what was written.

    Raises:
        OSError: it cannot be written: the disk is full, or the stream was closed.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hang_up()
    sys.stderr.flush()


def hang_up() -> None:
    """Writes no more to stdout, whose reader went away (``| head``): nothing more to say, and no message at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
