"""vLLM on GPUs that share the machine's memory: starts on one and on two DGX Sparks, none of them fitted on."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate

#: eugr/spark-vllm-docker#396: two machines, a release with groups of 32, whose cache is 23.25 GiB a request.
MINIMAX = {"model": "minimax-m2.7", "context": 196_608, "engine": "vllm@0.29", "weights_dtype": "int4-group32"}
#: bjk110/spark_vllm_docker@c99e673a, docs/step3.7-flash-tp2.md: 0.22.1 with a patch that registers the class.
STEP = {"model": "step-3.7-flash-fp8", "context": 32_768, "engine": "vllm@0.22.1.dev0", "enforce_eager": True}


@pytest.mark.parametrize(
    ("load", "started", "verdicts"),
    [
        ({**MINIMAX, "gpu_memory_utilization": 0.8}, False, ("tight", "does_not_fit")),
        ({**MINIMAX, "gpu_memory_utilization": 0.85}, True, ("fits", "tight")),
        (
            {**STEP, "gpu_memory_utilization": 0.85, "max_num_batched_tokens": 16384, "max_num_seqs": 4},
            False,
            ("does_not_fit",),
        ),
        (
            {**STEP, "gpu_memory_utilization": 0.87, "max_num_batched_tokens": 2048, "max_num_seqs": 1},
            True,
            ("fits", "tight"),
        ),
    ],
)
def test_two_machines_take_more_than_one(load: dict[str, Any], started: bool, verdicts: tuple[str, ...]) -> None:
    load = dict(load)
    found = estimate(load.pop("model"), gpu="dgx-spark", tensor_parallel_size=2, **load)
    assert found.verdict in verdicts, (started, found.verdict)


def test_a_release_whose_experts_alone_are_quantized_loads_what_its_log_prints() -> None:
    """58.58 GiB on each of two (docs/benchmarks/step37-v022-long-context-validation.md, as above)."""
    load = {**STEP, "model": "stepfun-ai/Step-3.7-Flash-NVFP4", "expert_parallel": True}
    found = estimate(load.pop("model"), gpu="dgx-spark", tensor_parallel_size=2, **load)
    assert found.per_gpu.weights_bytes / 2**30 == pytest.approx(58.58, rel=0.01)
