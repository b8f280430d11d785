"""Where the cards that ``gpu-sizer update cards`` took lie: beside the program, for the version that took them."""

from __future__ import annotations

import os

from gpu_sizer import __version__
from gpu_sizer.own import own_folder

#: Characters of a folder's name, as a checksum begins.
NAME = 12


def pointer(place: str) -> str:
    """The file that names the folder in use.

    A newer program ships newer cards, so that those of an older one hold for it no more.

    Args:
        place: the user's own folder of cards.
    """
    return os.path.join(place, f"for-{__version__}")


def newer_folder() -> str | None:
    """The folder of newer cards that holds for this version of the program; null where there is none."""
    if (place := own_folder("cards")) is None:
        return None
    try:
        with open(pointer(place), encoding="ascii") as stream:
            name = stream.read(NAME + 1).strip()
    except (OSError, ValueError):
        return None
    folder = os.path.join(place, name)
    return folder if len(name) == NAME and name.isalnum() and os.path.isdir(folder) else None
