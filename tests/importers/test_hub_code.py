"""Configurations of classes that the hub's own code holds, and transformers does not: against the hub's counts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
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


SPANS = ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"]
TRINITY = {
    "model_type": "afmoe", "head_dim": 128, "num_shared_experts": 1, "tie_word_embeddings": False,
    "max_position_embeddings": 131_072, "vocab_size": 200_192,
}  # fmt: skip
TRINITY_MINI = {
    **TRINITY, "hidden_size": 2048, "num_hidden_layers": 32, "num_dense_layers": 2, "num_attention_heads": 32,
    "num_key_value_heads": 4, "intermediate_size": 6144, "moe_intermediate_size": 1024, "num_experts": 128,
    "num_experts_per_tok": 8, "sliding_window": 2048, "layer_types": SPANS * 8,
}  # fmt: skip
TRINITY_LARGE = {
    **TRINITY, "hidden_size": 3072, "num_hidden_layers": 60, "num_dense_layers": 6, "num_attention_heads": 48,
    "num_key_value_heads": 8, "intermediate_size": 12_288, "moe_intermediate_size": 3072, "num_experts": 256,
    "num_experts_per_tok": 4, "sliding_window": 4096, "global_attn_every_n_layers": 4,
}  # fmt: skip
SOLAR = {
    "model_type": "solar_open2", "hidden_size": 4096, "num_hidden_layers": 48, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 10_240, "moe_intermediate_size": 1280,
    "n_routed_experts": 320, "n_shared_experts": 1, "num_experts_per_tok": 8, "vocab_size": 196_608,
    "tie_word_embeddings": False, "use_gqa_gate": True, "gqa_interval": 3, "max_position_embeddings": 1_048_576,
    "linear_attn_config": {"short_conv_kernel_size": 4, "head_dim": 128, "num_heads": 64, "num_kv_heads": None},
}  # fmt: skip
MOTIF = {
    "model_type": "Motif", "attention_cls": "gdla", "hidden_act": "poly_norm", "hidden_size": 4096,
    "num_hidden_layers": 53, "n_dense_first_layers": 2, "intermediate_size": 12_288, "moe_intermediate_size": 1280,
    "num_experts": 384, "experts_top_k": 8, "num_shared_experts": 1, "num_attention_heads": 80,
    "num_key_value_heads": 16, "num_noise_heads": 16, "head_dim": 192, "v_head_dim": 128, "qk_rope_head_dim": 64,
    "q_lora_rank": 1024, "kv_lora_rank": 512, "elementwise_attn_output_gate": True, "mhc_enabled": True,
    "mhc_expansion_rate": 4, "sliding_window": 128, "sliding_window_pattern": "interleave",
    "sliding_window_period": 4, "use_sliding_window": True, "vocab_size": 220_160, "tie_word_embeddings": False,
    "max_position_embeddings": 262_144, "num_nextn_predict_layers": 1,
}  # fmt: skip
MISTRAL_LARGE_3 = {
    "hidden_size": 7168, "num_hidden_layers": 61, "intermediate_size": 16_384, "num_attention_heads": 128,
    "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "first_k_dense_replace": 3, "n_routed_experts": 128,
    "n_shared_experts": 1, "num_experts_per_tok": 4, "moe_intermediate_size": 4096, "moe_layer_freq": 1,
    "vocab_size": 131_072, "tie_word_embeddings": False, "max_position_embeddings": 294_912,
}  # fmt: skip
PIXTRAL = {
    "hidden_size": 1664, "num_hidden_layers": 48, "num_attention_heads": 16, "intermediate_size": 8192,
    "patch_size": 14,
}  # fmt: skip

NEMOTRON = {
    "model_type": "nemotron_h", "num_key_value_heads": 8, "head_dim": 128, "ssm_state_size": 128, "n_groups": 8,
    "conv_kernel": 4, "tie_word_embeddings": False,
}  # fmt: skip
NANO_12B = {
    **NEMOTRON, "vocab_size": 132_096, "hidden_size": 5120, "intermediate_size": 20_480, "num_attention_heads": 40,
    "mamba_num_heads": 128, "mamba_head_dim": 80, "max_position_embeddings": 131_072, "num_hidden_layers": 62,
    "hybrid_override_pattern": "M-M-M-M*-" * 6 + "M-M-M-M-",
}  # fmt: skip
NANO_30B = {
    **NEMOTRON, "vocab_size": 131_072, "hidden_size": 2688, "num_attention_heads": 32, "num_key_value_heads": 2,
    "mamba_num_heads": 64, "mamba_head_dim": 64, "max_position_embeddings": 262_144, "num_hidden_layers": 52,
    "n_routed_experts": 128, "num_experts_per_tok": 6, "moe_intermediate_size": 1856, "n_shared_experts": 1,
    "moe_shared_expert_intermediate_size": 3712,
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
}  # fmt: skip
RADIO = {"model": "vit_huge_patch16_224", "cpe_max_size": 2048, "cls_token_per_teacher": True}
PARAKEET = {
    "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 8, "intermediate_size": 4096,
    "conv_kernel_size": 9, "subsampling_conv_channels": 256, "subsampling_factor": 8, "num_mel_bins": 128,
    "projection_hidden_size": 4096, "convolution_bias": False,
}  # fmt: skip
NANO_VL = {
    "model_type": "NemotronH_Nano_VL_V2", "llm_config": NANO_12B, "projector_hidden_size": 20_480,
    "vision_config": {
        "patch_size": 16,
        "args": {**RADIO, "register_multiple": 16, "teachers": [{"name": "clip"}, {"name": "sam"}, {"name": "dino"}]},
    },
}  # fmt: skip
NANO_OMNI = {
    "model_type": "NemotronH_Nano_Omni_Reasoning_V3", "llm_config": NANO_30B, "projector_hidden_size": 20_480,
    "vision_config": {
        "patch_size": 16,
        "video_temporal_patch_size": 2,
        "args": {**RADIO, "register_multiple": 10, "teachers": [{"name": name} for name in "abcd"]},
    },
    "sound_config": PARAKEET,
}  # fmt: skip

PHI_4 = {
    "model_type": "phi4mm", "hidden_size": 3072, "num_hidden_layers": 32, "num_attention_heads": 24,
    "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 200_064, "tie_word_embeddings": True,
    "max_position_embeddings": 131_072, "audio_processor": {
        "name": "cascades",
        "config": {
            "attention_dim": 1024, "attention_heads": 16, "num_blocks": 24, "linear_units": 1536, "kernel_size": 3,
            "input_size": 80, "time_reduction": 8, "nemo_conv_settings": {"conv_channels": 1024},
            "relative_attention_bias_args": {"t5_bias_max_distance": 500},
        },
    },
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
        # The hub's 26,123,974,400, 398,635,286,016 and 250,287,810,304 without the corrections of their routers.
        (TRINITY_MINI, 26_123_970_560),
        (TRINITY_LARGE, 398_635_272_192),
        (SOLAR, 250_287_794_944),
        ({**SOLAR, "gqa_layers": list(range(0, 48, 4)), "gqa_interval": 1}, 250_287_794_944),
        # Of 314,841,775,750 without the layer that predicts ahead and the corrections of routers.
        (MOTIF, 314_590_604_290),
        # 1,352 GB in bfloat16, as published.
        (
            {
                "model_type": "mistral3",
                "tie_word_embeddings": False,
                "text_config": MISTRAL_LARGE_3,
                "vision_config": PIXTRAL,
            },
            675_991_176_960,
        ),
        # Without the six numbers that scale pixels; of Omni's 33,015,632,214 without statistics and filters of sound.
        (NANO_VL, 13_181_860_352),
        (NANO_OMNI, 33_015_546_816),
        # The hub's 5,574,460,384 without adapters and what of its vision encoder no engine loads.
        (PHI_4, 5_574_460_384 - 830_472_192 - 30_480_160),
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


def test_mimo_v26_has_experts_of_four_bits() -> None:
    ignored = [*(f"model.layers.{i}.self_attn.o_proj" for i in range(48)), "model.decoder.self_attn.o_proj"]
    quantization = {
        "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128],
        "store_dtype": "mxfp4", "mxfp4_block_size": 32, "ignored_layers": ignored,
    }  # fmt: skip
    config = {
        "model_type": "mimo_v2", "torch_dtype": "bfloat16", **MIMO, "moe_router_dtype": "bfloat16",
        "vision_config": MIMO_VISION, "audio_config": MIMO_AUDIO, "quantization_config": quantization,
    }  # fmt: skip
    card, ours = card_from_config(config, name="x", source="x"), catalogue().models.get("mimo-v2.6-flash")
    assert card.architecture == ours.architecture
    inventory = build_inventory(card)
    assert list(build_inventory(ours).everything()) == list(inventory.everything())
    # The sums of its tensors: https://github.com/dymoo/mimo-halo-lab/blob/f65bf6fa5c2846fa31bed38225300b0291fbf8d8/
    # manifests/models/mimo-v2.6-flash-rl/memory-report.json.
    biases = 47 * 256
    towers = [sum(t.parameters for t in inventory.towers if t.name.startswith(n)) for n in ("vision.", "audio.")]
    assert towers == [728_594_432, 261_127_168]
    assert inventory.total_parameters - sum(towers) + biases == 308_778_780_864
    # As the hub counts both releases.
    assert inventory.total_parameters + biases + sum(t.parameters for t in inventory.mtp) == 310_756_322_688
    stored = sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in inventory.everything()) - 2 * sum(towers)
    # Nine layers' fused projections have two rows of scales more than their parts.
    assert stored + 9 * 2 * 32 * 4 == 169_754_520_448


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


def test_delta_attention_that_engines_do_not_serve_is_refused() -> None:
    grouped = {**SOLAR, "linear_attn_config": {"head_dim": 128, "num_heads": 64, "num_kv_heads": 8}}
    for config in (grouped, {**SOLAR, "kda_use_full_proj": True}, {**SOLAR, "use_gqa_gate_bias": True}):
        with pytest.raises(CardError):
            card_from_config(config, name="x", source="x")


def test_motif_predicts_ahead_and_caches_latents_in_every_fourth_layer() -> None:
    card = card_from_config(MOTIF, name="x", source="x")
    inventory = build_inventory(card)
    assert sum(t.parameters for t in inventory.mtp) == 251_151_876
    kinds = [card.architecture.blocks[name].mixer.kind for name in card.architecture.layer_names]
    assert kinds == ["attention" if i % 4 else "latent_attention" for i in range(53)]


@pytest.mark.parametrize(
    "differs",
    [
        {"attention_cls": "mla"},
        {"sliding_window_pattern": "all"},
        {"mhc_enabled": False},
        {"interleave_moe_layer_step": 2},
    ],
)
def test_motif_of_another_build_is_refused(differs: dict[str, Any]) -> None:
    with pytest.raises(CardError, match="described"):
        card_from_config({**MOTIF, **differs}, name="x", source="x")


def test_a_tower_that_is_not_named_is_refused() -> None:
    for vision in ({"patch_size": 16}, {"args": {"model": "vit_nobody"}}):
        with pytest.raises(CardError, match="vision_config"):
            card_from_config({**NANO_VL, "vision_config": vision}, name="x", source="x")
    with pytest.raises(CardError, match="audio_processor"):
        card_from_config({**PHI_4, "audio_processor": None}, name="x", source="x")
