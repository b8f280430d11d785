"""Whether files are still what they were when something was made from them: by a look at each, or by their contents.

A stamp tells each file with its size and times, and each folder with its times. A stamp that is still true means that
nothing was touched; otherwise an equal checksum of the contents means that the files were only copied or installed
anew.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes of a file that its checksum covers: more than a card may have.
MOST_BYTES = 2 << 20
#: The ending of modules.
_CODE = ".py"
#: Whether a folder's times change with what stands in it: not on every system of files that Windows knows.
_FOLDERS_TELL = sys.platform != "win32"
#: The states of modules that were looked at.
_MODULES: dict[str, str] = {}


def yaml_files(folders: Sequence[str], *, beside: Sequence[str] = ()) -> list[str]:
    """Every YAML file below some folders, in order of path; top folders called as in ``beside`` are passed by.

    Raises:
        CardError: as from :func:`yaml_and_folders`.
    """
    return yaml_and_folders(folders, beside)[0]


def yaml_and_folders(folders: Sequence[str], beside: Sequence[str]) -> tuple[list[str], list[str]]:
    """The YAML files below some folders, and the folders that were looked into, both in order of path.

    Nothing but regular files of the folders is ever opened: each is looked at here, before anything is read.

    Raises:
        CardError: a folder that cannot be read; something called ``.yaml`` that is a folder, a FIFO, a device, a
            dangling link, or a link that leads out of its folder.
    """
    files: list[str] = []
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
                        files.append(entry.path)
                    elif entry.is_dir(follow_symlinks=False) and entry.name not in passed_by(folder):
                        pending.append(entry.path)
        except OSError as error:
            from gpu_sizer.errors import CardError

            raise CardError(folder, "", (error.strerror or "cannot be read").lower()) from None
    return sorted(files), sorted(looked_into)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _check_special(path: str, folders: Sequence[str]) -> None:
    """Refuses what is no regular file of its folder."""
    from gpu_sizer.files import open_regular, stay_within

    stay_within(path, max(folders, key=len, default=os.path.dirname(path)))
    open_regular(path).close()


def modules_in(folder: str) -> list[str]:
    """The modules of a folder, in order of path."""
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.endswith(_CODE))


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


def stamp_of(paths: Sequence[str], told: str) -> bytes:
    """Each file and folder with its state, and what else was told."""
    return os.fsencode("".join([f"{path}\t{_state(path)}\n" for path in paths]) + told)


def is_true(stamp: bytes, told: str, unseen: str | None = None) -> bool:
    """Whether a stamp describes its files and folders as they are now.

    A file more or less changes the times of its folder: what stands in each need not be listed.

    Args:
        stamp: the stamp.
        told: what else was told to it.
        unseen: the folder whose YAML files are left to :func:`holds`; null looks at every file.
    """
    *lines, end = os.fsdecode(stamp).split("\n")
    if end != told or not _FOLDERS_TELL:
        return False
    try:
        for line in lines:
            path, _, state = line.partition("\t")
            if unseen is not None and path.endswith(".yaml") and path.startswith(unseen):
                continue
            if _state(path) != state:
                return False
    except OSError:
        return False
    return True


def holds(stamp: bytes, path: str) -> bool:
    """Whether a stamp describes one of its files as it is now."""
    try:
        return os.fsencode(f"{path}\t{_state(path)}\n") in stamp
    except OSError:
        return False


def latest(stamp: bytes) -> int:
    """The last time at which a file or folder of a stamp changed."""
    return max((int(time) for line in stamp.split(b"\n")[:-1] for time in line.split(b"\t")[-2:]), default=0)


def content_of(files: Sequence[str], folders: Sequence[str]) -> bytes:
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
