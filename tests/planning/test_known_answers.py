"""Counts that were computed twice, independently, with at least 1 GiB of margin under old and new constants."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import size

#: model, gpu, options, acceptable counts, acceptable counts with tensor parallelism alone
KNOWN: list[tuple[str, str, dict[str, Any], set[int], set[int]]] = [
    ("mixtral-8x7b", "rtx-a6000", {}, {3}, {4}),
    ("mixtral-8x7b", "h100-80gb", {}, {2}, {2}),
    ("llama-3-8b", "rtx-a6000", {}, {1}, {1}),
    ("llama-3-70b", "rtx-a6000", {}, {4}, {4}),
    ("llama-3-70b", "a100-80gb", {}, {2}, {2}),
    ("llama-3-70b", "l40s", {}, {4}, {4}),
    ("llama-3.1-405b", "h100-80gb", {"context": 8192}, {12}, {16}),
    ("qwen2.5-72b", "h100-80gb", {"context": 32768}, {3}, {4}),
    ("qwen3-30b-a3b", "rtx-a6000", {}, {2}, {2}),
    ("gemma-3-27b", "h100-80gb", {}, {1, 2}, {1, 2}),
    ("gemma-3-27b", "h100-80gb", {"context": 32768}, {1}, {1}),
    ("gemma-3-27b", "rtx-a6000", {}, {2}, {2}),
    ("gpt-oss-120b", "h200", {}, {1}, {1}),
    ("deepseek-v3", "h200", {}, {6, 7, 8}, {8}),
    ("mistral-7b-v0.1", "t4", {}, {2}, {2}),
    ("llama-3-8b", "l4", {}, {1}, {1}),
]


@pytest.mark.parametrize(
    ("model", "gpu", "options", "counts", "tensor"), KNOWN, ids=lambda v: v if isinstance(v, str) else ""
)
def test_known_answer(model: str, gpu: str, options: dict[str, Any], counts: set[int], tensor: set[int]) -> None:
    assert size(model, gpu=gpu, **options).gpu_count in counts
    assert size(model, gpu=gpu, layouts="tensor", **options).gpu_count in tensor


def test_the_question_that_began_it() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    assert plan.gpu_count == plan.safe_gpu_count == plan.memory_floor == 3
    assert plan.layout is not None
    assert plan.layout.pipeline_parallel_size == 3
    assert [a.gpu_count for a in plan.alternatives if a.kind == "tensor parallel only"] == [4]
    assert {r.gpu_count for r in plan.rejections} == {1, 2}


def test_405b_on_a100_goes_over_nodes_with_reasons() -> None:
    plan = size("llama-3.1-405b", gpu="a100-80gb")
    assert plan.fits
    assert plan.gpu_count is not None
    assert plan.gpu_count > 8
    assert all(r.reason for r in plan.rejections)


def test_gpt_oss_counts_mxfp4_as_released_and_bfloat16_on_request() -> None:
    # At its full 131,072 tokens one H100 lacks the cache, as in vllm-project/vllm#27508.
    released = size("gpt-oss-120b", gpu="h100", context=32_768)
    asked = size("gpt-oss-120b", gpu="h100", context=32_768, weights_dtype="bfloat16")
    assert released.weights_format == "mxfp4"
    assert asked.weights_format == "bfloat16"
    assert released.gpu_count == 1
    assert asked.gpu_count is not None
    assert asked.gpu_count >= 4


def test_gemma_3_at_full_context_has_its_windows() -> None:
    plan = size("gemma-3-27b", gpu="h100", context=131_072)
    per_gpu = plan.per_gpu
    assert per_gpu is not None
    assert plan.layout is not None
    # 62 layers of the whole context would take 62 GiB; ten full layers and windows take under 20.
    assert per_gpu.kv_cache_bytes * plan.layout.tensor_parallel_size < 20 * 2**30
