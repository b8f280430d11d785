"""Files with care: what is read is a regular file within a bound, what is written is whole.

Written as any Unix tool writes: a link is followed, a device or a FIFO is written into, and a file that was there keeps
its mode, its owner and its other names.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from gpu_sizer.errors import CardError, RequestError

#: What a thing at a path is that is no regular file.
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_PIECE = 1 << 20


def _kind(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a special file")


def size_text(size: int) -> str:
    """A bound in words: whole MiB, or bytes."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size:,} bytes"


def open_regular(path: str | os.PathLike[str], most: int | None = None) -> BinaryIO:
    """A stream of a regular file, which was looked at before anything is read.

    Args:
        path: the file; a link to one is followed.
        most: bytes that it may have.

    Raises:
        CardError: nothing there, no regular file (a FIFO would wait, a device never end), too large, or not readable.
    """
    try:
        # Without O_NONBLOCK opening a FIFO would wait for somebody who writes into it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or "cannot be read"
        raise CardError(str(path), "", reason) from None
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise CardError(str(path), "", f"is {_kind(state.st_mode)}, not a file")
        if most is not None and state.st_size > most:
            raise CardError(str(path), "", f"larger than {size_text(most)}")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises:
        CardError: see :func:`open_regular`.
    """
    with open_regular(path, most) as stream:
        try:
            data = stream.read(most + 1)
        except OSError as error:
            raise CardError(str(path), "", error.strerror or "cannot be read") from None
    if len(data) > most:
        raise CardError(str(path), "", f"larger than {size_text(most)}")
    return data


def stay_within(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Refuses a path that leads out of a folder through a symbolic link.

    Raises:
        CardError: it does.
    """
    inside = os.path.realpath(folder)
    if os.path.commonpath((inside, os.path.realpath(path))) != inside:
        raise CardError(str(path), "", "a symbolic link that leads out of the folder")


def parse_json(text: str | bytes) -> Any:
    """A JSON document.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deeply, or with a number of thousands of digits; in words.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise ValueError("a number of thousands of digits") from None


class TooLongError(ValueError):
    """A line or a row of more characters than its kind can have."""


class Lines:
    """The lines of a text, none of which is held that is longer than ``most`` characters.

    A CSV row may go over several lines: whoever reads rows calls :meth:`begin` before each.

    Raises:
        TooLongError: while it is read, a line (or the lines since ``begin``) of more than ``most`` characters.
    """

    def __init__(self, stream: TextIO, most: int) -> None:
        self._stream, self._most, self._held = stream, most, 0

    def begin(self) -> None:
        """A new row begins: what the last one held is done with."""
        self._held = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(self._most + 1):
            self._held += len(line)
            if self._held > self._most:
                raise TooLongError(f"a row of more than {self._most:,} characters")
            yield line


def _looked_at(path: Path) -> tuple[str, os.stat_result | None]:
    """Where a path leads, links followed, and what is there."""
    target = os.path.realpath(path)
    try:
        return target, os.stat(target)
    except FileNotFoundError:
        return target, None


def check_output(path: Path, *, parents: bool = False) -> None:
    """Looks at a place to write to, before any work is done for it.

    Args:
        path: the place.
        parents: missing folders above it will be made.

    Raises:
        RequestError: a folder, a place without a folder, or one that may not be written.
    """
    try:
        target, state = _looked_at(path)
        if state is not None and stat.S_ISDIR(state.st_mode):
            raise RequestError(f"{str(path)!r} is a folder; name a file to write to")
        folder = os.path.dirname(target)
        while parents and not os.path.exists(folder):
            folder = os.path.dirname(folder)
        if state is None and not os.path.isdir(folder):
            raise RequestError(f"{path}: there is no folder {os.path.dirname(path) or folder}")
        if not os.access(folder if state is None else target, os.W_OK):
            raise RequestError(f"{path}: may not be written (permission denied)")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(f"{str(path)[:80]}: {reason or 'cannot be written'}") from None


@contextmanager
def whole_file(path: Path, *, parents: bool = False) -> Iterator[BinaryIO]:
    """A stream to a place that is written whole or not at all.

    A new file, and one that is nobody else's, is written beside its place and then takes it. Where that would part a
    file from its owner or from other names that it has, or where its folder may not be written, it is filled once
    everything is there. A device or a FIFO takes everything as it comes.

    Args:
        path: the place.
        parents: missing folders above it are made.

    Raises:
        RequestError: the place cannot be written.
    """
    check_output(path, parents=parents)
    try:
        target, state = _looked_at(path)
        if state is not None and not stat.S_ISREG(state.st_mode):
            with open(target, "wb") as stream:
                yield stream
            return
        if parents:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        with _beside(target, state) as stream:
            yield stream
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror or 'cannot be written'}") from None


@contextmanager
def _beside(target: str, state: os.stat_result | None) -> Iterator[BinaryIO]:
    """A temporary file that becomes the target, or its content."""
    import tempfile

    temporary: str | None = None
    try:
        try:
            handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".gpu-sizer-")
        except PermissionError:
            if state is None:
                raise
            handle, temporary = tempfile.mkstemp(prefix=".gpu-sizer-")
        with os.fdopen(handle, "w+b") as stream:
            yield stream
            stream.flush()
            if state is not None and not _can_replace(temporary, target, state):
                _fill(target, stream)
                return
        if state is None:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
        temporary = None
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)


def _can_replace(temporary: str, target: str, state: os.stat_result) -> bool:
    """Gives a temporary file the mode and owner of its target; false where it cannot stand for it."""
    if state.st_nlink > 1 or os.path.dirname(temporary) != os.path.dirname(target):
        return False
    try:
        made = os.stat(temporary)
        if (made.st_uid, made.st_gid) != (state.st_uid, state.st_gid):
            os.chown(temporary, state.st_uid, state.st_gid)
        os.chmod(temporary, stat.S_IMODE(state.st_mode))
    except OSError:
        return False
    return True


def _fill(target: str, content: BinaryIO) -> None:
    content.seek(0)
    with open(target, "r+b") as stream:
        while piece := content.read(_PIECE):
            stream.write(piece)
        stream.truncate()


def write_file(path: Path, data: bytes, *, parents: bool = False) -> None:
    """Writes a file whole or not at all: see :func:`whole_file`.

    Raises:
        RequestError: the place cannot be written.
    """
    with whole_file(path, parents=parents) as stream:
        stream.write(data)
