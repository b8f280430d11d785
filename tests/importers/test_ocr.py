"""Models that read pages, and MiniCPM-V, against the hub's own counts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory

SIGLIP = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
GLM: dict[str, Any] = {
    "model_type": "glm_ocr",
    "text_config": {
        "model_type": "glm_ocr_text", "vocab_size": 59392, "head_dim": 128, "hidden_size": 1536,
        "intermediate_size": 4608, "num_attention_heads": 16, "num_hidden_layers": 16, "num_key_value_heads": 8,
        "num_nextn_predict_layers": 1, "max_position_embeddings": 131072,
    },
    "vision_config": {
        "depth": 24, "hidden_size": 1024, "num_heads": 16, "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "out_hidden_size": 1536, "intermediate_size": 4096,
    },
}  # fmt: skip
PADDLE: dict[str, Any] = {
    "model_type": "paddleocr_vl", "vocab_size": 103424, "hidden_size": 1024, "intermediate_size": 3072,
    "num_hidden_layers": 18, "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 128,
    "max_position_embeddings": 131072, "tie_word_embeddings": False,
    "vision_config": {**SIGLIP, "image_size": 384, "patch_size": 14, "spatial_merge_size": 2},
}  # fmt: skip
HUNYUAN: dict[str, Any] = {
    "model_type": "hunyuan_vl",
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "hunyuan_vl_text", "head_dim": 128, "hidden_size": 1024, "intermediate_size": 3584,
        "num_attention_heads": 16, "num_hidden_layers": 24, "num_key_value_heads": 8, "vocab_size": 120818,
        "max_position_embeddings": 131072,
    },
    "vision_config": {**SIGLIP, "max_image_size": 2048, "patch_size": 16, "spatial_merge_size": 2},
}  # fmt: skip
DEEPSEEK: dict[str, Any] = {
    "model_type": "deepseek_vl_v2",
    "architectures": ["DeepseekOCRForCausalLM"],
    "projector_config": {"n_embed": 1280},
    "language_config": {
        "first_k_dense_replace": 1, "hidden_size": 1280, "intermediate_size": 6848, "moe_intermediate_size": 896,
        "n_routed_experts": 64, "n_shared_experts": 2, "num_attention_heads": 10, "num_experts_per_tok": 6,
        "num_hidden_layers": 12, "num_key_value_heads": 10, "use_mla": False, "vocab_size": 129280,
        "max_position_embeddings": 8192,
    },
}  # fmt: skip
MINICPM: dict[str, Any] = {
    "model_type": "minicpmv4_6",
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "qwen3_5_text", "vocab_size": 248094, "hidden_size": 1024, "intermediate_size": 3584,
        "num_hidden_layers": 24, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256,
        "linear_num_value_heads": 16, "linear_num_key_heads": 16, "max_position_embeddings": 262144,
    },
    "vision_config": {**SIGLIP, "patch_size": 14, "image_size": 980},
}  # fmt: skip
#: SigLIP's pooling head and a table of packed positions, which the hub counts and engines do not load.
NOT_LOADED = 15_238_352 + 32768 * 1152


def card(config: dict[str, Any]) -> Any:
    return card_from_config({"torch_dtype": "bfloat16", **config}, name="x", source="x")


@pytest.mark.parametrize(
    ("config", "hub", "beyond"),
    [
        (GLM, 1_325_258_240, 0),
        (PADDLE, 958_588_736, NOT_LOADED),
        (HUNYUAN, 1_119_925_744, 120818 * 1024),  # the output layer is stored beside the embedding, which it is
        (DEEPSEEK, 3_336_106_240, 0),
        ({**DEEPSEEK, "architectures": ["DeepseekOCR2ForCausalLM"]}, 3_389_119_360, 0),
        (MINICPM, 1_300_428_016, 0),
    ],
    ids=["GLM-OCR", "PaddleOCR-VL", "HunyuanOCR", "DeepSeek-OCR", "DeepSeek-OCR-2", "MiniCPM-V-4.6"],
)
def test_the_count_is_the_hub_s(config: dict[str, Any], hub: int, beyond: int) -> None:
    inventory = build_inventory(card(config))
    assert inventory.total_parameters + sum(t.parameters for t in inventory.mtp) + beyond == hub


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({**DEEPSEEK, "architectures": ["DeepseekVLV2ForCausalLM"]}, "DeepSeek-OCR"),
        ({**DEEPSEEK, "projector_config": {"n_embed": 2048}}, "n_embed"),
        ({**DEEPSEEK, "language_config": {**DEEPSEEK["language_config"], "use_mla": True}}, "plain attention"),
        ({k: v for k, v in PADDLE.items() if k != "vision_config"}, "vision_config"),
        ({**MINICPM, "merger_times": 2}, "merger_times"),
    ],
)
def test_what_no_release_has_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        card(config)
