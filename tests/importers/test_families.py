"""Every family against transformers' own classes, with each key left out, flipped, doubled and halved.

The counts are data (``families.jsonl``, made by ``tools/family_oracle.py``). A configuration is counted exactly or
refused: nothing between.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory

LINES = [json.loads(line) for line in (Path(__file__).parent / "families.jsonl").open(encoding="utf-8")]
#: Encoders that are loaded but no part of the count: with them the totals would be another convention's.
UNCOUNTED = {"llama4", "qwen3_5", "qwen3_5_moe"}
#: Keys by which engine and class differ, or that only one of them reads: the engine's meaning is counted.
ENGINES_WAY = {
    ("deepseek_v4", "n_shared_experts"),  # the class builds one however many are named
    ("gemma3", "vision_config.num_channels"),
    ("gemma3", "vision_config.vision_use_head"),  # engines load no pooling head
    ("internvl", "vision_config.num_channels"),
    ("lfm2_vl", "vision_config.vision_use_head"),
    ("mllama", "vision_config.num_channels"),
    ("step3p7", "vision_config.num_channels"),
    ("mpt", "expansion_ratio"),  # the class has four times the width, whatever this says
    ("mpt", "no_bias"),
    ("kimi_k25", "projection_hidden_size"),  # the class's own key, equal to the encoder's width in every release
    ("kimi_k25", "vision_config.hidden_size"),
    ("mistral3", "vision_config.num_channels"),  # engines read pictures of three channels
}


def count(raw: dict[str, Any], text_only: bool) -> tuple[int, int]:
    inventory = build_inventory(card_from_config(raw, name="x", source="x"))
    towers = sum(t.parameters for t in inventory.towers) if text_only else 0
    return inventory.total_parameters - towers, inventory.active_parameters - towers


def change(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(raw)
    *outer, key = path.split(".")
    inner = result
    for name in outer:
        inner = inner[name]
    inner.pop(key)
    if value is not None:
        inner[key] = value
    return result


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["type"])
def test_the_count_is_the_class_s_own(line: dict[str, Any]) -> None:
    if line["type"] in UNCOUNTED:
        pytest.skip("its encoder is loaded, not counted: the text model's own line is")
    assert count(line["config"], text_only=False) == (line["total"], line["active"])


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["type"])
def test_each_key_is_counted_as_the_class_counts_it_or_refused(line: dict[str, Any]) -> None:
    wrong = []
    for path, value, total, active in line["cases"]:
        if (line["type"], path) in ENGINES_WAY or line["type"] in UNCOUNTED:
            continue
        try:
            found = count(change(line["config"], path, value), text_only=False)
        except CardError:
            continue
        if found != (total, active):
            wrong.append(f"{path} = {value}: {found}, not {(total, active)}")
    assert not wrong
