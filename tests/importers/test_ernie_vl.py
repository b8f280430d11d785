"""ERNIE 4.5 VL against the hub's own counts, less the biases of the routers."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory

VISION = {
    "depth": 32, "embed_dim": 1280, "hidden_size": 1280, "mlp_ratio": 4, "num_heads": 16, "in_channels": 3,
    "patch_size": 14, "spatial_merge_size": 2,
}  # fmt: skip
SMALL: dict[str, Any] = {
    "model_type": "ernie4_5_moe_vl", "torch_dtype": "bfloat16", "hidden_size": 2560, "intermediate_size": 12288,
    "num_hidden_layers": 28, "num_attention_heads": 20, "num_key_value_heads": 4, "vocab_size": 103424,
    "tie_word_embeddings": True, "max_position_embeddings": 131072, "moe_num_experts": [64, 64],
    "moe_intermediate_size": [1536, 512], "moe_k": 6, "moe_num_shared_experts": 2, "moe_layer_start_index": [1, 1],
    "temporal_conv_size": 2, "vision_config": VISION,
}  # fmt: skip
LARGE: dict[str, Any] = {
    **SMALL, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 54, "num_attention_heads": 64,
    "num_key_value_heads": 8, "tie_word_embeddings": False, "moe_intermediate_size": [3584, 1536], "moe_k": 8,
    "moe_num_shared_experts": 0, "moe_layer_start_index": [3, 3],
}  # fmt: skip


def card(config: dict[str, Any]) -> Any:
    return card_from_config(config, name="x", source="x")


@pytest.mark.parametrize(
    ("config", "hub", "biases"),
    [(SMALL, 29_399_294_336, 27 * 2 * 64), (LARGE, 423_526_285_184, 51 * 2 * 64)],
    ids=["28B-A3B", "424B-A47B"],
)
def test_the_count_is_the_hub_s(config: dict[str, Any], hub: int, biases: int) -> None:
    assert build_inventory(card(config)).total_parameters + biases == hub


def test_both_sets_of_experts_are_in_memory_and_one_is_used() -> None:
    tensors = build_inventory(card(SMALL)).blocks["experts"]
    pictures = [t for t in tensors if ".vision_experts." in t.name]
    assert [(t.shape, t.copies, t.active_copies) for t in pictures] == [
        ((512, 2560), 64, 0),
        ((512, 2560), 64, 0),
        ((2560, 512), 64, 0),
    ]
    assert all(t.is_expert for t in pictures)


def test_a_configuration_in_the_words_of_transformers_is_the_same() -> None:
    text = {k: v for k, v in SMALL.items() if not k.startswith(("vision", "temporal", "model", "moe_layer"))}
    nested = {
        "model_type": "ernie4_5_vl_moe",
        "tie_word_embeddings": True,
        "text_config": {**text, "model_type": "ernie4_5_vl_moe_text", "moe_num_experts": 64},
        "vision_config": {**VISION, "intermediate_size": 5120, "temporal_merge_size": 2},
    }
    assert card(nested).architecture == card(SMALL).architecture


@pytest.mark.parametrize(
    "change",
    [
        {"moe_num_experts": [64, 32]},
        {"moe_num_experts": [64, 64, 64]},
        {"moe_layer_start_index": [1, 2]},
        {"moe_layer_interval": 2},
        {"use_bias": True},
    ],
)
def test_what_is_not_described_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CardError):
        card({**SMALL, **change})
