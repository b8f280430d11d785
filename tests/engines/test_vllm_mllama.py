"""Llama 3.2 Vision under vLLM, whose first generation alone serves it: what people reported of its starts."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate


@pytest.mark.parametrize(
    ("gpu", "load", "starts"),
    [
        # vllm-project/vllm#9445: out of memory with 256 sequences; 32 of them and no graphs start.
        ("a100-80gb", {"engine": "vllm@0.6.3", "context": 1024}, False),
        (
            "a100-80gb",
            {"engine": "vllm@0.6.3", "context": 1024, "max_num_seqs": 32, "enforce_eager": True},
            True,
        ),
        # vllm-project/vllm#10569: pixels of 256 images of four tiles.
        ("l20", {"engine": "vllm@0.6.3"}, False),
        # vllm-project/vllm#9630, of 0.8.1: "on H100. Strangely it works on H200".
        ("h100-80gb", {"engine": "vllm@0.8"}, False),
        ("h200", {"engine": "vllm@0.8"}, True),
    ],
)
def test_it_starts_where_it_was_reported_to(gpu: str, load: dict[str, Any], starts: bool) -> None:
    found = estimate("llama-3.2-11b-vision", gpu=gpu, **load)
    assert (found.verdict != "does_not_fit") == starts


def test_versions_with_a_second_generation_keep_the_first_ones_defaults_for_it() -> None:
    found = estimate("llama-3.2-11b-vision", gpu="h100-80gb", engine="vllm@0.10", context=65_536)
    assert (found.settings.max_num_seqs, found.settings.max_num_batched_tokens) == (256, 65_536)
    other = estimate("llama-3-8b", gpu="h100-80gb", engine="vllm@0.10", context=8192)
    assert other.settings.max_num_seqs != 256
