"""Newer cards into the user's own folder: from an archive, checked whole before anything of it is used."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from gpu_sizer.cards.archives import MOST_PACKED, read_archive
from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.checks import check_card, check_drafts, check_language_model
from gpu_sizer.cards.folders import OF_ONES_OWN, PASSED_BY
from gpu_sizer.cards.newer import NAME, pointer
from gpu_sizer.errors import CardError, RequestError
from gpu_sizer.files import read_regular, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds to wait for a server.
_PATIENCE = 30


class Taken(NamedTuple):
    """What an update put into the user's folder."""

    cards: int
    gpus: int
    rereleases: int
    folder: Path


def fetched(address: str) -> bytes:
    """An archive from an address.

    Raises:
        RequestError: not https, cannot be reached, or too large.
    """
    if not address.startswith("https://"):
        raise RequestError(f"{address[:80]!r}: an archive is fetched over https only; or name a file")
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Secure(HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
            if not newurl.startswith("https://"):
                raise RequestError(f"{address[:80]!r} leads away from https")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    try:
        request = Request(address, headers={"User-Agent": "gpu-sizer"})
        with build_opener(Secure).open(request, timeout=_PATIENCE) as answer:
            data: bytes = answer.read(MOST_PACKED + 1)
    except (OSError, ValueError, HTTPException) as error:
        reason = str(getattr(error, "reason", error))[:120] or type(error).__name__
        raise RequestError(f"{address[:80]!r} cannot be fetched: {reason}") from None
    return data


def taken(source: str, place: Path, *, checksum: str | None = None) -> Taken:
    """Takes the cards of an archive, all of them or none.

    Args:
        source: a file, or an https address.
        place: the user's own folder of cards.
        checksum: the archive's own SHA-256 as published elsewhere; null where it is trusted as it comes.

    Raises:
        RequestError: it cannot be fetched, is another than the checksum says, or cannot be written.
        CardError: it cannot be used; the message names the file in it, the key and the reason.
    """
    data = fetched(source) if "://" in source else read_regular(source, MOST_PACKED)
    digest = sha256(data).hexdigest()
    if checksum is not None and checksum.lower() != digest:
        if not re.fullmatch("[0-9a-fA-F]{64}", checksum):
            raise RequestError(f"--sha256 takes 64 digits of a checksum, not {checksum[:20]!r}")
        raise RequestError(f"{source[:80]}: its SHA-256 is {digest}, not the one that was given: nothing was taken")
    files = _kept(read_archive(data, source[:80]), source[:80])
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _temporary(place) as made:
            for path, content in files.items():
                target = made / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            counts = _checked(made)
            folder = place / digest[:NAME]
            if not folder.exists():
                os.replace(made, folder)
    except OSError as error:
        raise RequestError(f"{place}: {error.strerror or 'cannot be written'}") from None
    write_file(Path(pointer(str(place))), digest[:NAME].encode() + b"\n")
    _forget_others(place, folder)
    return Taken(*counts, folder)


def _kept(cards: dict[str, bytes], name: str) -> dict[str, bytes]:
    """The files that a folder of one's own may hold: cards, specs and tables of re-releases, by path below it.

    An archive of the repository's own folders (``model_cards/``, ``gpu_specs/``) is taken without their names.
    """
    files: dict[str, bytes] = {}
    for path, content in cards.items():
        parts = path.split("/")
        if parts[0] in ("model_cards", "gpu_specs"):
            parts = parts[1:]
        if parts[0] in PASSED_BY and parts[0] not in OF_ONES_OWN:
            continue
        if (inside := "/".join(parts)) in files:
            raise CardError(name, path, "stands twice, as a card and as a spec")
        files[inside] = content
    if not files:
        raise CardError(name, "", "holds no model card, GPU spec or table of re-releases")
    return files


def _checked(folder: Path) -> tuple[int, int, int]:
    """How many cards, specs and re-releases a folder holds, each checked beside those that are shipped.

    Raises:
        CardError: the first that cannot be used, or a name that two cards claim.
    """
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.cards.reading import name_index, read_entries
    from gpu_sizer.cards.rerelease_files import contents, tables

    cards = Catalogue(newer=str(folder))
    models, gpus = (read_entries(kind, [str(folder)]) for kind in (ModelCard, GpuSpec))
    try:
        name_index(cards.models.entries)
        name_index(cards.gpus.entries)
        for identity in models:
            check_card(cards.models.get(identity), models[identity].file)
            check_language_model(cards.models.get(identity), cards.models, models[identity].file)
        for identity in gpus:
            cards.gpus.get(identity)
        check_drafts(cards)
        contents(cards.rereleases.folders, cards.rereleases.newer)
        own = [f for f in cards.rereleases.folders if f == cards.rereleases.newer]
        lines = sum(len(x) for _, t in tables(own) for x in t.cards.values())
    except CardError as error:
        raise CardError(error.file.replace(f"{folder}{os.sep}", ""), error.key, error.reason) from None
    return len(models), len(gpus), lines


@contextmanager
def _temporary(place: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, unless it took its place."""
    made = Path(tempfile.mkdtemp(dir=place, prefix=".taking-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _forget_others(place: Path, folder: Path) -> None:
    """Removes folders that no version of the program points to any more."""
    with suppress(OSError):
        used = {folder.name, *(p.read_text(encoding="ascii").strip() for p in place.glob("for-*"))}
        for other in place.iterdir():
            if other.is_dir() and not other.is_symlink() and len(other.name) == NAME and other.name not in used:
                shutil.rmtree(other, ignore_errors=True)
