"""Ling 2.6 and 3 against the hub's own counts, less the layer that predicts ahead and the biases of the routers."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate
from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.model.mixers.linear_attention import LinearAttention

LING: dict[str, Any] = {
    "model_type": "bailing_hybrid", "torch_dtype": "bfloat16", "vocab_size": 157184, "head_dim": 128,
    "num_experts_per_tok": 8, "num_shared_experts": 1, "moe_router_enable_expert_bias": True, "use_qk_norm": True,
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "hidden_act": "silu",
    "num_nextn_predict_layers": 1, "max_position_embeddings": 131072,
}  # fmt: skip
FLASH_26: dict[str, Any] = {
    **LING, "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 9216,
    "moe_intermediate_size": 1024, "num_experts": 256, "q_lora_rank": 1536, "layer_group_size": 8,
    "group_norm_size": 4, "first_k_dense_replace": 1,
}  # fmt: skip
BIG_26: dict[str, Any] = {
    **LING, "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "intermediate_size": 18432,
    "moe_intermediate_size": 2048, "num_experts": 256, "q_lora_rank": 1536, "layer_group_size": 8,
    "group_norm_size": 8, "first_k_dense_replace": 4,
}  # fmt: skip
KDA = {"short_conv_kernel_size": 4, "no_kda_lora": True, "gated_attention_proj_granularity_type": "head_wise"}
FLASH_3: dict[str, Any] = {
    **LING, **KDA, "hidden_size": 2560, "num_hidden_layers": 42, "num_attention_heads": 32, "intermediate_size": 6144,
    "moe_intermediate_size": 768, "num_experts": 512, "q_lora_rank": None, "layer_group_size": 6,
    "first_k_dense_replace": 2,
}  # fmt: skip
TINY_3: dict[str, Any] = {
    **LING, **KDA, "hidden_size": 1536, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4608,
    "moe_intermediate_size": 512, "num_experts": 128, "q_lora_rank": 256, "layer_group_size": 4,
    "first_k_dense_replace": 1, "num_nextn_predict_layers": 0,
}  # fmt: skip


def card(config: dict[str, Any]) -> Any:
    return card_from_config(config, name="x", source="x")


@pytest.mark.parametrize(
    ("config", "hub", "biases"),
    [
        (FLASH_26, 107_494_409_216, 32 * 256),
        (BIG_26, 1_025_414_425_344, 77 * 256),
        (FLASH_3, 127_486_405_600, 41 * 512),
        (TINY_3, 7_893_392_800, 23 * 128),
    ],
    ids=["Ling-2.6-flash", "Ling-2.6-1T", "Ling-3.0-flash", "Ling-3.0-tiny"],
)
def test_the_count_is_the_hub_s(config: dict[str, Any], hub: int, biases: int) -> None:
    inventory = build_inventory(card(config))
    assert inventory.total_parameters + sum(t.parameters for t in inventory.mtp) + biases == hub


def test_a_short_convolution_tells_the_two_apart() -> None:
    kinds = [type(card(c).architecture.blocks["linear-experts"].mixer) for c in (FLASH_26, FLASH_3)]
    assert kinds == [LinearAttention, KimiDeltaAttention]
    assert card(FLASH_26).architecture.blocks["linear-experts"].mixer.state_dtype == "auto"


def test_a_gate_has_one_value_a_head_or_one_a_channel() -> None:
    wide = {**FLASH_3, "gated_attention_proj_granularity_type": "element_wise"}
    shapes = [card(c).architecture.blocks["latent-experts"].extra[0].shape for c in (FLASH_3, wide)]
    assert shapes == [(32, 2560), (4096, 2560)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gated_attention_proj_granularity_type": "token_wise"}, "token_wise"),
        ({"no_kda_lora": False}, "full width"),
        ({"layer_group_size": 5}, "whole groups"),
        ({"use_qkv_bias": True}, "biases"),
    ],
)
def test_what_engines_do_not_load_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        card({**FLASH_3, **change})


def test_no_more_gpus_than_groups_of_the_norm_share_a_layer() -> None:
    assert estimate("ling-2.6-flash", gpu="h200", tensor_parallel_size=4).fits
    refused = estimate("ling-2.6-flash", gpu="h200", tensor_parallel_size=8)
    assert not refused.fits
    assert "4 norm groups do not divide by 8" in str(refused)
