"""The exit codes of every command, said once."""

from __future__ import annotations

#: Answered, and it fits.
OK = 0
#: A fault of ours.
FAULT = 1
#: Bad input: the message says what is wrong and what would be right.
BAD_INPUT = 2
#: Answered, and it does not fit.
DOES_NOT_FIT = 3
#: Stopped by the person who asked (128 and the number of SIGINT, as shells tell it).
INTERRUPTED = 130


def exit_code(fits: bool) -> int:
    """The code of an answer."""
    return OK if fits else DOES_NOT_FIT
