"""YAML folders kept in a form that loads in a millisecond, and never stale.

A compiled file holds JSON made from YAML files, beside a list of those files with their sizes, times and
checksums. It is used only while every file is as it was: the same times and sizes, or else the same content. It lies
in the user's cache folder (or is shipped in the wheel), and deleting it costs one slower start.
"""

from __future__ import annotations

import json
import os
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

#: Raised whenever the form of compiled files changes.
FORM = 1
#: Set to 0 to read the YAML itself, always.
SWITCH = "GPU_SIZER_COMPILED"


def cache_folder() -> str:
    """Where compiled files are kept: ``$XDG_CACHE_HOME/gpu-sizer`` or the platform's likeness of it."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "gpu-sizer")


def yaml_files(folders: Sequence[str]) -> list[str]:
    """Every YAML file below some folders, in order of path."""
    found: list[str] = []
    pending = list(folders)
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.endswith(".yaml"):
                    found.append(entry.path)
    return sorted(found)


def _stats(files: Sequence[str]) -> list[list[int]]:
    result = []
    for file in files:
        s = os.stat(file)
        result.append([s.st_size, s.st_mtime_ns])
    return result


def _checksum(file: str) -> int:
    with open(file, "rb") as stream:
        return zlib.crc32(stream.read())


class Compiled:
    """One compiled file that is valid now: its head, and entries read one by one."""

    def __init__(self, path: str, head: dict[str, Any], start: int) -> None:
        self._path, self._start = path, start
        self.head: Any = head["head"]
        self._places: dict[str, list[int]] = head["places"]

    def entry(self, key: str) -> Any:
        """One entry, read from its place in the file; null where there is none."""
        if (place := self._places.get(key)) is None:
            return None
        with open(self._path, "rb") as stream:
            stream.seek(self._start + place[0])
            return json.loads(stream.read(place[1]))


def _read(path: str, files: Sequence[str]) -> tuple[Compiled | None, bool]:
    """A compiled file if it is valid, and whether its times are still right."""
    try:
        with open(path, "rb") as stream:
            length = int(stream.readline(32))
            head = json.loads(stream.read(length))
            start = stream.tell()
        if head["form"] != FORM or head["files"] != list(files):
            return None, False
        stats = _stats(files)
        compiled = Compiled(path, head, start)
        if stats == head["stats"]:
            return compiled, True
        same = all(s[0] == k[0] for s, k in zip(stats, head["stats"], strict=True))
        if same and [_checksum(f) for f in files] == head["checksums"]:
            return compiled, False
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None, False
    return None, False


def _write(path: str, files: Sequence[str], head: Any, entries: dict[str, Any]) -> None:
    """Writes a compiled file whole, or not at all; a folder that cannot be written is no error."""
    body, places = b"", {}
    for key, value in entries.items():
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        places[key] = [len(body), len(data)]
        body += data
    top = {
        "form": FORM,
        "files": list(files),
        "stats": _stats(files),
        "checksums": [_checksum(f) for f in files],
        "head": head,
        "places": places,
    }
    text = json.dumps(top, ensure_ascii=False, separators=(",", ":")).encode()
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(b"%d\n" % len(text) + text + body)
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            return


def compiled(name: str, folders: Sequence[str], make: Callable[[], tuple[Any, dict[str, Any]]]) -> Compiled | None:
    """The compiled form of the YAML files below some folders, made anew where it is missing or stale.

    Args:
        name: what it holds; part of its file name.
        folders: the folders that it stands for.
        make: gives its head and its entries by key; errors in the YAML are raised from here.

    Returns:
        null where compiled files are switched off or cannot be kept: the caller reads the YAML.
    """
    if os.environ.get(SWITCH) == "0":
        return None
    files = yaml_files(folders)
    key = zlib.crc32("\0".join(folders).encode())
    path = os.path.join(cache_folder(), f"{name}-{key:08x}.json")
    found, fresh = _read(path, files)
    if found is not None and fresh:
        return found
    if found is None:
        head, entries = make()
    else:
        head, entries = found.head, {k: found.entry(k) for k in found._places}
    _write(path, files, head, entries)
    return _read(path, files)[0]
