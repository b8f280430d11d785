"""Configurations that are no model's: each is refused with its file, its key and what would be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.importers.sources import import_source

CONFIGS = Path(__file__).parent.parent / "oracle" / "configs"
TINY = Path(__file__).parent / "tiny"
HUGE = 10**400


def config(name: str) -> dict[str, Any]:
    return json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8"))


def put(raw: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at a path; numbers are places in lists."""
    *steps, last = path.split(".")
    at: Any = raw
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    at[int(last) if isinstance(at, list) else last] = value


V3, V4, PRO = "deepseek-ai__DeepSeek-V3", "deepseek-ai__DeepSeek-V4-Flash", "deepseek-ai__DeepSeek-V4-Pro"
KIMI, GLM, NANO = "moonshotai__Kimi-K2.5", "zai-org__GLM-5", "nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"
QWEN, K26 = "Qwen__Qwen3-8B", "nvidia__Kimi-K2.6-NVFP4"


@pytest.mark.parametrize(
    ("name", "path", "value", "reason"),
    [
        (V3, "first_k_dense_replace", 9999, "first_k_dense_replace: must be from 0 to 61, not 9999"),
        (V3, "first_k_dense_replace", -9, "must be from 0 to 61, not -9"),
        (V3, "n_shared_experts", -3, "n_shared_experts: must be from 0 to 16,777,216, not -3"),
        (V3, "moe_layer_freq", -7, "moe_layer_freq: must be from 1"),
        (V3, "num_hidden_layers", 2049, "from 1 to 2,048"),
        (V3, "num_hidden_layers", "61", "must be a whole number, not '61'"),
        (V3, "num_hidden_layers", True, "must be a whole number, not True"),
        (V3, "hidden_size", HUGE, "not 1000"),
        (V3, "hidden_size", float("inf"), "must be a whole number, not inf"),
        (V3, "hidden_size", float("nan"), "must be a whole number, not nan"),
        (V3, "hidden_size", 7168.5, "must be a whole number, not 7168.5"),
        (V3, "vocab_size", 10**77, "vocab_size: must be from 1 to 16,777,216"),
        (V3, "num_nextn_predict_layers", 5000, "layers: must be at most 2,048"),
        (V3, "max_position_embeddings", 1 << 33, "from 1 to 4,294,967,296"),
        (V3, "torch_dtype", 0, "dtype: must be one of bfloat16"),
        (V4, "compress_ratios.7", -4, r"compress_ratios\[7\]: must be one of 0, 4, 128, not -4"),
        (V4, "compress_ratios.7", 3, "must be one of 0, 4, 128, not 3"),
        (V4, "compress_ratios.7", "4", "must be one of 0, 4, 128, not '4'"),
        (V4, "compress_ratios.7", "", "must be one of"),
        (V4, "compress_ratios.7", float("nan"), "must be one of"),
        (V4, "compress_ratios.7", 1e-300, "must be one of"),
        (V4, "compress_ratios.7", [1], "must be one of"),
        (V4, "compress_ratios.7", True, "must be one of"),
        (PRO, "compress_ratios.7", HUGE, "must be one of"),
        (V4, "compress_ratios", [4, 128], "compress_ratios: has 2 entries for 43 layers"),
        (V4, "compress_ratios", [4] * 60, "has 60 entries for 43 layers"),
        (V4, "compress_ratios", "4", "must be a list"),
        (KIMI, "vision_config.merge_kernel_size", [2], "vision_config: merge_kernel_size: must have 2 entries, not 1"),
        (KIMI, "vision_config.merge_kernel_size", [2**63, 2], r"merge_kernel_size\[0\]: must be from 1 to 64"),
        (KIMI, "vision_config.merge_kernel_size", [2, "2"], r"merge_kernel_size\[1\]: must be a whole number"),
        (QWEN, "layer_types", ["full_attention"] * 3, "layer_types: has 3 entries for 36 layers"),
        (QWEN, "layer_types", ["nonsense"] * 36, r"layer_types\[0\]: must be one of full_attention"),
        (GLM, "mlp_layer_types", ["sparse"] * 40 + [3] + ["sparse"] * 37, r"types\[40\]: must be one of dense"),
        (NANO, "moe_intermediate_size", -0.5, "moe_intermediate_size: must be a whole number, not -0.5"),
        (K26, "quantization_config.config_groups.group_0.weights.group_size", 16 * 10**9, "nvfp4 have 16 values"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_key(name: str, path: str, value: Any, reason: str) -> None:
    raw = config(name)
    put(raw, path, value)
    with pytest.raises(CardError, match=reason) as caught:
        card_from_config(raw, name="x", source="x")
    assert "config.json" in caught.value.file
    assert caught.value.key
    assert len(str(caught.value)) < 300


def test_what_the_sound_encoder_halves_must_halve() -> None:
    """A stride of one would never reach the factor."""
    from gpu_sizer.importers.config import Config
    from gpu_sizer.importers.families.nemotron_vl import _sound

    sizes = dict.fromkeys(
        ("hidden_size", "num_hidden_layers", "intermediate_size", "subsampling_conv_channels", "num_attention_heads"), 8
    )
    with pytest.raises(CardError, match="subsampling_conv_stride: must be at least 2"):
        _sound(Config({**sizes, "subsampling_conv_stride": 1}), 8)


def test_a_folder_without_its_shards_is_sized_from_its_configuration(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors.index.json"):
        (tmp_path / name).write_bytes((TINY / "llama-sharded" / name).read_bytes())
    card = import_source(str(tmp_path))
    whole = import_source(str(TINY / "llama-sharded"))
    assert card.architecture == whole.architecture
    assert "the shards of its index are not there" in card.notes[-1]


def test_a_card_made_of_a_configuration_is_one_that_can_be_read_back(tmp_path: Path) -> None:
    """A folder's name of any length and kind becomes an id and a name."""
    card = card_from_config(config(QWEN), name="x\x1b]0;y\x07" + "z" * 500, source="s" * 500)
    assert len(card.id) == 80
    assert card.name.isprintable()
