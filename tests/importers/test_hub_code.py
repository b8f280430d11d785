"""Configurations of classes that the hub's own code holds, and transformers does not: against the hub's counts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import build_inventory

QWEN = {"head_dim": 128, "hidden_act": "silu", "tie_word_embeddings": False, "max_position_embeddings": 32_768}
#: The two encoders, in the words of the hub's own class and of transformers'.
LARGE = {"hidden_size": 3200, "num_hidden_layers": 45, "num_attention_heads": 25, "intermediate_size": 12_800}
SMALL = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
OWN = {"image_size": 448, "patch_size": 14}
THEIRS = {"image_size": [448, 448], "patch_size": [14, 14]}
INTERNVL3_8B = {
    **QWEN, "model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "intermediate_size": 18_944, "vocab_size": 151_674,
}  # fmt: skip
INTERN_S1 = {
    **QWEN, "model_type": "qwen3_moe", "hidden_size": 4096, "num_hidden_layers": 94, "num_attention_heads": 64,
    "num_key_value_heads": 4, "intermediate_size": 12_288, "vocab_size": 153_216, "moe_intermediate_size": 1536,
    "num_experts": 128, "num_experts_per_tok": 8,
}  # fmt: skip
LLADA = {
    **QWEN, "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 4,
    "intermediate_size": 9216, "moe_intermediate_size": 1024, "num_experts": 256, "num_experts_per_tok": 8,
    "num_shared_experts": 1, "first_k_dense_replace": 1, "vocab_size": 157_184,
}  # fmt: skip

WINDOWS = [0, 1, 1, 1, 1, *[0, 1, 1, 1, 1, 1] * 7, 0]
MIMO = {
    "hidden_size": 4096, "num_hidden_layers": 48, "num_attention_heads": 64, "num_key_value_heads": 4, "head_dim": 192,
    "v_head_dim": 128, "swa_num_attention_heads": 64, "swa_num_key_value_heads": 8, "swa_head_dim": 192,
    "swa_v_head_dim": 128, "sliding_window": 128, "add_swa_attention_sink_bias": True, "hidden_act": "silu",
    "hybrid_layer_pattern": WINDOWS, "moe_layer_freq": [0, *[1] * 47], "intermediate_size": 16_384,
    "moe_intermediate_size": 2048, "n_routed_experts": 256, "num_experts_per_tok": 8, "vocab_size": 152_576,
    "tie_word_embeddings": False, "max_position_embeddings": 1_048_576, "num_nextn_predict_layers": 3,
}  # fmt: skip
MIMO_VISION = {
    "depth": 28, "fullatt_block_indexes": [0, 9, 18, 27], "hidden_size": 1280, "in_chans": 3, "use_sink": True,
    "intermediate_size": 4608, "num_heads": 32, "num_key_value_heads": 8, "out_hidden_size": 4096, "patch_size": 16,
}  # fmt: skip
MIMO_AUDIO = {
    "add_post_norm": True, "audio_channels": 20, "group_size": 4, "input_local_dim": 1024, "input_local_layers": 6,
    "input_local_intermediate_size": 4096, "out_hidden_size": 4096, "projection_layers": 2, "speech_vocab_size": "1280",
}  # fmt: skip
INKLING = {
    "hidden_size": 6144, "num_hidden_layers": 66, "vocab_size": 201_024, "unpadded_vocab_size": 200_058,
    "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128, "swa_num_attention_heads": 64,
    "swa_num_key_value_heads": 16, "swa_head_dim": 128, "sliding_window_size": 512, "d_rel": 16, "rel_extent": 1024,
    "local_layer_ids": [i for i in range(66) if i % 6 != 5], "dense_mlp_idx": 2, "dense_intermediate_size": 24_576,
    "intermediate_size": 3072, "n_routed_experts": 256, "num_experts_per_tok": 6, "n_shared_experts": 2,
    "shared_expert_sink": True, "use_gate_bias": True, "use_global_scale": True, "use_embed_norm": True,
    "use_sconv": True, "sconv_kernel_size": 4, "q_bias": False, "o_bias": False, "model_max_length": 1_048_576,
}  # fmt: skip
INKLING_SMALL = {
    **INKLING, "hidden_size": 4096, "num_hidden_layers": 42, "num_attention_heads": 32, "swa_num_attention_heads": 32,
    "swa_num_key_value_heads": 8, "local_layer_ids": [i for i in range(42) if i % 6 != 5],
    "dense_intermediate_size": 16_384, "intermediate_size": 2048,
}  # fmt: skip


def inkling(text: dict[str, Any]) -> dict[str, Any]:
    width = {"decoder_dmodel": text["hidden_size"]}
    return {
        "model_type": "inkling_mm_model",
        "torch_dtype": "bfloat16",
        "text_config": text,
        "audio_config": {**width, "n_mel_bins": 80, "mel_vocab_size": 16, "use_audio_norm": True},
        "vision_config": {
            **width, "patch_size": 40, "temporal_patch_size": 2, "n_channels": 3, "n_layers": 4, "use_vision_norm": True
        },
        "mtp_config": {"num_nextn_predict_layers": 8, "local_layer_ids": [0, 2, 4, 5, 6, 7]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "total"),
    [
        (
            {
                "model_type": "internvl_chat",
                "llm_config": INTERNVL3_8B,
                "vision_config": {**SMALL, **OWN, "qkv_bias": True, "norm_type": "layer_norm"},
            },
            7_944_373_760,
        ),
        (
            {
                "model_type": "interns1",
                "text_config": INTERN_S1,
                "vision_config": {**LARGE, **THEIRS, "use_qk_norm": True, "norm_type": "rms_norm"},
            },
            240_709_856_128,
        ),
        # The hub's 102,889,705,216 without the 7,936 biases of its routers.
        ({"model_type": "llada2_moe", **LLADA}, 102_889_697_280),
        # Without the layers that predict ahead, the scales and the biases of the routers.
        (
            {"model_type": "mimo_v2", **MIMO, "vision_config": MIMO_VISION, "audio_config": MIMO_AUDIO},
            309_768_490_432,
        ),
    ],
    ids=lambda value: value["model_type"] if isinstance(value, dict) else "",
)
def test_the_count_is_the_hub_s(config: dict[str, Any], total: int) -> None:
    card = card_from_config({"torch_dtype": "bfloat16", **config}, name="x", source="x")
    assert build_inventory(card).total_parameters == total


def test_heads_that_do_not_divide_are_whole_on_every_gpu() -> None:
    vision = {**LARGE, **OWN, "qk_normalization": True, "norm_type": "rms_norm"}
    config = {"model_type": "internvl_chat", "llm_config": INTERNVL3_8B, "vision_config": vision}
    (tower,) = card_from_config(config, name="x", source="x").architecture.towers
    cut = {t.name for t in tower.tensors if t.split_dim is not None}
    assert cut == {"encoder.layers.mlp.fc1.weight", "encoder.layers.mlp.fc1.bias", "encoder.layers.mlp.fc2.weight"}


def test_an_unknown_language_model_is_refused() -> None:
    with pytest.raises(CardError, match="language model"):
        card_from_config(
            {"model_type": "internvl_chat", "llm_config": {"model_type": "nobodys"}, "vision_config": {}},
            name="x",
            source="x",
        )


def test_codebooks_of_several_sizes_are_refused() -> None:
    audio = {**MIMO_AUDIO, "speech_vocab_size": "1025-1025-129"}
    with pytest.raises(CardError, match="codebooks"):
        card_from_config({"model_type": "mimo_v2", **MIMO, "audio_config": audio}, name="x", source="x")


def test_layers_that_predict_ahead_are_windowed_and_dense() -> None:
    ahead = card_from_config({"model_type": "mimo_v2", **MIMO}, name="x", source="x")
    # The hub's 310,775,040,000 counts 987,820,224 of them beside the model, scales and biases of the routers.
    assert sum(t.parameters for t in build_inventory(ahead).mtp) == 987_820_224


@pytest.mark.parametrize(
    ("text", "hub", "layers"), [(INKLING, 952_377_623_626, 64), (INKLING_SMALL, 265_956_439_090, 40)]
)
def test_inkling_is_counted_as_the_hub_counts_it(text: dict[str, Any], hub: int, layers: int) -> None:
    card = card_from_config(inkling(text), name="x", source="x")
    inventory = build_inventory(card)
    # The hub counts the layers that predict ahead and the biases of the routers, too.
    ahead = sum(t.parameters for t in inventory.mtp)
    assert inventory.total_parameters + ahead + layers * 256 == hub
    assert card.context.native == 1_048_576


def test_inkling_s_bytes_are_those_of_its_checkpoint() -> None:
    # metadata.total_size of the release's model.safetensors.index.json.
    inventory = build_inventory(card_from_config(inkling(INKLING_SMALL), name="x", source="x"))
    stored = sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in inventory.everything())
    assert stored + sum(storage_bytes(t.shape, t.fmt) * t.copies for t in inventory.mtp) == 531_912_898_740


def test_transformers_words_for_inkling_mean_the_same() -> None:
    theirs = {**INKLING, "moe_intermediate_size": 3072, "intermediate_size": 24_576}
    for key in ("local_layer_ids", "dense_mlp_idx", "dense_intermediate_size"):
        theirs.pop(key)
    theirs["layer_types"] = ["hybrid" if i % 6 == 5 else "hybrid_sliding" for i in range(66)]
    theirs["mlp_layer_types"] = ["dense"] * 2 + ["sparse"] * 64
    ours, other = (card_from_config(inkling(t), name="x", source="x").architecture for t in (INKLING, theirs))
    assert ours == other
    # Without a list, each sixth layer sees everything.
    theirs.pop("layer_types")
    assert card_from_config(inkling(theirs), name="x", source="x").architecture == ours


def test_inkling_s_experts_alone_are_quantized() -> None:
    listed = ["model.llm.layers.2.mlp.experts", *(f"model.llm.layers.{i}.attn" for i in range(42))]
    q = {"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": listed}
    card = card_from_config({**inkling(INKLING_SMALL), "quantization_config": q}, name="x", source="x")
    inventory = build_inventory(card)
    scaled = {t.name for t, _ in inventory.everything() if t.fmt == "nvfp4"}
    assert {name.partition(".{expert}")[0] for name in scaled} == {"mlp.experts"}
    assert sum(n for t, n in inventory.everything() if t.fmt == "nvfp4" and "down_proj" in t.name) == 39


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("vision_config", "n_layers", 6), ("text_config", "q_bias", True), ("text_config", "layer_types", ["other"] * 66)],
)
def test_another_inkling_is_refused(section: str, key: str, value: Any) -> None:
    config = inkling(INKLING)
    config[section] = {**config[section], key: value}
    with pytest.raises(CardError, match=key):
        card_from_config(config, name="x", source="x")


def test_layers_ahead_may_all_be_alike_or_absent() -> None:
    config = inkling(INKLING)
    config["mtp_config"] = {"num_nextn_predict_layers": 8}
    alike = card_from_config(config, name="x", source="x").architecture.mtp
    assert alike is not None
    assert alike.blocks == {"full-dense": 8}
    del config["mtp_config"]
    assert card_from_config(config, name="x", source="x").architecture.mtp is None
