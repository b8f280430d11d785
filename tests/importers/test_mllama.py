"""Llama 3.2 Vision: totals of an independent build, and a picture's cache that does not grow with the text.

The totals are those of ``transformers`` 5.23.0 (``MllamaForConditionalGeneration`` on the meta device).
"""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.attention import Attention


def config(hidden: int, inner: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "architectures": ["MllamaForConditionalGeneration"],
        "model_type": "mllama",
        "torch_dtype": "bfloat16",
        "text_config": {
            "model_type": "mllama_text_model",
            "cross_attention_layers": list(range(3, layers, 5)),
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": 8,
            "vocab_size": 128_256,
            "max_position_embeddings": 131_072,
            "tie_word_embeddings": False,
        },
        "vision_config": {
            "attention_heads": 16,
            "hidden_size": 1280,
            "image_size": 560,
            "intermediate_size": 5120,
            "max_num_tiles": 4,
            "num_global_layers": 8,
            "num_hidden_layers": 32,
            "patch_size": 14,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
            "vision_output_dim": 7680,
        },
    }


@pytest.mark.parametrize(
    ("raw", "total"),
    [(config(4096, 14336, 40, 32), 10_670_220_835), (config(8192, 28672, 100, 64), 88_593_355_323)],
    ids=["11B", "90B"],
)
def test_totals_equal_an_independent_build(raw: dict[str, Any], total: int) -> None:
    card = card_from_config(raw, name="vision", source="x")
    assert build_inventory(card).total_parameters == total
    assert card.verified


def test_layers_that_look_at_the_picture_keep_one_picture() -> None:
    card = card_from_config(config(4096, 14336, 40, 32), name="vision", source="x")
    assert next(run.blocks for run in card.architecture.stack)[3] == "picture"
    mixer = card.architecture.blocks["picture"].mixer
    assert isinstance(mixer, Attention)
    assert mixer.sliding_window == 4 * (40 * 40 + 1)


def test_without_the_encoder_s_configuration_it_is_refused() -> None:
    raw = config(4096, 14336, 40, 32)
    del raw["vision_config"]
    with pytest.raises(CardError, match="vision_config"):
        card_from_config(raw, name="vision", source="x")
