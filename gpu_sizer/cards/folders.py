"""Where cards, specs and machines lie, and where the code that decides what is read from them."""

from __future__ import annotations

import os

from gpu_sizer import model
from gpu_sizer.model.kinds import KINDS

#: Folders of model_cards/ that hold light cards: proprietary models, and open ones that cannot be sized. The catalogue
#: of sizable models passes them by.
LIGHT_FOLDERS = ("proprietary", "unsized")
#: Folder of gpu_specs/, and of a user's folder, that holds machines; readers of GPU specs and models pass it by.
MACHINES = "machines"
#: Folders that readers of cards pass by.
PASSED_BY = (*LIGHT_FOLDERS, MACHINES)
#: Stands between names that are kept as one text: a character that no name has.
SEPARATOR = "\x7f"


def data_folder(name: str) -> str:
    """A shipped folder: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, name)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), name)


def code_folders() -> tuple[str, ...]:
    """The folders of modules that say what a card holds: a kind of mixer more, and compiled cards are stale."""
    here = os.path.dirname(os.path.abspath(__file__))
    return (here, *model.__path__, *(folder for kinds in KINDS.values() for folder in kinds.folders()))
