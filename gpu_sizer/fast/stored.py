"""Files of plain data that load in a millisecond: their form, where they are kept, and what is trusted.

The data are marshalled, as Python keeps its own compiled modules: there is nothing to import for it, it holds no
objects but plain ones, and nothing runs when they are read. Such a file stands in the user's cache folder behind a
description of what it was made from (:mod:`gpu_sizer.fast.stamps`). Deleting any of them costs one slower start, a
damaged one is made again, and one that another user could have written is not read.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from time import time_ns
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Entries = dict[str, Any]

#: The first line of a file; its number is raised whenever the form changes.
MAGIC = b"gpu-sizer compiled 5\n"
#: How the files are called, and parts of them while they are written.
SUFFIX, PART = ".compiled", ".part"
#: A part older than this belongs to nobody who still writes.
HOUR_NS = 3_600_000_000_000
#: A file of another form older than this belongs to no installation that is still used.
MONTH_NS = 30 * 24 * HOUR_NS
#: Opening a FIFO must not wait for somebody who writes into it.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: Digits of a length in a head.
_DIGITS = 16
#: Platforms whose Python tells no users: Windows, and a browser.
_WITHOUT_USERS = ("win32", "emscripten")
#: A prime of which paths are reduced to a short number.
_PRIME = (1 << 61) - 1
#: The form of marshalled data whose bytes are the same each time, and one in which what stands several times is
#: written once; every Python reads both.
PLAIN, SHARED = 2, 4


def cache_folder() -> str | None:
    """Where compiled files are kept: ``$XDG_CACHE_HOME/gpu-sizer`` or the platform's likeness of it.

    Null where the user has no home, or a relative one: a folder of where the program happens to run is nobody's.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gpu-sizer") if os.path.isabs(base) else None


def cache_path(name: str, *places: str) -> str | None:
    """Where a file is kept that stands for some places; null where no place is the user's."""
    if (folder := cache_folder()) is None:
        return None
    number = int.from_bytes(os.fsencode("\0".join(places)), "big") % _PRIME
    return os.path.join(folder, f"{name}-{number:x}{SUFFIX}")


def _is_ours(state: os.stat_result) -> bool:
    """Whether nobody but the user (and the machine's owner) can have written a file, or can put one into a folder."""
    if sys.platform in _WITHOUT_USERS:
        return True
    return state.st_uid in (os.geteuid(), 0) and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_closed(folder: str) -> bool:
    """Whether a folder is there into which nobody else can put a file."""
    try:
        return _is_ours(os.stat(folder))
    except OSError:
        return False


class Stored:
    """A compiled file: what it was made from, the table of its entries, and where the entries themselves are.

    The table has a line an entry: its key, then its offset, length and checksum.
    """

    __slots__ = ("_body", "_offset", "_path", "_places", "content", "stamp", "table")

    def __init__(self, stamp: bytes, content: bytes, table: bytes) -> None:
        self.stamp, self.content, self.table = stamp, content, table
        self._body: bytes | None = None
        self._places: dict[bytes, bytes] | None = None
        self._path, self._offset = "", 0

    @classmethod
    def of(cls, stamp: bytes, content: bytes, entries: Entries, form: int = PLAIN) -> Stored:
        """A file of these entries, in memory."""
        parts, lines, start = [], ["\n"], 0
        for key, value in entries.items():
            data = marshal.dumps(value, form)
            lines.append(f"{key!r}\t{start} {len(data)} {crc32(data)}\n")
            parts.append(data)
            start += len(data)
        made = cls(stamp, content, "".join(lines).encode())
        made._body = b"".join(parts)
        return made

    @classmethod
    def read(cls, path: str, *, shipped: bool = False) -> Stored | None:
        """A compiled file; null where there is none, or one that is damaged, of another form, or another's.

        The one that is shipped is trusted as the code beside it is.
        """
        try:
            handle = os.open(path, os.O_RDONLY | _NO_WAIT)
            with open(handle, "rb") as stream:
                state = os.fstat(handle)
                if (
                    not stat.S_ISREG(state.st_mode)
                    or not (shipped or _is_ours(state))
                    or stream.read(len(MAGIC)) != MAGIC
                ):
                    return None
                content, *numbers = stream.readline(256).split()
                stamps, tables, check = (int(n) for n in numbers if len(n) < _DIGITS)
                # Nothing that the head claims is believed before the file is as long.
                if stream.tell() + stamps + tables > state.st_size:
                    return None
                stamp, table = stream.read(stamps), stream.read(tables)
                if crc32(table) != check:
                    return None
                made = cls(stamp, content, table)
                made._path, made._offset = path, stream.tell()
                return made
        except (OSError, ValueError):
            return None

    def read_whole(self) -> None:
        """Reads all entries at once, for one who will ask for most of them."""
        self._body = self.part(0, -1)
        self._places = dict([line.split(b"\t") for line in self.table.split(b"\n") if line])

    def under(self, stamp: bytes) -> Stored:
        """The same entries under another stamp, in memory."""
        made = Stored(stamp, self.content, self.table)
        made._body = self.part(0, -1)
        return made

    def place(self, key: str) -> list[int] | None:
        """Offset, length and checksum of an entry; null where there is none."""
        if self._places is not None:
            found = self._places.get(repr(key).encode())
            return None if found is None else [int(n) for n in found.split()]
        line = f"\n{key!r}\t".encode()
        if (start := self.table.find(line)) < 0:
            return None
        start += len(line)
        return [int(n) for n in self.table[start : self.table.index(b"\n", start)].split()]

    def entry(self, key: str) -> Any:
        """An entry; null where there is none.

        Raises:
            ValueError: it is damaged.
        """
        if (place := self.place(key)) is None:
            return None
        start, length, check = place
        data = self.part(start, length)
        if crc32(data) != check:
            raise ValueError(key)
        return marshal.loads(data)

    def part(self, start: int, length: int) -> bytes:
        """A part of the entries (-1: up to their end); empty where the file is gone, which no checksum passes."""
        if self._body is not None:
            return self._body[start:] if length < 0 else self._body[start : start + length]
        try:
            with open(os.open(self._path, os.O_RDONLY | _NO_WAIT), "rb", buffering=0) as stream:
                stream.seek(self._offset + start)
                return stream.read(length)
        except OSError:
            return b""

    def data(self) -> bytes:
        """The bytes of the file."""
        head = b"%b %d %d %d\n" % (self.content, len(self.stamp), len(self.table), crc32(self.table))
        return MAGIC + head + self.stamp + self.table + self.part(0, -1)

    def brief(self) -> bytes:
        """The bytes of the file that a wheel brings: an entry's line tells its length alone, which packs better.

        Where entries are and their checksums are found again when it is read.
        """
        table = b"\n" + b"".join(b"%b\t%d\n" % (key, length) for key, _, length in self._lines())
        return MAGIC + b"%b 0 %d %d\n" % (self.content, len(table), crc32(table)) + table + self.part(0, -1)

    def _lines(self) -> Iterator[tuple[bytes, int, int]]:
        """Key, offset and length of each entry."""
        for line in self.table.split(b"\n")[1:-1]:
            key, _, numbers = line.rpartition(b"\t")
            start, length, _ = numbers.split()
            yield key, int(start), int(length)

    @classmethod
    def read_brief(cls, path: str) -> Stored | None:
        """The file that a wheel brought, read whole; null where there is none, or one that is damaged."""
        if (told := cls.read(path, shipped=True)) is None:
            return None
        body, lines, start = told.part(0, -1), [b"\n"], 0
        for line in told.table.split(b"\n")[1:-1]:
            key, _, length = line.rpartition(b"\t")
            end = start + int(length)
            lines.append(b"%b\t%d %d %d\n" % (key, start, end - start, crc32(body[start:end])))
            start = end
        if start != len(body):
            return None
        made = cls(b"", told.content, b"".join(lines))
        made._body = body
        return made

    def write(self, path: str) -> None:
        """Writes the file whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        from tempfile import mkstemp

        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle, temporary = mkstemp(dir=os.path.dirname(path), suffix=PART)
        try:
            with open(handle, "wb") as stream:
                stream.write(self.data())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def kept(path: str | None) -> Stored | None:
    """The file at a path of the cache folder; null where there is none that can be trusted."""
    return Stored.read(path) if path is not None and _is_closed(os.path.dirname(path)) else None


def _forgotten(folder: str) -> Iterator[str]:
    """Compiled files whose YAML is gone with the environment that it was installed in, and damaged ones.

    So are parts of files whose writer was killed, and what another version of the program has not written for long.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                if _is_of_another_form(entry.path) and entry.stat().st_mtime_ns > now() - MONTH_NS:
                    continue
                made = Stored.read(entry.path)
                if made is None or not os.path.exists(os.fsdecode(made.stamp.partition(b"\t")[0])):
                    yield entry.path
            elif entry.name.endswith(PART) and entry.stat().st_mtime_ns < now() - HOUR_NS:
                yield entry.path


def _is_of_another_form(path: str) -> bool:
    """Whether a file was written by another version of the program, as one that is installed beside may."""
    with open(os.open(path, os.O_RDONLY | _NO_WAIT), "rb") as stream:
        line = stream.readline(len(MAGIC) + _DIGITS)
    return line != MAGIC and line.startswith(MAGIC.rstrip(b"0123456789\n"))


def keep(made: Stored, path: str) -> None:
    """Writes a compiled file and removes those that nobody can use any more; where that is not allowed, nothing.

    A folder of the user's into which others can write is closed to them; another's is left alone.
    """
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        state = os.stat(folder)
        if not _is_ours(state):
            if sys.platform in _WITHOUT_USERS or state.st_uid != os.geteuid():
                return
            os.chmod(folder, stat.S_IMODE(state.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))
        made.write(path)
        for old in list(_forgotten(os.path.dirname(path))):
            os.unlink(old)
    except OSError:
        return


def now() -> int:
    """The time, in nanoseconds since 1970."""

    return time_ns()
