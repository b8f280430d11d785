"""Qwen3.8 Flash Next: streams, averaged index keys and a table of n-grams, against the checkpoints' own sums."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import CardError
from gpu_sizer.importers.families.qwen4_exp import table_rows
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.stream_convolution import StreamConvolution
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.units import GIB, ceil_div

#: The release's values, as mtplx 2.12.2 on PyPI has them (models/qwen4_exp.py: TextArgs).
TEXT: dict[str, Any] = {
    "model_type": "qwen4_exp_text",
    "vocab_size": 248_320,
    "hidden_size": 2560,
    "num_hidden_layers": 48,
    "full_attention_interval": 4,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "attention_bias": False,
    "max_position_embeddings": 262_144,
    "mamba_ssm_dtype": "float32",
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 48,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
    "num_experts": 512,
    "num_experts_per_tok": 10,
    "moe_intermediate_size": 640,
    "shared_expert_intermediate_size": 640,
    "hc_count": 4,
    "hc_lowrank": 320,
    "indexer_n_heads": 4,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 128,
    "indexer_budget": 2048,
    "indexer_compress_ratio": 4,
    "ple_layer_ids": [2],
    "ple_embed_dim": 2560,
    "ple_conv_kernel_size": 4,
    "ngram_size": 3,
    "heads_per_ngram": 8,
    "ngram_vocab_size_base": 20_000_000,
    "make_ngram_vocab_size_divisible_by": 128,
    "mtp_num_hidden_layers": 1,
}
FLOAT8 = {
    "quant_method": "fp8",
    "weight_block_size": [128, 128],
    "modules_to_not_convert": ["lm_head", "linear_attn", "self_attn", "mlp.shared_experts", "key_proj", "value_proj"],
}


def read(quantization: dict[str, Any] | None = None, **differs: Any) -> Any:
    raw: dict[str, Any] = {
        "architectures": ["Qwen4ExpForConditionalGeneration"],
        "model_type": "qwen4_exp",
        "dtype": "bfloat16",
        "text_config": {**TEXT, **differs},
        "vision_config": {"depth": 27, "hidden_size": 1152, "out_hidden_size": 2560},
    }
    if quantization:
        raw["quantization_config"] = quantization
    return card_from_config(raw, name="Qwen3.8-Flash-Next", source="x")


def test_it_is_counted_as_the_hub_counts_it() -> None:
    inventory = build_inventory(read())
    # "BF16": 179999981424 and 35 int64, which are the numbers of the table's hashes.
    assert inventory.total_parameters + sum(t.parameters for t in inventory.mtp) == 179_999_981_424


def checkpoint_bytes(t: Tensor) -> int:
    """Bytes in the float8 release's files: experts with a float32 scale a block, the table with one."""
    if t.is_expert:
        blocks = ceil_div(t.shape[0], 128) * ceil_div(t.shape[1], 128)
        return t.parameters + 4 * blocks * t.copies
    return t.parameters + 4 if t.on_host else 2 * t.parameters


def test_the_float8_release_has_the_bytes_that_a_start_up_printed() -> None:
    """ "Checkpoint size: 172.78 GiB", and no linear layer in float8: the log that the card names."""
    inventory = build_inventory(read(FLOAT8))
    held = {t.fmt for tensors in inventory.blocks.values() for t in tensors if not t.is_expert and not t.on_host}
    assert held == {"bfloat16", "float32"}
    assert {t.fmt for tensors in inventory.blocks.values() for t in tensors if t.is_expert} == {"float8-block"}
    stored = sum(checkpoint_bytes(t) * n for t, n in inventory.everything())
    stored += sum(checkpoint_bytes(t) for t in inventory.mtp)
    assert round(stored / GIB, 2) == 172.78


@pytest.mark.parametrize(("identity", "quantization"), [("", None), ("-fp8", FLOAT8)])
def test_the_cards_are_what_the_configuration_says(identity: str, quantization: dict[str, Any] | None) -> None:
    card, found = catalogue().models.get(f"qwen3.8-flash-next{identity}"), read(quantization)
    assert card.architecture == found.architecture
    assert card.weights == found.weights
    assert card.engine_class == found.engine_class


def test_the_table_has_a_prime_of_rows_for_each_hash() -> None:
    # 11 + 13 + 17, padded to 16; the next table goes on with 19 + 23 + 29.
    assert table_rows(10, 3, 0, 16) == 48
    assert table_rows(10, 3, 1, 1) == 71
    assert build_inventory(read()).host_bytes == 2 * 160 * 320_001_536


def test_layers_are_as_listed() -> None:
    a = read().architecture
    assert a.layer_names[:5] == ("delta", "delta-ngrams-1", "delta", "sparse", "delta")
    assert isinstance(a.blocks["delta-ngrams-1"].second_mixer, StreamConvolution)
    sparse = a.blocks["sparse"].mixer
    assert isinstance(sparse, Attention)
    assert sparse.indexer is not None
    assert sparse.indexer.tokens_per_key == 4


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"ple_layer_ids": [4]}, "before layers of the delta rule alone, not 4"),
        ({"ple_layer_ids": [49]}, "not 49"),
        ({"indexer_kv_heads": 2}, "one index key alone"),
        ({"attention_bias": True}, "no such biases"),
        ({"ngram_size": 1}, "tables of 0 hashes"),
        ({"ngram_vocab_size_base": 10**12}, "from 1 to 1,000,000,000"),
    ],
)
def test_what_engines_do_not_know_is_refused(differs: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        read(**differs)


def test_neither_tables_nor_drafts_are_needed() -> None:
    # A rank whose rows with the streams' are whole sixteens already needs no padding.
    a = read(ple_layer_ids=None, mtp_num_hidden_layers=0, hc_lowrank=316).architecture
    assert set(a.layer_names) == {"delta", "sparse"}
    assert a.mtp is None
    assert all(t.parameter for block in a.blocks.values() for t in block.extra)
