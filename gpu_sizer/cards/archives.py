"""Archives of cards (.tar.gz, .zip), read without trust: each file named in a list of checksums, nothing else taken.

Nothing is unpacked onto the disk here. What an archive may hold is bounded before it is read; a link, a device, a path
that leads out, a name that stands twice and a checksum that differs are refused.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256

from gpu_sizer.cards.loading import MOST_BYTES
from gpu_sizer.errors import CardError, shown
from gpu_sizer.files import size_text

#: Bytes of an archive, and of all that it holds.
MOST_PACKED, MOST_UNPACKED = 32 << 20, 128 << 20
#: Files in it.
MOST_FILES = 20_000
#: The list of checksums, in the form of ``sha256sum``.
SUMS = "SHA256SUMS"
#: A part of a path: no hidden file, no drive, no character that a file system or a shell reads otherwise.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
#: Names that Windows keeps for devices, whatever their ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_archive(data: bytes, name: str) -> dict[str, bytes]:
    """The cards of an archive by path, each as its list of checksums says.

    Args:
        data: the archive.
        name: what messages call it.

    Raises:
        CardError: no such archive, one that holds what it may not, or a checksum that is missing or differs.
    """
    held: dict[str, bytes] = {}
    seen: set[str] = set()
    try:
        for path, content in _members(data, name):
            if path.lower() in seen:
                raise CardError(name, shown(path), "stands twice")
            seen.add(path.lower())
            held[path] = content
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise CardError(name, "", f"cannot be read ({str(error)[:80] or type(error).__name__})") from None
    except NotImplementedError:
        raise CardError(name, "", "is packed by a method that is not read here") from None
    sums = _sums(held.pop(SUMS, None), name)
    cards = {path: content for path, content in held.items() if path.endswith(".yaml")}
    if missing := sorted(set(cards) - set(sums)):
        raise CardError(name, shown(missing[0]), f"has no line in {SUMS}")
    for path, told in sums.items():
        if path not in held:
            raise CardError(name, shown(path), f"stands in {SUMS} and is not there")
        if sha256(held[path]).hexdigest() != told:
            raise CardError(name, shown(path), f"is not what {SUMS} says")
    if not cards:
        raise CardError(name, "", "holds no card (.yaml)")
    return cards


def _members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Every file of an archive."""
    if len(data) > MOST_PACKED:
        raise CardError(name, "", f"larger than {size_text(MOST_PACKED)}")
    if data.startswith(b"PK"):
        return _of_zip(data, name)
    if data.startswith(b"\x1f\x8b"):
        return _of_tar(data, name)
    raise CardError(name, "", "is no archive of cards: .tar.gz or .zip")


def _path(told: str, name: str) -> str:
    """A path within the archive, refused where it could mean anything else."""
    path = told.removeprefix("./")
    parts = path.split("/")
    if len(parts) > 8 or not all(_PART.fullmatch(p) and not _DEVICES.fullmatch(p) for p in parts):
        raise CardError(
            name, shown(told), "is no path of a card (letters, digits, '.', '_', '-' and '+', no folder above)"
        )
    return path


def _bounded(told: str, size: int, count: int, total: int, name: str) -> None:
    if count > MOST_FILES:
        raise CardError(name, "", f"holds more than {MOST_FILES:,} files")
    if size > MOST_BYTES:
        raise CardError(name, shown(told), f"larger than {size_text(MOST_BYTES)}")
    if total > MOST_UNPACKED:
        raise CardError(name, "", f"holds more than {size_text(MOST_UNPACKED)}")


def _of_tar(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        plain = stream.read(MOST_UNPACKED + 1)
    if len(plain) > MOST_UNPACKED:
        raise CardError(name, "", f"holds more than {size_text(MOST_UNPACKED)}")
    total = 0
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
        for count, member in enumerate(tar, start=1):
            total += member.size
            _bounded(member.name, member.size, count, total, name)
            if member.isdir():
                continue
            if not member.isreg():
                raise CardError(name, shown(member.name), "is a link or a device")
            file = tar.extractfile(member)
            assert file is not None
            yield _path(member.name, name), file.read()


def _of_zip(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    total = 0
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for count, member in enumerate(packed.infolist(), start=1):
            total += member.file_size
            _bounded(member.filename, member.file_size, count, total, name)
            if member.is_dir():
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise CardError(name, shown(member.filename), "is a link or a device")
            if member.flag_bits & 1:
                raise CardError(name, shown(member.filename), "is encrypted")
            with packed.open(member) as file:
                # No more than the head claims, which was looked at: what follows is a bomb.
                content = file.read(member.file_size + 1)
            if len(content) > member.file_size:
                raise CardError(name, shown(member.filename), "is larger than its head says")
            yield _path(member.filename, name), content


def _sums(content: bytes | None, name: str) -> dict[str, str]:
    """The checksums by path."""
    if content is None:
        raise CardError(name, "", f"has no {SUMS}: a list of checksums as sha256sum writes it")
    sums: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        if (read := _LINE.fullmatch(line)) is None:
            raise CardError(name, f"{SUMS}:{number}", f"must be a checksum and a path, not {shown(line)}")
        path = _path(read[2], name)
        if sums.setdefault(path, read[1]) != read[1]:
            raise CardError(name, f"{SUMS}:{number}", f"{shown(path)} stands twice")
    return sums
