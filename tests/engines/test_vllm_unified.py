"""vLLM on GPUs that share the machine's memory: starts on one and on two DGX Sparks, none of them fitted on."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer import estimate

#: eugr/spark-vllm-docker#396: two machines, a release with groups of 32, whose cache is 23.25 GiB a request.
MINIMAX = {"model": "minimax-m2.7", "context": 196_608, "engine": "vllm@0.29", "weights_dtype": "int4-group32"}
#: bjk110/spark_vllm_docker@c99e673a, docs/step3.7-flash-tp2.md.
STEP = {"model": "step-3.7-flash-fp8", "context": 32_768, "engine": "vllm@0.22.1", "enforce_eager": True}


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
