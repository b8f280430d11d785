"""DeepSeek V4.1: shared compressed states, n-gram tables and a draft, against the checkpoint's own sums."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.units import ceil_div

#: config.json at dba1be0a, as https://github.com/LivingAgile/mlx-lm/blob/1d5c1ebf/tests/test_deepseek_v41.py has it.
TEXT: dict[str, Any] = {
    "model_type": "deepseek_v41_text",
    "vocab_size": 129_280,
    "hidden_size": 5120,
    "moe_intermediate_size": 2304,
    "num_hidden_layers": 40,
    "num_attention_heads": 64,
    "num_key_value_heads": 1,
    "head_dim": 512,
    "qk_rope_head_dim": 64,
    "q_lora_rank": 1280,
    "o_lora_rank": 1024,
    "o_groups": 8,
    "attention_bias": False,
    "max_position_embeddings": 1_048_576,
    "n_routed_experts": 384,
    "n_shared_experts": 1,
    "num_experts_per_tok": 6,
    "sliding_window": 128,
    "compress_ratios": [0, 0, *[2] * 18, *[1] * 20, 0, 0, 0],
    "kv_source_layer_ids": [2, 8, 14, 20],
    "index_source_layer_ids": [2, 8, 14, 20, 24, 28, 32, 36],
    "index_n_heads": 32,
    "index_head_dim": 128,
    "hc_mult": 4,
    "engram_layer_ids": [1, 14],
    "engram_num_embeddings": [384_006_168, 384_016_682],
    "engram_max_ngram_size": 4,
    "engram_n_heads": 8,
    "engram_head_dim": 256,
    "num_nextn_predict_layers": 3,
    "dspark_target_layer_ids": [37, 38, 39],
    "dspark_markov_rank": 256,
    "dspark_n_routed_experts": 128,
    "dspark_num_experts_per_tok": 3,
}
VISION = {
    "num_hidden_layers": 32,
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "intermediate_size": 2816,
    "patch_size": 14,
    "downsample_ratio": 3,
}
QUANTIZATION = {
    "quant_method": "fp8",
    "activation_scheme": "dynamic",
    "weight_block_size": [32, 32],
    "scale_fmt": "ue8m0",
    "expert_dtype": "fp4",
}


def config(**differs: Any) -> dict[str, Any]:
    return {
        "architectures": ["DeepseekV41ForCausalLM"],
        "model_type": "deepseek_v41",
        "dtype": "bfloat16",
        "quantization_config": QUANTIZATION,
        "text_config": {**TEXT, **differs},
        "vision_config": VISION,
    }


def read(**differs: Any) -> Any:
    return card_from_config(config(**differs), name="DeepSeek-V4.1-Flash", source="x")


def test_it_is_counted_as_the_hub_counts_it() -> None:
    inventory = build_inventory(read())
    ahead = sum(t.parameters for t in inventory.mtp)
    # Two corrections of each router, for text and for images, are no parameters here.
    corrections = 2 * (40 * 384 + 3 * 128)
    assert inventory.total_parameters + ahead + corrections == 763_205_315_794
    # What its authors call 552B is without tables and draft.
    assert inventory.total_parameters - 2 * 256 * 384_011_425 == 552_366_072_944


def checkpoint_bytes(t: Tensor, *, draft: bool = False) -> int:
    """Bytes in the files, where float8 has a scale for each block of 32 x 32."""
    if draft and (t.is_linear or t.name.startswith("main_proj")) and not t.is_expert:
        t = Tensor(t.name, t.shape, t.part, "mxfp8", copies=t.copies)
    if draft and t.is_expert:
        return storage_bytes(t.shape, "mxfp4") * t.copies
    if t.fmt == "mxfp8" and not t.on_host:
        return (prod(t.shape) + ceil_div(t.shape[0], 32) * ceil_div(t.shape[1], 32)) * t.copies
    return storage_bytes(t.shape, t.fmt) * t.copies


def test_its_bytes_are_those_of_its_checkpoint() -> None:
    # metadata.total_size of the release's model.safetensors.index.json.
    inventory = build_inventory(read())
    stored = sum(checkpoint_bytes(t) * n for t, n in inventory.everything())
    assert stored + sum(checkpoint_bytes(t, draft=True) for t in inventory.mtp) == 510_286_023_000


def test_tables_of_n_grams_stand_on_the_host_and_are_not_active() -> None:
    inventory = build_inventory(read())
    # 264 bytes a row: 256 values and a scale for each 32.
    assert inventory.host_bytes == 264 * (384_006_168 + 384_016_682)
    tables = [t for tensors in inventory.blocks.values() for t in tensors if t.on_host]
    assert [t.active_parameters for t in tables] == [0, 0]


def test_layers_make_pick_or_read_as_listed() -> None:
    a = read().architecture
    roles = []
    for name in a.layer_names:
        mixer = a.blocks[name].mixer
        assert isinstance(mixer, CompressedAttention)
        roles.append(mixer.shares_states)
    assert [i for i, role in enumerate(roles) if role == "maker"] == [2, 8, 14, 20]
    assert [i for i, role in enumerate(roles) if role == "picker"] == [24, 28, 32, 36]


def test_the_card_is_what_the_configuration_says() -> None:
    card, found = catalogue().models.get("deepseek-v4.1-flash"), read()
    assert card.architecture == found.architecture
    assert card.weights == found.weights
    assert card.engine_class == found.engine_class


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"compress_ratios": [0, 0, *[4] * 38]}, "must be one of 0, 1, 2, not 4"),
        ({"kv_source_layer_ids": [8, 14, 20]}, "layer 2 reads compressed states that no layer before it makes"),
        ({"attention_bias": True}, "no such biases"),
    ],
)
def test_what_engines_do_not_know_is_refused(differs: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        read(**differs)


def test_other_blocks_of_scales_are_refused() -> None:
    other = {**config(), "quantization_config": {**QUANTIZATION, "weight_block_size": [64, 64]}}
    with pytest.raises(CardError, match="128 x 128"):
        card_from_config(other, name="x", source="x")


def test_a_text_model_has_no_tower_and_no_corrections_for_images() -> None:
    raw = config(num_nextn_predict_layers=0, compress_ratios=TEXT["compress_ratios"][:40])
    raw.pop("vision_config")
    a = card_from_config(raw, name="x", source="x").architecture
    assert not a.towers
    assert a.mtp is None
    assert not any(t.name.endswith("bias_vl") for b in a.blocks.values() for t in b.extra)
