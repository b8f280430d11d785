"""YAML folders kept in a form that loads in a millisecond, and never stale.

A compiled file holds plain data made from YAML files, entry by entry, behind two descriptions of what it was made
from: a stamp (each file with its size and times) and a checksum of their contents. An equal stamp means that nothing
was touched; otherwise an equal checksum means that the files were only copied or installed anew. Where both differ, it
is made again from the YAML. Compiled files lie in the user's cache folder; the wheel brings one of each, so that the
first start need not make them. Deleting any of them costs one slower start, and a damaged one is made again.

The data are marshalled, as Python keeps its own compiled modules: there is nothing to import for it, it holds no
objects but plain ones, and it runs nothing when it is read.
"""

from __future__ import annotations

import marshal
import os
import sys
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Entries = dict[str, Any]

#: The first line of a compiled file; its number is raised whenever the form changes.
MAGIC = b"gpu-sizer compiled 4\n"
#: How compiled files are called.
SUFFIX = ".compiled"
#: Set to 0 to read the YAML itself, always.
SWITCH = "GPU_SIZER_COMPILED"
#: A file that changed so short a time ago may change again with equal times: nothing made from it is kept.
TICK_NS = 20_000_000
#: A prime of which paths are reduced to a short number.
_PRIME = (1 << 61) - 1
#: The form of marshalled data that every Python writes and reads.
_FORM = 2


def cache_folder() -> str:
    """Where compiled files are kept: ``$XDG_CACHE_HOME/gpu-sizer`` or the platform's likeness of it."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gpu-sizer")


def shipped_folder() -> str:
    """Where the wheel holds compiled files."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "compiled_cards")


def yaml_files(folders: Sequence[str], *, beside: Sequence[str] = ()) -> list[str]:
    """Every YAML file below some folders, in order of path; top folders called as in ``beside`` are passed by."""
    found: list[str] = []
    pending = list(folders)
    top = frozenset(pending)

    def passed_by(folder: str) -> Sequence[str]:
        return ("__pycache__", *beside) if folder in top else ("__pycache__",)

    while pending:
        folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".yaml"):
                    found.append(entry.path)
                elif entry.is_dir(follow_symlinks=False) and entry.name not in passed_by(folder):
                    pending.append(entry.path)
    return sorted(found)


class Compiled:
    """The entries of one compiled file, read and parsed one by one.

    Args:
        file: the compiled file, which stands for the YAML as it is now.
        make: makes all of its entries anew; called where one turns out to be damaged.
    """

    def __init__(self, file: _File, make: Callable[[], Entries]) -> None:
        self._file, self._make = file, make

    def __contains__(self, key: str) -> bool:
        return self._file.place(key) is not None

    def entry(self, key: str) -> Any:
        """One entry; null where there is none."""
        if (place := self._file.place(key)) is None:
            return None
        start, length, check = place
        data = self._file.part(start, length)
        if crc32(data) != check:
            self._file = _File.of(b"", b"", self._make())
            return self.entry(key)
        return marshal.loads(data)


class _File:
    """A compiled file: what it was made from, the table of its entries, and where the entries themselves are.

    The table has a line an entry: its key, then its offset, length and checksum.
    """

    __slots__ = ("_body", "_offset", "_path", "content", "stamp", "table")

    def __init__(self, stamp: bytes, content: bytes, table: bytes) -> None:
        self.stamp, self.content, self.table = stamp, content, table
        self._body: bytes | None = None
        self._path, self._offset = "", 0

    @classmethod
    def of(cls, stamp: bytes, content: bytes, entries: Entries) -> _File:
        """A file of these entries, in memory."""
        parts, lines, start = [], ["\n"], 0
        for key, value in entries.items():
            data = marshal.dumps(value, _FORM)
            lines.append(f"{key!r}\t{start} {len(data)} {crc32(data)}\n")
            parts.append(data)
            start += len(data)
        made = cls(stamp, content, "".join(lines).encode())
        made._body = b"".join(parts)
        return made

    @classmethod
    def read(cls, path: str) -> _File | None:
        """A compiled file; null where there is none, or one that is damaged or of another form."""
        try:
            with open(path, "rb") as stream:
                if stream.read(len(MAGIC)) != MAGIC:
                    return None
                content, stamps, tables, check = stream.readline(256).split()
                stamp, table = stream.read(int(stamps)), stream.read(int(tables))
                if crc32(table) != int(check):
                    return None
                made = cls(stamp, content, table)
                made._path, made._offset = path, stream.tell()
                return made
        except (OSError, ValueError):
            return None

    def under(self, stamp: bytes) -> _File:
        """The same entries under another stamp, in memory."""
        made = _File(stamp, self.content, self.table)
        made._body = self.part(0, -1)
        return made

    def place(self, key: str) -> list[int] | None:
        """Offset, length and checksum of an entry; null where there is none."""
        line = f"\n{key!r}\t".encode()
        if (start := self.table.find(line)) < 0:
            return None
        start += len(line)
        return [int(n) for n in self.table[start : self.table.index(b"\n", start)].split()]

    def part(self, start: int, length: int) -> bytes:
        """A part of the entries (-1: up to their end); empty where the file is gone, which no checksum passes."""
        if self._body is not None:
            return self._body[start:] if length < 0 else self._body[start : start + length]
        try:
            with open(self._path, "rb", buffering=0) as stream:
                stream.seek(self._offset + start)
                return stream.read(length)
        except OSError:
            return b""

    def data(self) -> bytes:
        """The bytes of the file."""
        head = b"%b %d %d %d\n" % (self.content, len(self.stamp), len(self.table), crc32(self.table))
        return MAGIC + head + self.stamp + self.table + self.part(0, -1)

    def write(self, path: str) -> None:
        """Writes the file whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        from tempfile import mkstemp

        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle, temporary = mkstemp(dir=os.path.dirname(path), suffix=".part")
        try:
            with open(handle, "wb") as stream:
                stream.write(self.data())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def _stamp(files: Sequence[str]) -> bytes:
    """Each file with its size and times."""
    lines = []
    for file in files:
        s = os.stat(file)
        lines.append(f"{file}\t{s.st_size}\t{s.st_mtime_ns}\t{s.st_ctime_ns}\n")
    return os.fsencode("".join(lines))


def _latest(stamp: bytes) -> int:
    """The last time at which a file of a stamp changed."""
    return max((int(time) for line in stamp.splitlines() for time in line.split(b"\t")[-2:]), default=0)


def _content(files: Sequence[str], folders: Sequence[str]) -> bytes:
    """A checksum of the files' names below their folders and of their contents."""
    from hashlib import sha256

    total = sha256()
    for file in files:
        with open(file, "rb") as stream:
            data = stream.read()
        folder = max((f for f in folders if file.startswith(f + os.sep)), key=len, default="")
        name = file[len(folder) :].replace(os.sep, "/")
        total.update(b"%d %b %d\n" % (folders.index(folder) if folder else -1, os.fsencode(name), len(data)) + data)
    return total.hexdigest().encode()


def _forgotten(folder: str) -> Iterator[str]:
    """Compiled files whose YAML is gone, with the environment that it was installed in."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and (made := _File.read(entry.path)) is not None:
                first = os.fsdecode(made.stamp.partition(b"\t")[0])
                if not os.path.exists(first):
                    yield entry.path


def _keep(made: _File, path: str) -> None:
    """Writes a compiled file and removes those that nobody can use any more; where that is not allowed, nothing."""
    try:
        made.write(path)
        for old in list(_forgotten(os.path.dirname(path))):
            os.unlink(old)
    except OSError:
        return


class Recipe:
    """What a compiled file is made from, and how.

    Args:
        name: what it holds; the beginning of its file name.
        folders: the folders of YAML that it stands for.
        make: gives its entries by key; errors in the YAML are raised from here.
        beside: folders in these that hold something else.
        code: folders of modules that decide what is made of the YAML: their change makes it stale as well.
    """

    def __init__(
        self,
        name: str,
        folders: Sequence[str],
        make: Callable[[], Entries],
        *,
        beside: Sequence[str] = (),
        code: Sequence[str] = (),
    ) -> None:
        self._name, self._folders, self._make = name, folders, make
        self._beside, self._code = beside, code

    def _files(self) -> list[str]:
        return [*yaml_files(self._folders, beside=self._beside), *(m for f in self._code for m in _modules(f))]

    def _path(self) -> str:
        number = int.from_bytes(os.fsencode("\0".join(self._folders)), "big") % _PRIME
        return os.path.join(cache_folder(), f"{self._name}-{number:x}{SUFFIX}")

    def _content(self, files: Sequence[str]) -> bytes:
        return _content(files, [*self._folders, *self._code])

    def current(self) -> Compiled | None:
        """The compiled form, made anew where it is missing or stale; null where compiled files are switched off."""
        if os.environ.get(SWITCH) == "0":
            return None
        files, path = self._files(), self._path()
        stamp = _stamp(files)
        kept = _File.read(path)
        if kept is None or kept.stamp != stamp:
            kept = self._renewed(kept, stamp, self._content(files))
            if _latest(stamp) < _now() - TICK_NS:
                _keep(kept, path)
        return Compiled(kept, self._make)

    def _renewed(self, old: _File | None, stamp: bytes, content: bytes) -> _File:
        """The file of this content: an old or the shipped one under a new stamp, or one made from the YAML."""
        for known in (old, _File.read(os.path.join(shipped_folder(), self._name + SUFFIX))):
            if known is not None and known.content == content:
                return known.under(stamp)
        return _File.of(stamp, content, self._make())

    def shipped(self) -> tuple[str, bytes]:
        """The compiled file that an installation brings, by its name: without a stamp, since it will lie elsewhere."""
        content = self._content(self._files())
        return self._name + SUFFIX, _File.of(b"", content, self._make()).data()

    def ship(self, folder: str) -> None:
        """Writes :meth:`shipped` into a folder.

        Raises:
            OSError: it cannot be written.
        """
        name, data = self.shipped()
        with open(os.path.join(folder, name), "wb") as stream:
            stream.write(data)


def _modules(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.endswith(".py"))


def _now() -> int:
    from time import time_ns

    return time_ns()
