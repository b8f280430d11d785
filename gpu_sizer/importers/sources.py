"""Where a model can be imported from: a folder, a config.json, a hub id."""

from __future__ import annotations

import os
from pathlib import Path

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import import_folder


def import_source(source: str) -> ModelCard:
    """The card of a source.

    Raises:
        CardError: nothing usable there.
    """
    path = Path(os.path.expanduser(source))
    try:
        if path.is_dir() or path.suffix == ".json":
            return import_folder(path)
        missing = not path.exists()
    except (OSError, ValueError) as error:
        raise CardError(source[:80], "", str(error)[:120]) from None
    raise CardError(
        source[:80], "", "no such file or folder" if missing else "not a model folder, a config.json or a YAML card"
    )
