"""YAML folders kept in a form that loads in a millisecond, and never stale.

A compiled file holds plain data made from YAML files, entry by entry, behind two descriptions of what it was made
from: a stamp (each file with its size and times, each folder with its times) and a checksum of their contents. A stamp
that is still true means that nothing was touched; otherwise an equal checksum means that the files were only copied or
installed anew. Where both differ, it is made again from the YAML. Compiled files lie in the user's cache folder; the wheel brings one of each, so that the
first start need not make them. Deleting any of them costs one slower start, and a damaged one is made again.

The data are marshalled, as Python keeps its own compiled modules: there is nothing to import for it, it holds no
objects but plain ones, and it runs nothing when it is read.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Entries = dict[str, Any]

#: The first line of a compiled file; its number is raised whenever the form changes.
MAGIC = b"gpu-sizer compiled 5\n"
#: How compiled files are called, and parts of them while they are written.
SUFFIX, PART = ".compiled", ".part"
#: A part older than this belongs to nobody who still writes.
HOUR_NS = 3_600_000_000_000
#: Opening a FIFO must not wait for somebody who writes into it.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: The ending of modules.
_CODE = ".py"
#: Whether a folder's times change with what stands in it: not on every system of files that Windows knows.
_FOLDERS_TELL = sys.platform != "win32"
#: The states of modules that were looked at.
_MODULES: dict[str, str] = {}
#: Digits of a length in a head.
_DIGITS = 16
#: Set to 0 to read the YAML itself, always.
SWITCH = "GPU_SIZER_COMPILED"
#: Bytes of a file that its checksum covers: more than a card may have.
MOST_BYTES = 2 << 20
#: A file that changed so short a time ago may change again with equal times: nothing made from it is kept.
TICK_NS = 20_000_000
#: Platforms whose Python tells no users: Windows, and a browser.
_WITHOUT_USERS = ("win32", "emscripten")
#: A prime of which paths are reduced to a short number.
_PRIME = (1 << 61) - 1
#: The form of marshalled data that every Python writes and reads.
_FORM = 2


def cache_folder() -> str | None:
    """Where compiled files are kept: ``$XDG_CACHE_HOME/gpu-sizer`` or the platform's likeness of it.

    Null where the user has no home, or a relative one: a folder of where the program happens to run is nobody's.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gpu-sizer") if os.path.isabs(base) else None


def _is_ours(state: os.stat_result) -> bool:
    """Whether nobody but the user (and the machine's owner) can have written a file, or can put one into a folder."""
    if sys.platform in _WITHOUT_USERS:
        return True
    return state.st_uid in (os.geteuid(), 0) and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def shipped_folder() -> str:
    """Where the wheel holds compiled files."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "compiled_cards")


def _is_closed(folder: str) -> bool:
    """Whether a folder is there into which nobody else can put a file."""
    try:
        return _is_ours(os.stat(folder))
    except OSError:
        return False


def yaml_files(folders: Sequence[str], *, beside: Sequence[str] = ()) -> list[str]:
    """Every YAML file below some folders, in order of path; top folders called as in ``beside`` are passed by.

    Raises:
        CardError: as from :func:`_found`.
    """
    return _found(folders, beside)[0]


def _found(folders: Sequence[str], beside: Sequence[str]) -> tuple[list[str], list[str]]:
    """The YAML files below some folders, and the folders that were looked into, both in order of path.

    Nothing but regular files of the folders is ever opened: each is looked at here, before anything is read.

    Raises:
        CardError: a folder that cannot be read; something called ``.yaml`` that is a folder, a FIFO, a device, a
            dangling link, or a link that leads out of its folder.
    """
    found: list[str] = []
    looked_into: list[str] = []
    pending = list(folders)
    top = frozenset(pending)

    def passed_by(folder: str) -> Sequence[str]:
        return ("__pycache__", *beside) if folder in top else ("__pycache__",)

    while pending:
        folder = pending.pop()
        looked_into.append(folder)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".yaml"):
                        if not entry.is_file(follow_symlinks=False):
                            _check_special(entry.path, [f for f in folders if _is_below(entry.path, f)])
                        found.append(entry.path)
                    elif entry.is_dir(follow_symlinks=False) and entry.name not in passed_by(folder):
                        pending.append(entry.path)
        except OSError as error:
            from gpu_sizer.errors import CardError

            raise CardError(folder, "", (error.strerror or "cannot be read").lower()) from None
    return sorted(found), sorted(looked_into)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _check_special(path: str, folders: Sequence[str]) -> None:
    """Refuses what is no regular file of its folder."""
    from gpu_sizer.files import open_regular, stay_within

    stay_within(path, max(folders, key=len, default=os.path.dirname(path)))
    open_regular(path).close()


class Compiled:
    """The entries of one compiled file, read and parsed one by one.

    Args:
        file: the compiled file, which stands for the YAML as it is now.
        mend: makes it anew from the YAML, and keeps it; called where an entry turns out to be damaged.
    """

    def __init__(self, file: _File, mend: Callable[[], _File]) -> None:
        self._file, self._mend = file, mend

    def __contains__(self, key: str) -> bool:
        return self._file.place(key) is not None

    def entry(self, key: str) -> Any:
        """One entry; null where there is none."""
        if (place := self._file.place(key)) is None:
            return None
        start, length, check = place
        data = self._file.part(start, length)
        if crc32(data) != check:
            self._file = self._mend()
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
    def read(cls, path: str, *, shipped: bool = False) -> _File | None:
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
            with open(os.open(self._path, os.O_RDONLY | _NO_WAIT), "rb", buffering=0) as stream:
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
        handle, temporary = mkstemp(dir=os.path.dirname(path), suffix=PART)
        try:
            with open(handle, "wb") as stream:
                stream.write(self.data())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def _state(path: str) -> str:
    """The size and times of a file, the times alone of a folder.

    Modules are looked at once: those that this process has read do not change in it.
    """
    if (known := _MODULES.get(path)) is not None:
        return known
    s = os.stat(path)
    if stat.S_ISDIR(s.st_mode):
        return f"{s.st_mtime_ns}\t{s.st_ctime_ns}"
    state = f"{s.st_size}\t{s.st_mtime_ns}\t{s.st_ctime_ns}"
    if path.endswith(_CODE):
        _MODULES[path] = state
    return state


def _stamp(paths: Sequence[str], told: str) -> bytes:
    """Each file and folder with its state, and what else was told."""
    return os.fsencode("".join([f"{path}\t{_state(path)}\n" for path in paths]) + told)


def _is_true(stamp: bytes, told: str) -> bool:
    """Whether a stamp describes its files and folders as they are now.

    A file more or less changes the times of its folder: what stands in each need not be listed.
    """
    *lines, end = os.fsdecode(stamp).split("\n")
    if end != told or not _FOLDERS_TELL:
        return False
    try:
        for line in lines:
            path, _, state = line.partition("\t")
            if _state(path) != state:
                return False
    except OSError:
        return False
    return True


def _latest(stamp: bytes) -> int:
    """The last time at which a file or folder of a stamp changed."""
    return max((int(time) for line in stamp.split(b"\n")[:-1] for time in line.split(b"\t")[-2:]), default=0)


def _content(files: Sequence[str], folders: Sequence[str]) -> bytes:
    """A checksum of the files' names below their folders and of their contents."""
    from hashlib import sha256

    total = sha256()
    for file in files:
        with open(file, "rb") as stream:
            data = stream.read(MOST_BYTES)
        folder = max((f for f in folders if file.startswith(f + os.sep)), key=len, default="")
        name = file[len(folder) :].replace(os.sep, "/")
        total.update(b"%d %b %d\n" % (folders.index(folder) if folder else -1, os.fsencode(name), len(data)) + data)
    return total.hexdigest().encode()


def _forgotten(folder: str) -> Iterator[str]:
    """Compiled files of another form, or whose YAML is gone with the environment that it was installed in.

    So are parts of files whose writer was killed.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                made = _File.read(entry.path)
                if made is None or not os.path.exists(os.fsdecode(made.stamp.partition(b"\t")[0])):
                    yield entry.path
            elif entry.name.endswith(PART) and entry.stat().st_mtime_ns < _now() - HOUR_NS:
                yield entry.path


def _keep(made: _File, path: str) -> None:
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

    def _places(self) -> tuple[list[str], list[str]]:
        """The files that it is made from and by, and the folders that they stand in."""
        files, folders = _found(self._folders, self._beside)
        return [*files, *(m for f in self._code for m in _modules(f))], [*folders, *self._code]

    @property
    def _told(self) -> str:
        """What says which files it is made from."""
        return "\0".join((*self._folders, "", *self._beside, "", *self._code)).replace("\n", "\0")

    def _path(self) -> str | None:
        """Where the compiled file is kept; null where no place is the user's."""
        if (folder := cache_folder()) is None:
            return None
        number = int.from_bytes(os.fsencode("\0".join(self._folders)), "big") % _PRIME
        return os.path.join(folder, f"{self._name}-{number:x}{SUFFIX}")

    def _content(self, files: Sequence[str]) -> bytes:
        return _content(files, [*self._folders, *self._code])

    def current(self) -> Compiled | None:
        """The compiled form, made anew where it is missing or stale; null where compiled files are switched off."""
        if os.environ.get(SWITCH) == "0":
            return None
        path = self._path()
        kept = _File.read(path) if path is not None and _is_closed(os.path.dirname(path)) else None
        if kept is not None and _is_true(kept.stamp, self._told):
            return Compiled(kept, lambda: self._made(path))
        files, folders = self._places()
        stamp = _stamp([*files, *folders], self._told)
        if kept is None or kept.stamp != stamp:
            kept = self._kept(self._renewed(kept, stamp, self._content(files)), path)
        return Compiled(kept, lambda: self._made(path))

    def _made(self, path: str | None) -> _File:
        """A file made from the YAML as it is, and kept."""
        files, folders = self._places()
        stamp = _stamp([*files, *folders], self._told)
        return self._kept(_File.of(stamp, self._content(files), self._make()), path)

    def _kept(self, made: _File, path: str | None) -> _File:
        """The same file, kept for the next start where its YAML has settled."""
        if path is not None and _latest(made.stamp) < _now() - TICK_NS:
            _keep(made, path)
        return made

    def _renewed(self, old: _File | None, stamp: bytes, content: bytes) -> _File:
        """The file of this content: an old or the shipped one under a new stamp, or one made from the YAML."""
        for known in (old, _File.read(os.path.join(shipped_folder(), self._name + SUFFIX), shipped=True)):
            if known is not None and known.content == content:
                return known.under(stamp)
        return _File.of(stamp, content, self._make())

    def shipped(self) -> tuple[str, bytes]:
        """The compiled file that an installation brings, by its name: without a stamp, since it will lie elsewhere."""
        content = self._content(self._places()[0])
        return self._name + SUFFIX, _File.of(b"", content, self._make()).data()

    def ship(self, folder: str) -> None:
        """Writes :meth:`shipped` into a folder.

        Raises:
            OSError: it cannot be written.
        """
        name, data = self.shipped()
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as stream:
            stream.write(data)


def _modules(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.endswith(_CODE))


def _now() -> int:
    from time import time_ns

    return time_ns()
