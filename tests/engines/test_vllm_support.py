"""Models that a version of vLLM no longer loads, or does not split."""

from __future__ import annotations

import pytest

from gpu_sizer import estimate, size


@pytest.mark.parametrize(
    ("model", "gpu", "engine", "profile", "note"),
    [
        ("mpt-7b", "l40s", None, "vllm@0.28", "vLLM 0.28.0 is the last version that loads MPTForCausalLM"),
        ("mpt-7b", "l40s", "vllm@0.28", "vllm@0.28", "vLLM 0.28.0 is the last version that loads MPTForCausalLM"),
        ("mpt-7b", "l40s", "vllm@0.9", "vllm@0.8", None),
        # Dropped from the registry after 0.23, and run by transformers' class since: built with 0.33.
        ("dots.llm1", "h200", None, "vllm@0.33", None),
        ("dots.llm1", "h200", "sglang", "sglang@0.5.23", None),
        ("llama-3-8b", "l40s", None, "vllm@0.33", None),
    ],
)
def test_without_a_version_the_newest_that_loads_the_model_is_planned_with(
    model: str, gpu: str, engine: str | None, profile: str, note: str | None
) -> None:
    plan = size(model, gpu=gpu, **({"engine": engine} if engine else {}))
    assert plan.model_dump()["engine_profile"] == profile
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
