"""``quantization_config`` as released: which format each module has, or a clear refusal."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import CardError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory

SHAPE = {
    "model_type": "qwen3_moe",
    "torch_dtype": "bfloat16",
    "hidden_size": 256,
    "intermediate_size": 512,
    "moe_intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "vocab_size": 1024,
    "mlp_only_layers": [0],
}


def group(**weights: Any) -> dict[str, Any]:
    targets = weights.pop("targets", ["Linear"])
    return {"targets": targets, "weights": {"symmetric": True, **weights}, "input_activations": {"num_bits": 8}}


def packed(*groups: dict[str, Any], form: str = "", ignore: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "config_groups": {f"group_{i}": g for i, g in enumerate(groups)},
        "ignore": list(ignore),
    }


def mixed(odd: str = "") -> dict[str, Any]:
    """modelopt's mixed precision, as of Nemotron 3.5 Lightning; ``odd`` is an expert of another type."""
    listed = {
        f"model.layers.{layer}.{module}": {"quant_algo": "FP8" if "attn" in module or module == odd else "W4A16_NVFP4"}
        for layer in range(SHAPE["num_hidden_layers"])
        for module in (
            *(f"self_attn.{name}_proj" for name in "qkvo"),
            *(f"mlp.experts.{n}.{name}_proj" for n in range(SHAPE["num_experts"]) for name in ("gate", "up", "down")),
        )
    }
    return {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": listed}


def formats(quantization: dict[str, Any], layer: int = 1) -> dict[str, str]:
    inventory = build_inventory(card_from_config({**SHAPE, "quantization_config": quantization}, name="x", source="x"))
    block = inventory.blocks[inventory.layer_names[layer]]
    return {t.name.split(".")[-2]: t.fmt for t in block if t.is_linear}


BLOCK = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}


@pytest.mark.parametrize(
    ("quantization", "attention", "experts"),
    [
        pytest.param(BLOCK, "float8-block", "float8-block", id="fp8 in blocks"),
        pytest.param(
            {"quant_method": "fp8", "activation_scheme": "static"}, "float8-tensor", "float8-tensor", id="fp8"
        ),
        pytest.param(
            {**BLOCK, "modules_to_not_convert": ["model.layers.1.self_attn"]},
            "bfloat16",
            "float8-block",
            id="a module left out",
        ),
        pytest.param(
            {"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]},
            "float8-channel",
            "float8-channel",
            id="fbgemm",
        ),
        pytest.param(
            packed(group(num_bits=8, type="float", strategy="channel"), form="float-quantized", ignore=("lm_head",)),
            "float8-channel",
            "float8-channel",
            id="float8 per channel",
        ),
        pytest.param(
            packed(group(num_bits=8, type="float", strategy="block", block_structure=[128, 128])),
            "float8-block",
            "float8-block",
            id="float8 in blocks, packed",
        ),
        pytest.param(
            packed(group(num_bits=8, type="int", strategy="channel"), form="int-quantized"),
            "int8-channel",
            "int8-channel",
            id="w8a8",
        ),
        pytest.param(
            packed(group(num_bits=4, type="int", strategy="group", group_size=128), ignore=("re:.*self_attn.*",)),
            "bfloat16",
            "int4-group128",
            id="w4a16 with an expression",
        ),
        pytest.param(
            packed(group(num_bits=4, type="float", group_size=16), form="nvfp4-pack-quantized"),
            "nvfp4",
            "nvfp4",
            id="nvfp4",
        ),
        pytest.param(
            packed(
                group(num_bits=8, type="float", strategy="channel"),
                group(num_bits=4, type="float", group_size=16, targets=["re:.*experts.*"]),
            ),
            "float8-channel",
            "nvfp4",
            id="two groups, the named one first",
        ),
        pytest.param(
            packed(group(num_bits=4, type="float", group_size=16, targets=["re:.*experts.*"])),
            "bfloat16",
            "nvfp4",
            id="experts alone are targeted",
        ),
        pytest.param({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", "nvfp4", id="modelopt nvfp4"),
        pytest.param(
            {"quant_method": "modelopt", "quant_algo": "FP8", "exclude_modules": ["*self_attn*"]},
            "bfloat16",
            "float8-tensor",
            id="modelopt fp8 with a wildcard",
        ),
        pytest.param(
            {"quant_method": "modelopt", "quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"},
            "float8-channel",
            "float8-channel",
            id="modelopt per channel",
        ),
        pytest.param(mixed(), "float8-tensor", "nvfp4", id="modelopt with experts listed one by one"),
        pytest.param({"quant_method": "mxfp4"}, "bfloat16", "mxfp4", id="mxfp4 is of experts"),
    ],
)
def test_each_module_has_its_released_format(quantization: dict[str, Any], attention: str, experts: str) -> None:
    found = formats(quantization)
    assert (found["q_proj"], found["down_proj"]) == (attention, experts)


def test_one_layer_that_differs_is_a_block_of_its_own() -> None:
    quantization = {**BLOCK, "modules_to_not_convert": ["model.layers.2.mlp.experts"]}
    assert formats(quantization, 1)["down_proj"] == formats(quantization, 3)["down_proj"] == "float8-block"
    assert formats(quantization, 2)["down_proj"] == "bfloat16"
    assert formats(quantization, 2)["q_proj"] == "float8-block"


@pytest.mark.parametrize(
    ("quantization", "reason"),
    [
        *(
            pytest.param({"quant_method": m}, "import the model that it was made from", id=m)
            for m in ("awq", "gptq", "bitsandbytes", "hqq", "quark", "torchao")
        ),
        pytest.param({"quant_method": "fp8", "weight_block_size": [64, 64]}, "128 x 128", id="other blocks"),
        pytest.param(packed(group(num_bits=3, type="int")), "3 bits", id="three bits"),
        pytest.param(
            packed(group(num_bits=4, type="int", group_size=128, symmetric=False)), "zero points", id="asymmetric"
        ),
        pytest.param(packed(group(num_bits=8, type="int", group_size=128)), "8 bits", id="w8a16 in groups"),
        pytest.param({"quant_method": "modelopt", "quant_algo": "W9"}, "as configured", id="an unknown algorithm"),
        pytest.param({"quant_method": 7}, "as configured", id="a number"),
        pytest.param(mixed("mlp.experts.2.up_proj"), "another type than its sisters", id="an expert unlike the others"),
        pytest.param({**BLOCK, "modules_to_not_convert": ["re:(a+)+$"]}, "too involved", id="a runaway expression"),
        pytest.param({**BLOCK, "modules_to_not_convert": ["re:(("]}, "no regular expression", id="no expression"),
        pytest.param(
            {**BLOCK, "modules_to_not_convert": [f"m.{i}" for i in range(20_001)]}, "20,000", id="a list without end"
        ),
    ],
)
def test_what_is_not_known_is_refused_in_words(quantization: dict[str, Any], reason: str) -> None:
    with pytest.raises(CardError, match=reason):
        formats(quantization)
