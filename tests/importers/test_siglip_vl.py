"""Models of a SigLIP, a projector and another family's language model, against the hub's own counts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory


def llama(hidden: int, layers: int, heads: int, kv: int, inner: int, words: int, **more: Any) -> dict[str, Any]:
    return {
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv, "intermediate_size": inner, "vocab_size": words, "max_position_embeddings": 8192,
        "tie_word_embeddings": False, **more,
    }  # fmt: skip


def large(side: int, layers: int = 27) -> dict[str, Any]:
    return {
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": layers, "num_attention_heads": 16,
        "patch_size": 14, "image_size": side,
    }  # fmt: skip


BASE = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "patch_size": 16, "image_size": 512,
}  # fmt: skip
QWEN = {**llama(3584, 28, 28, 4, 18944, 152_128), "model_type": "qwen2"}
GEMMA = {**llama(2048, 18, 8, 1, 16384, 257_216, head_dim=256), "model_type": "gemma", "tie_word_embeddings": True}
CONFIGS: dict[str, tuple[dict[str, Any], int]] = {
    "SmolVLM-256M": (
        {
            "model_type": "idefics3",
            "scale_factor": 4,
            "text_config": llama(576, 30, 9, 3, 1536, 49_280),
            "vision_config": BASE,
        },
        256_484_928,
    ),
    "SmolVLM2-2.2B": (
        {
            "model_type": "smolvlm",
            "scale_factor": 3,
            "text_config": llama(2048, 24, 32, 32, 8192, 49_280),
            "vision_config": large(384),
        },
        2_246_784_880,
    ),
    "Idefics3-8B-Llama3": (
        {
            "model_type": "idefics3",
            "text_config": llama(4096, 32, 32, 8, 14336, 128_259),
            "vision_config": large(364),
        },
        8_462_086_384,
    ),
    "llava-onevision-qwen2-7b-ov-hf": (
        {"model_type": "llava_onevision", "text_config": QWEN, "vision_config": large(384, 26)},
        8_030_807_584,
    ),
    "paligemma-3b-pt-224": (
        {"model_type": "paligemma", "text_config": GEMMA, "vision_config": large(224)},
        2_923_466_480,
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_has_the_hub_s_count(name: str) -> None:
    config, count = CONFIGS[name]
    card = card_from_config(config, name=name, source="x")
    assert build_inventory(card).total_parameters == count


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text_config": {**GEMMA, "model_type": "riverbed"}}, "a language model of type 'riverbed' is not known"),
        ({"vision_config": None}, "vision_config: missing"),
    ],
)
def test_what_is_missing_or_unknown_is_said(change: dict[str, Any], said: str) -> None:
    config, _ = CONFIGS["paligemma-3b-pt-224"]
    with pytest.raises(CardError, match=said):
        card_from_config({**config, **change}, name="x", source="x")
