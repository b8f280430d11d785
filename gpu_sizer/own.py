"""The user's own folder: newer data that ``gpu-sizer update`` puts there, beside what the program ships."""

from __future__ import annotations

import os
import sys


def own_folder(kind: str) -> str | None:
    """Where the user's own data of a kind (``arena``, ``cards``, ``machines``) lie, whether it exists or not.

    ``$XDG_DATA_HOME/gpu-sizer/KIND``, else ``~/.local/share/gpu-sizer/KIND`` (``%LOCALAPPDATA%`` on Windows). Null
    where the surroundings name no absolute folder: nothing is read from, or written to, the working directory instead.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    else:
        base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "gpu-sizer", kind) if os.path.isabs(base) else None
