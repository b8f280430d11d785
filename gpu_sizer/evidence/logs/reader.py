"""Lines of a log of any size, cleaned: bounded memory whatever the bytes are.

Most of a server's log is about requests. Blocks in which none of the wanted words stands are passed over without
being split into lines, so that gigabytes take seconds.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol

    class ByteStream(Protocol):
        """What can be read in blocks of bytes."""

        def read(self, size: int, /) -> bytes:
            """At most ``size`` bytes; none at the end."""


#: Bytes read at once.
BLOCK = 1 << 20
#: The longest line; longer ones are read in overlapping parts.
LONGEST = 1 << 16
#: What two parts of a long line share, so that a statement across their border is read in one of them.
OVERLAP = 1 << 10

#: Colour codes: as they are, as JSON, syslog or less write them, or with the escape character lost in a copy.
_COLOURS = re.compile(r"(?:\x1b|\\u001[bB]|\\x1b|\\033|#033|\^\[)\[[0-9;?]*[A-Za-z]|\[(?:\d{1,3};?){1,4}m")
#: Lines that begin a statement of their own. What follows a dump and does not look so was wrapped by a terminal.
_BEGINS = re.compile(
    r"\s*(?:\(\w|\[\w|\{\"|(?:INFO|WARNING|WARN|ERROR|DEBUG|CRITICAL)\b|Traceback|\d{4}[-/]\d\d|[A-Z][a-z]{2} +\d|"
    r"Loading |Capturing |[\w.-]+ *\| |E?\d{4} \d\d:)"
)
#: What docker compose, or docker's own files, put before every line.
_BEFORE = re.compile(r"\s*(?:[\w./-]+ *\| ?|\{\"log\":\")")
#: Statements that print settings one after another, often wrapped: the next lines may belong to them.
_DUMPS = ("with config: ", "args: ", "Namespace(", "ServerArgs(", "Args {")
#: One of them in braces, and the line that closes it.
_BRACED, _CLOSED = "Args {", re.compile(r"(?:^|\s)\}\s*$")


def _parts(line: bytes) -> Iterator[bytes]:
    """A line, or overlapping parts of a very long one, cut at spaces so that no number is cut."""
    start = 0
    while len(line) - start > LONGEST:
        end = line.rfind(b" ", start + LONGEST - OVERLAP, start + LONGEST) + 1 or start + LONGEST
        yield line[start:end]
        start = end - OVERLAP
    yield line[start:]


def raw_lines(
    stream: ByteStream, wanted: Callable[[bytes], bool], progress: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The lines of the blocks in which something wanted stands, and of the block after each.

    Args:
        stream: bytes; carriage returns of progress bars end lines too.
        wanted: tells whether a block holds anything of interest.
        progress: called with the size of each block.
    """
    rest, near = b"", False
    while True:
        block = stream.read(BLOCK)
        if progress is not None:
            progress(len(block))
        # UTF-16, as PowerShell writes it, is ASCII with a NUL beside every letter.
        data = rest + block.replace(b"\0", b"")
        end = len(data) if not block else data.rfind(b"\n") + 1
        if not end and len(data) > LONGEST:
            end = data.rfind(b" ", len(data) - OVERLAP) + 1 or len(data)
        whole, rest = data[:end], data[end:]
        here = wanted(whole)
        if here or near:
            for line in re.split(rb"[\r\n]+", whole):
                yield from _parts(line)
        near = here
        if not block:
            return


def clean(line: bytes) -> str:
    """Text without colour codes; bytes that are no text stay visible as such."""
    return _COLOURS.sub("", line.decode("utf-8", "replace")).replace("\ufeff", "")


def statements(lines: Iterable[bytes], triggers: Sequence[bytes]) -> Iterator[str]:
    """The statements in which a trigger stands: dumps of settings with the lines that a terminal wrapped put
    together again, and commands with those that a backslash continues.
    """
    # A line that begins with a trigger is a statement even without a prefix; a setting may stand anywhere in a dump.
    own = tuple(t.decode() for t in triggers if not t.endswith(b"="))
    pending, prefix = "", ""
    for raw in lines:
        if pending:
            # What stands before every line is no part of a dump.
            text = clean(raw).removeprefix(prefix)
            if pending.endswith("\\"):
                pending = pending[:-1] + " " + text.strip()
                if pending.endswith("\\") and len(pending) < LONGEST:
                    continue
                yield pending
                pending = ""
                continue
            begins = _BEGINS.match(text) or text.lstrip().startswith(own)
            if text.strip() and not begins and len(pending) < LONGEST:
                pending += text
                if not (_BRACED in pending and _CLOSED.search(text)):
                    continue
                text = ""
            yield pending
            pending = ""
            if not text:
                continue
        if not any(t in raw for t in triggers):
            continue
        text = clean(raw)
        if text.rstrip().endswith("\\") or any(d in text for d in _DUMPS):
            pending = text.rstrip() if text.rstrip().endswith("\\") else text
            before = _BEFORE.match(text)
            prefix = before[0] if before is not None else ""
            continue
        yield text
    if pending:
        yield pending


def read_statements(
    stream: ByteStream,
    triggers: Sequence[bytes],
    progress: Callable[[int], None] | None = None,
    *,
    looked_for: Callable[[], Sequence[bytes]] | None = None,
) -> Iterator[str]:
    """The statements of a log in which one of the triggers stands.

    Args:
        stream: the log's bytes.
        triggers: what stands in each statement of interest.
        progress: called with the size of each block read.
        looked_for: which of them decide whether the next block is read at all; null is all of them.
    """

    def wanted(block: bytes) -> bool:
        return any(t in block for t in (triggers if looked_for is None else looked_for()))

    yield from statements(raw_lines(stream, wanted, progress), triggers)
