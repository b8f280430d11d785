"""What vLLM's loading allocates beside the tensors of a checkpoint."""

from __future__ import annotations

import pytest

from gpu_sizer import estimate, load_model
from gpu_sizer.engines.vllm.loading import per_layer_bytes, rotary_bytes, shared_projection_bytes


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # 42 layers of 256 values, in two bytes each.
        ("gemma-4-e4b", 42 * 256 * 2),
        ("gemma-3n-e4b", 35 * 256 * 2),
        ("gemma-4-26b-a4b", 0),
    ],
)
def test_embeddings_of_each_layer_have_a_buffer_for_a_batch(model: str, expected: int) -> None:
    assert per_layer_bytes(load_model(model)) == expected


@pytest.mark.parametrize(
    ("block", "tp", "expected"),
    [
        # Two heads of 256 values, and the norm of keys.
        ("sliding-shared", 1, (2 * 2 * 256 * 2560 + 256) * 2),
        ("full-shared", 1, (2 * 2 * 512 * 2560 + 512) * 2),
        ("full-shared", 4, (2 * 1 * 512 * 2560 + 512) * 2),
        ("full", 1, 0),
    ],
)
def test_layers_that_share_a_cache_had_projections_of_their_own(block: str, tp: int, expected: int) -> None:
    mixer = load_model("gemma-4-e4b").architecture.blocks[block].mixer
    assert shared_projection_bytes(mixer, 2560, tp) == expected


def test_versions_from_0_32_on_do_without_those_projections() -> None:
    old, new = (
        estimate("gemma-4-e4b", gpu="a100-80gb", engine=f"vllm@{version}", max_num_batched_tokens=2048)
        for version in ("0.29", "0.32")
    )
    assert old.per_gpu is not None
    assert new.per_gpu is not None
    # 55,055,616 parameters: what the files hold beyond the model.
    assert old.per_gpu.loading_bytes - new.per_gpu.loading_bytes == 55_055_616 * 2


def test_models_that_transformers_classes_run_turn_without_a_table() -> None:
    """By the registries of the releases: Seed-OSS has a class of vLLM's own up to 0.31."""
    card = load_model("seed-oss-36b")
    assert rotary_bytes(card, "0.29") == 524288 * 128 * 2
    assert rotary_bytes(card, "0.32") == 0
    assert rotary_bytes(load_model("smollm3-3b"), "0.11") == 0
    assert rotary_bytes(load_model("llama-3-8b"), "0.33") > 0
