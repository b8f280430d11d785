"""Ground truth that gpu_sizer did not write, read from the files beside this module."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.importers.hugging_face import card_from_config

HERE = Path(__file__).parent


def lines(name: str) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def config_names() -> list[str]:
    """Hub ids of the configurations at hand."""
    return sorted(f.stem.replace("__", "/", 1) for f in (HERE / "configs").glob("*.json"))


@cache
def imported(hf_id: str) -> ModelCard | None:
    """The card that a configuration gives, or null where there is none of this id."""
    file = HERE / "configs" / f"{hf_id.replace('/', '__')}.json"
    if not file.exists():
        return None
    return card_from_config(
        json.loads(file.read_text(encoding="utf-8")), name=hf_id.split("/")[1], source="tests/oracle"
    )
