"""Names that add a weight format to a model that is known."""

from __future__ import annotations

from math import prod

import pytest

from gpu_sizer import estimate, load_model
from gpu_sizer.cards.rereleases import base_and_format
from gpu_sizer.errors import UnknownModelError
from gpu_sizer.memory.weights import MATRIX
from gpu_sizer.model.inventory import build_inventory


@pytest.mark.parametrize(
    ("name", "base", "fmt"),
    [
        ("RedHatAI/Qwen3-32B-FP8-dynamic", "RedHatAI/Qwen3-32B", "float8-channel"),
        ("somebody/Mixtral-8x7B-v0.1-FP8", "somebody/Mixtral-8x7B-v0.1", "float8-tensor"),
        ("x/Llama-3.1-70B-Instruct-FP8-KV", "x/Llama-3.1-70B-Instruct", "float8-tensor"),
        ("x/Y-NVFP4", "x/Y", "nvfp4"),
        ("RadixArk/Qwen3.8-27B-NVFP4-BF16-LMHead", "RadixArk/Qwen3.8-27B", "nvfp4"),
        ("lued/Qwen3.8-27B-INT8-W8A16-MTP", "lued/Qwen3.8-27B", "int8-channel"),
        ("goldhub/Qwen3.8-27B-BF16-INT4-W4A16-G32-AutoRound", "goldhub/Qwen3.8-27B", "int4-group32"),
        ("x/Y-W4A16-MTP", "x/Y", "int4-group128"),
        ("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B", "int4-group128"),
        ("Qwen/Qwen3.5-27B-GPTQ-Int4", "Qwen/Qwen3.5-27B", "int4-group128"),
        (
            "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
            "hugging-quants/Meta-Llama-3.1-8B-Instruct",
            "int4-group128",
        ),
        ("RedHatAI/Llama-3.2-1B-Instruct-quantized.w4a16", "RedHatAI/Llama-3.2-1B-Instruct", "int4-group128"),
        ("Intel/Qwen3.8-27B-int4-AutoRound", "Intel/Qwen3.8-27B", "int4-group128"),
        ("x/Y-4bit-GPTQ", "x/Y", "int4-group128"),
        # Counts of what their repositories store are those of a scale for each 32 weights.
        ("cyankiwi/MiniMax-M2.7-AWQ-4bit", "cyankiwi/MiniMax-M2.7", "int4-group32"),
        ("cyankiwi/Qwen3.6-27B-AWQ-INT4", "cyankiwi/Qwen3.6-27B", "int4-group32"),
        ("RedHatAI/Llama-3.2-1B-Instruct-quantized.w8a8", "RedHatAI/Llama-3.2-1B-Instruct", "int8-channel"),
    ],
)
def test_the_ending_says_the_format(name: str, base: str, fmt: str) -> None:
    assert base_and_format(name) == (base, fmt)


def test_a_rerelease_takes_half_and_says_what_was_assumed() -> None:
    plain = estimate("mixtral-8x7b", gpu="h100", tensor_parallel_size=2)
    scaled = estimate("somebody/Mixtral-8x7B-v0.1-FP8", gpu="h100", tensor_parallel_size=2)
    assert plain.per_gpu is not None
    assert scaled.per_gpu is not None
    assert scaled.per_gpu.weights_bytes == pytest.approx(plain.per_gpu.weights_bytes / 2, rel=0.02)
    assert any("read from the name" in warning for warning in scaled.warnings)


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("unsloth/gemma-4-12b-it-NVFP4", "float8"),
        ("unsloth/Qwen3.8-27B-NVFP4", "float8"),
        ("unsloth/Qwen3.8-27B-FP8", "bfloat16"),
        ("RedHatAI/gemma-4-26B-A4B-it-NVFP4", "bfloat16"),
    ],
)
def test_whose_releases_ask_for_a_cache_of_their_own(name: str, cache: str) -> None:
    assert load_model(name).weights.cache_dtype == cache


@pytest.mark.parametrize(
    ("name", "fmt"),
    [
        # Matrices of 2,112 and of 704 columns have no groups of 128.
        ("somebody/gemma-4-26B-A4B-it-AWQ", "int4-group32"),
        ("somebody/Qwen3-32B-AWQ", "int4-group128"),
    ],
)
def test_groups_divide_the_matrices(name: str, fmt: str) -> None:
    assert load_model(name).weights.rules[0].format == fmt


def test_the_catalogues_own_card_goes_first() -> None:
    card = load_model("Qwen/Qwen3-32B-FP8")
    assert card.verified
    assert not any("read from the name" in note for note in card.notes)


def test_a_name_that_says_again_what_the_weights_are_means_those() -> None:
    plain, said = load_model("deepseek-ai/DeepSeek-V3"), load_model("somebody/DeepSeek-V3-FP8")
    assert said.weights == plain.weights
    assert any("taken for DeepSeek-V3" in note for note in said.notes)
    with pytest.raises(UnknownModelError):
        load_model("somebody/DeepSeek-V3-MXFP4")


def test_a_format_of_nothing_known_is_unknown() -> None:
    with pytest.raises(UnknownModelError):
        load_model("nobody/nothing-like-this-FP8")


def test_a_release_has_its_own_name_and_length() -> None:
    card = load_model("Qwen/Qwen3-235B-A22B-Instruct-2507")
    assert card.id == "qwen3-235b-a22b"
    assert card.context.native == 262_144
    assert "2507" in card.name
    assert load_model("qwen3-235b-a22b").context.native == 40_960


def test_groups_of_32_are_those_that_a_repository_counts() -> None:
    """MiniMax-M2.7-AWQ-4bit stores 36,811,839,984 elements: words of eight weights, and a scale for each 32 of them."""
    inventory = build_inventory(load_model("minimax-m2.7"))
    layers = [t for name in inventory.layer_names for t in inventory.blocks[name]]
    linear = sum(prod(t.shape) * t.copies for t in layers if t.is_linear and len(t.shape) == MATRIX)
    stored = inventory.total_parameters - linear + linear // 8 + linear // 32
    assert stored == pytest.approx(36_811_839_984, rel=2e-3)
    assert inventory.total_parameters - linear + linear // 8 + linear // 128 < 0.87 * stored


@pytest.mark.parametrize(
    ("name", "gpu", "verdict"),
    [
        # 3.0 GiB are free, and its attention takes 3.2 GiB more in 16 bits.
        ("somebody/gemma-4-12B-it-NVFP4", "rtx-5070-ti", "tight"),
        ("somebody/gemma-4-12B-it-NVFP4", "rtx-5090", "fits"),
        # AWQ leaves no layer as it was.
        ("somebody/gemma-4-12B-it-AWQ", "rtx-5070-ti", "fits"),
    ],
)
def test_a_release_fits_only_beside_what_it_may_keep(name: str, gpu: str, verdict: str) -> None:
    fit = estimate(name, gpu=gpu, context=65536, max_num_seqs=16)
    assert fit.verdict == verdict
