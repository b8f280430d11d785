"""A count that keeps the parallel sizes told is the smallest that fits with them."""

from __future__ import annotations

import pytest

from gpu_sizer import ask, estimate
from gpu_sizer.api import request
from gpu_sizer.planning.planned import plan
from gpu_sizer.planning.told_sizes import ToldSizes, smallest_with


@pytest.mark.parametrize(
    "told", [ToldSizes(tensor=8), ToldSizes(pipeline=2), ToldSizes(data=2), ToldSizes(tensor=4, pipeline=4)], ids=str
)
def test_the_sizes_are_kept_and_one_step_less_does_not_fit(told: ToldSizes) -> None:
    found = smallest_with(request("llama-3.1-405b", "h100-80gb", max_gpus=64), told)
    layout = found.layout
    assert found.fits
    assert layout is not None
    assert told.tensor in (None, layout.tensor_parallel_size)
    assert told.pipeline in (None, layout.pipeline_parallel_size)
    assert told.data == layout.data_parallel_size
    fewest = plan(request("llama-3.1-405b", "h100-80gb"), details=False).gpu_count
    assert fewest is not None
    assert found.gpu_count is not None
    assert found.gpu_count >= fewest
    for fewer in range(1, found.gpu_count):
        for smaller in told.layouts(fewer):
            again = estimate(
                "llama-3.1-405b",
                gpu="h100-80gb",
                tensor_parallel_size=smaller.tensor_parallel_size,
                pipeline_parallel_size=smaller.pipeline_parallel_size,
                data_parallel_size=smaller.data_parallel_size,
            )
            assert again.verdict == "does_not_fit"


def test_a_layout_that_never_fits_says_why() -> None:
    found = smallest_with(request("mixtral-8x7b", "rtx-a6000"), ToldSizes(tensor=3))
    assert not found.fits
    assert found.reason is not None
    assert "do not divide by 3" in found.reason


def test_replicas_in_words() -> None:
    one = ask("how many h100 for llama 3.1 70b").model_dump()
    two = ask("how many h100 for llama 3.1 70b with 2 replicas").model_dump()
    assert two["gpu_count"] == 2 * one["gpu_count"]
    assert two["layout"]["data_parallel_size"] == 2
