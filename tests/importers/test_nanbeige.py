"""Nanbeige 4.2: layers that are run through twice hold their weights once and a cache each time."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.caches import CacheTypes
from gpu_sizer.model.inventory import build_inventory

CONFIG: dict[str, Any] = {
    "model_type": "nanbeige", "torch_dtype": "bfloat16", "hidden_size": 3072, "num_hidden_layers": 22,
    "num_attention_heads": 48, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 10752,
    "vocab_size": 166144, "num_loops": 2, "max_position_embeddings": 262144,
}  # fmt: skip


def test_the_count_is_the_hub_s() -> None:
    assert build_inventory(card_from_config(CONFIG, name="x", source="x")).total_parameters == 4_169_800_704


@pytest.mark.parametrize(("loops", "caches"), [(None, 1), (1, 1), (2, 2)])
def test_each_time_has_a_cache(loops: int | None, caches: int) -> None:
    config = {k: v for k, v in {**CONFIG, "num_loops": loops}.items() if v is not None}
    (block,) = card_from_config(config, name="x", source="x").architecture.blocks.values()
    found = block.caches(1, CacheTypes("bfloat16", "bfloat16"))
    assert [c.token_bytes for c in found] == [2 * 8 * 128 * 2] * caches


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_they_form_no_pipeline(engine: str) -> None:
    assert estimate("nanbeige4.2-3b", gpu="h100", tensor_parallel_size=2, engine=engine).fits
    refused = estimate("nanbeige4.2-3b", gpu="h100", pipeline_parallel_size=2, engine=engine)
    assert not refused.fits
    assert "no pipeline" in str(refused)
