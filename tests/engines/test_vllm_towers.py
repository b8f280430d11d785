"""Towers at work against what vLLM's own classes hold when they are run (``tests/oracle/vllm_towers.jsonl``)."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import load_model
from gpu_sizer.engines.vllm.encoders import largest_item, tower_bytes, vision_tower
from gpu_sizer.engines.vllm.version import version_profile
from gpu_sizer.load import Load
from tests.oracle import lines

#: Positions, masks and what a class holds for a moment are not counted value by value.
TOLERANCE = 0.08
PATCHES = 1000


@pytest.mark.parametrize("line", lines("vllm_towers.jsonl"), ids=lambda x: f"{x['model']} tp{x['tp']}")
def test_a_patch_takes_what_the_class_holds(line: dict[str, Any]) -> None:
    card, version = load_model(line["model"]), version_profile("0.33")
    tower, item = vision_tower(card), largest_item(card, version)
    assert tower is not None
    assert item is not None
    settings = Load(context=8192).resolved(
        users=1,
        gpu_memory_utilization=0.9,
        kv_cache_dtype="bfloat16",
        max_num_seqs=1024,
        max_num_batched_tokens=8192,
    )
    found = tower_bytes(card, tower, item, line["tp"], settings, version, PATCHES, PATCHES) / PATCHES
    assert found == pytest.approx(line["patch_bytes"], rel=TOLERANCE)
