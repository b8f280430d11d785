"""Models that are no generative decoders, by the families of their names: refused as what they are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gpu_sizer.errors import UnknownModelError


@cache
def _families() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The words of each family as they stand in names, and what such a model is."""
    text = (Path(__file__).parent / "other_kinds.yaml").read_text(encoding="utf-8")
    kinds: list[dict[str, Any]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["kinds"]
    found = []
    for kind in kinds:
        numbers = kind.get("numbers", {})
        for word in kind["words"]:
            pattern = word + numbers.get(word, r"-?\d*")
            found.append((re.compile(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])"), kind["what"]))
    return tuple(found)


def other_kind(name: str) -> UnknownModelError | None:
    """The error for a name whose family is none that generates text token by token; null for other names.

    Args:
        name: as it was written; it is none of the catalogue's.
    """
    ending = name.lower().rpartition("/")[2].replace("_", "-").replace(" ", "-")
    for family, what in _families():
        if (found := family.search(ending)) is not None:
            return UnknownModelError(f"{name[:60]!r} is {what} ({found[0].rstrip('-')}): it is not sized here")
    return None
