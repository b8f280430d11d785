"""Models that are no generative decoders, by the families of their names: refused as what they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from gpu_sizer.errors import UnknownModelError


def _kinds() -> list[dict[str, Any]]:

    text = (Path(__file__).parent / "other_kinds.yaml").read_text(encoding="utf-8")
    kinds: list[dict[str, Any]] = yaml.safe_load(text)["kinds"]
    return kinds


def other_kind(name: str) -> UnknownModelError | None:
    """The error for a name whose family is none that generates text token by token; null for other names.

    Args:
        name: as it was written; it is none of the catalogue's.
    """
    ending = name.lower().rpartition("/")[2].replace("_", "-").replace(" ", "-")
    for kind in _kinds():
        numbers = kind.get("numbers", {})
        for word in kind["words"]:
            pattern = word + numbers.get(word, r"-?\d*")
            if (found := re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", ending)) is not None:
                family = found[0].rstrip("-")
                return UnknownModelError(f"{name[:60]!r} is {kind['what']} ({family}): it is not sized here")
    return None
