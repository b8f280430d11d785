"""Families that transformers does not have, or has otherwise than the releases, against the hub's own counts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory


def shape(kind: str, hidden: int, layers: int, heads: int, kv: int, inner: int, words: int, **more: Any) -> Any:
    return {
        "model_type": kind, "torch_dtype": "bfloat16", "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "intermediate_size": inner, "vocab_size": words,
        "max_position_embeddings": 32768, "tie_word_embeddings": False, **more,
    }  # fmt: skip


SIGLIP = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
    "patch_size": 14, "image_size": 980,
}  # fmt: skip
LATENT = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "q_lora_rank": 1536}
EXPERTS = {"moe_intermediate_size": 2048, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 1}
QWEN_TOWER = {
    "hidden_size": 2048, "depth": 28, "intermediate_size": 5120, "num_heads": 32, "num_key_value_heads": 8,
    "patch_size": 14, "out_hidden_size": 5120,
}  # fmt: skip
#: What is in the repository, with the layer that predicts ahead where there is one.
CONFIGS: dict[str, tuple[dict[str, Any], int]] = {
    "K2-Horizon-7B": (shape("k2_horizon", 4096, 36, 32, 8, 12288, 250_624, head_dim=128), 8_999_178_240),
    "A.X-K1": (
        shape("axk1", 7168, 61, 64, 64, 18432, 163_840, n_routed_experts=192, **LATENT, **EXPERTS),
        518_983_059_456,
    ),
    "MiniCPM-V-4": (
        shape("minicpmv", 2560, 32, 32, 2, 10240, 73_448, head_dim=128, version=4.0, vision_config=SIGLIP),
        4_059_533_040,
    ),
    "MiniCPM-V-4_5": (
        shape("minicpmv", 4096, 36, 32, 8, 12288, 151_748, head_dim=128, version=4.5, vision_config=SIGLIP),
        8_695_895_280,
    ),
    "EXAONE-4.5-33B": (
        {
            "model_type": "exaone4_5",
            "torch_dtype": "bfloat16",
            "text_config": shape("exaone4", 5120, 64, 40, 8, 27392, 153_600, num_nextn_predict_layers=1),
            "vision_config": QWEN_TOWER,
            "tie_word_embeddings": False,
        },
        34_350_097_664,
    ),
    "Granite-4.0-H-Micro": (
        shape(
            "granitemoehybrid", 2048, 40, 32, 8, 8192, 100_352, num_local_experts=0, shared_intermediate_size=8192,
            mamba_n_heads=64, mamba_d_state=128, tie_word_embeddings=True,
            layer_types=["attention" if i % 10 == 5 else "mamba" for i in range(40)],
        ),
        3_191_396_096,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_the_count_is_the_hub_s(name: str) -> None:
    config, count = CONFIGS[name]
    inventory = build_inventory(card_from_config(config, name=name, source="https://example.org"))
    assert inventory.total_parameters + sum(t.parameters for t in inventory.mtp) == count


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("K2-Horizon-7B", {"num_experts": 100}, "mixtures of values"),
        ("K2-Horizon-7B", {"attention_gate_func": "sigmoid"}, "gate"),
        ("MiniCPM-V-4", {"version": 2.5}, r"2\.6, 4\.0, 4\.5"),
        ("MiniCPM-V-4", {"vision_config": None}, "vision_config"),
    ],
)
def test_what_is_not_described_is_refused(name: str, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CardError, match=told):
        card_from_config({**CONFIGS[name][0], **changes}, name=name, source="https://example.org")
