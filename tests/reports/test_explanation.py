"""What ``explain`` says of a cache, against what the engine's own rule gives for longer requests."""

from __future__ import annotations

import re

import pytest

from gpu_sizer import load_gpu, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.reports.explanation import explain_model

#: Lengths beside which a last block that is not full does not matter.
LENGTHS = (1 << 20, 1 << 21)


@pytest.mark.parametrize(
    "model",
    ["deepseek-v4-flash", "deepseek-v4-pro", "deepseek-v3.2", "gemma-3-27b", "llama-3-8b", "qwen3-next-80b-a3b"],
)
def test_the_bytes_of_a_token_are_what_longer_requests_take(model: str) -> None:
    card, gpu, vllm = load_model(model), load_gpu("h200"), engine("vllm")
    held = vllm.model(card)
    found = [vllm.evaluate(held, gpu, Layout(), Load(context=n)).per_gpu for n in LENGTHS]
    taken = [memory.kv_cache_bytes for memory in found if memory is not None]
    # What is told of windows alone ends at their length.
    lines = [line for line in explain_model(card) if "at most" not in line]
    told = sum(int(n.replace(",", "")) for line in lines for n in re.findall(r"([\d,]+) bytes a token", line))
    assert told == pytest.approx((taken[1] - taken[0]) / (LENGTHS[1] - LENGTHS[0]), rel=1e-3)
