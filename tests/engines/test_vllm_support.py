"""Models that a version of vLLM no longer loads, or does not split."""

from __future__ import annotations

import pytest

from gpu_sizer import estimate, size


@pytest.mark.parametrize(
    ("model", "gpu", "engine", "note"),
    [
        (
            "mpt-7b",
            "l40s",
            None,
            "vLLM 0.28.0 is the last version that loads MPTForCausalLM: plan with --engine vllm@0.28",
        ),
        ("mpt-7b", "l40s", "vllm@0.9", None),
        (
            "dots.llm1",
            "h200",
            None,
            "vLLM 0.23.0 is the last version that loads Dots1ForCausalLM: plan with --engine vllm@0.23",
        ),
        ("dots.llm1", "h200", "vllm@0.23", "vLLM 0.23.0 is the last version that loads Dots1ForCausalLM"),
        ("dots.llm1", "h200", "sglang", None),
        ("llama-3-8b", "l40s", None, None),
    ],
)
def test_the_last_version_is_told(model: str, gpu: str, engine: str | None, note: str | None) -> None:
    plan = size(model, gpu=gpu, **({"engine": engine} if engine else {}))
    assert [w for w in plan.warnings if "last version" in w] == ([note] if note else [])


def test_a_class_without_tensor_plan_is_not_split_by_tensors() -> None:
    found = estimate("starcoder-15b", gpu="l4", tensor_parallel_size=2)
    assert found.verdict == "does_not_fit"
    assert found.reason is not None
    assert "no tensor-parallel plan" in found.reason
    # Its native class, which split it, was dropped in 0.14.
    assert estimate("starcoder-15b", gpu="l4", tensor_parallel_size=2, engine="vllm@0.9").verdict == "fits"
    assert size("starcoder-15b", gpu="l4").layout.tensor_parallel_size == 1


def test_a_class_without_pipelines_is_not_split_into_stages() -> None:
    found = estimate("gemma-3n-e4b", gpu="l4", pipeline_parallel_size=2)
    assert found.verdict == "does_not_fit"
    assert found.reason is not None
    assert "does not support pipeline parallelism" in found.reason
    assert estimate("gemma-3n-e4b", gpu="l4", tensor_parallel_size=2).verdict == "fits"
