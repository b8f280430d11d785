"""GLM-5.3 Flash: delta and sparse layers, pooled index keys and a tower, against the hub's own count."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.model.mixers.latent_attention import LatentAttention
from gpu_sizer.model.tensor import Tensor

#: The shape as transformers 5.24's class has it (``Glm5NextTextConfig``), but for ``index_kpool``, in the words of the
#: release: https://huggingface.co/zai-org/GLM-5.3-Flash/blob/eb9eb208eb0d988989d07a6a12d0fdeb5f52574a/config.json
TEXT: dict[str, Any] = {
    "model_type": "glm5_next_text",
    "vocab_size": 154_880,
    "hidden_size": 4096,
    "intermediate_size": 12_288,
    "moe_intermediate_size": 2048,
    "num_hidden_layers": 45,
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "n_routed_experts": 288,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "max_position_embeddings": 1_048_576,
    "mhc": True,
    "hc_mult": 4,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 256,
    "qk_rope_head_dim": 0,
    "v_head_dim": 256,
    "index_n_heads": 32,
    "index_head_dim": 128,
    "index_kpool": 4,
    "num_nextn_predict_layers": 1,
    "layer_types": ["deepseek_sparse_attention" if i % 4 == 3 else "linear_attention" for i in range(45)],
    "mlp_layer_types": ["dense"] * 3 + ["sparse"] * 42,
    "linear_attn_config": {"num_heads": 64, "head_dim": 128, "short_conv_kernel_size": 4},
}
VISION = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_heads": 16,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
    "in_channels": 3,
    "out_hidden_size": 4096,
    "projection_intermediate_size": 10_240,
}
LEFT_OUT = ("layer_types", "mlp_layer_types", "linear_attn_config", "mhc")


def config(without: tuple[str, ...] = (), **differs: Any) -> dict[str, Any]:
    text = {key: value for key, value in {**TEXT, **differs}.items() if key not in without}
    return {
        "architectures": ["Glm5NextForConditionalGeneration"],
        "model_type": "glm5_next",
        "dtype": "bfloat16",
        "tie_word_embeddings": False,
        "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
        "text_config": text,
        "vision_config": VISION,
    }


def read(without: tuple[str, ...] = (), **differs: Any) -> Any:
    return card_from_config(config(without, **differs), name="GLM-5.3-Flash", source="x")


def test_it_is_counted_as_the_hub_counts_it() -> None:
    inventory = build_inventory(read())
    ahead = sum(t.parameters for t in inventory.mtp)
    corrections = 43 * 288
    assert inventory.total_parameters + ahead + corrections == 321_323_031_390


#: What the files have in blocks of float8 beside experts and dense layers, and what in float32; all else is bfloat16.
IN_FLOAT8 = ("q_a_proj.weight", "kv_a_proj_with_mqa.weight", "q_b_proj.weight", "indexer.wq_b.weight")
IN_FLOAT32 = ("hc_", "A_log", "k_norm", "weights_proj", "e_score_correction_bias", "self_attn.o_norm")


def file_bytes(t: Tensor) -> int:
    feed_forward = "mlp." in t.name and ".gate." not in t.name and t.part != "tower"
    latent_output = t.name.endswith("o_proj.weight") and t.shape == (4096, 64 * 256)
    if feed_forward or latent_output or t.name.endswith(IN_FLOAT8):
        fmt = "float8-block"
    else:
        fmt = "float32" if any(name in t.name for name in IN_FLOAT32) else "bfloat16"
    return storage_bytes(t.shape, fmt) * t.copies


def test_its_bytes_are_those_of_its_files() -> None:
    # metadata.total_size of the release's index; one projection of 2 MB more is in bfloat16 than is known here.
    inventory = build_inventory(read())
    found = sum(file_bytes(t) * n for t, n in inventory.everything()) + sum(map(file_bytes, inventory.mtp))
    assert found == pytest.approx(328_326_771_576, rel=1e-5)


def test_it_is_the_card_of_the_catalogue() -> None:
    found, kept = read(), catalogue().models.get("glm-5.3-flash")
    assert found.architecture == kept.architecture
    assert found.weights == kept.weights


def test_layers_are_those_of_the_release() -> None:
    names = read().architecture.layer_names
    assert [i for i, name in enumerate(names) if name == "sparse"] == list(range(3, 45, 4))
    assert names[:4] == ("delta-dense", "delta-dense", "delta-dense", "sparse")


def test_what_transformers_writes_is_read_alike() -> None:
    said = {"linear_num_heads": 64, "linear_head_dim": 128, "linear_conv_kernel_dim": 4}
    assert read(LEFT_OUT, **said).architecture == read().architecture
    indexed = ["indexed_attention" if "sparse" in kind else kind for kind in TEXT["layer_types"]]
    assert read(layer_types=indexed).architecture == read().architecture


def test_attention_stays_in_bfloat16_but_for_the_indexers_queries() -> None:
    found = read()
    mixers = [pattern for rule in found.weights.rules for pattern in rule.tensors if ".self_attn." in pattern]
    assert mixers == ["layers.sparse.self_attn.indexer.wq_b.weight"]
    blocks = found.architecture.blocks
    assert isinstance(blocks["delta"].mixer, KimiDeltaAttention)
    sparse = blocks["sparse"].mixer
    assert isinstance(sparse, LatentAttention)
    assert sparse.indexer is not None
    assert sparse.indexer.tokens_per_key == 4
    assert not blocks["ahead"].extra


@pytest.mark.parametrize(
    "differs",
    [
        {"qk_rope_head_dim": 64},
        {"index_kpool": 1},
        {"indexer_types": ["full"] * 44 + ["shared"]},
        {"layer_types": ["sliding_attention"] * 45},
        {"attention_bias": True},
    ],
)
def test_what_the_engine_does_not_build_is_refused(differs: dict[str, Any]) -> None:
    with pytest.raises(CardError, match=next(iter(differs))):
        read(**differs)


def test_a_text_model_has_no_tower() -> None:
    raw = config()
    del raw["vision_config"]
    assert not card_from_config(raw, name="x", source="x").architecture.towers
