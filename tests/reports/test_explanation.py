"""What ``explain`` says of a cache, against what the engine's own rule gives for longer requests."""

from __future__ import annotations

import re

import pytest

from gpu_sizer import load_gpu, load_model
from gpu_sizer.engines.registry import engine
from gpu_sizer.load import Load
from gpu_sizer.memory.layout import Layout
from gpu_sizer.model.inventory import build_inventory
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


def test_parts_add_up_to_the_checkpoint() -> None:
    """The tower that the parameters leave out is a part of the weights; what predicts ahead stands beside them."""
    card = load_model("qwen3.5-9b")
    lines = list(explain_model(card))
    assert lines[0].startswith("Qwen3.5 9B: 8,953,803,264 parameters")
    assert lines[2] == (
        "  9,653,104,368 in the checkpoint, 456,010,480 of its tower and 243,290,624 of layers that predict ahead "
        "beside these"
    )
    assert any(line.split()[:4] == ["in", "all", "9,409,813,744", "17.5"] for line in lines)
    assert build_inventory(card).checkpoint_parameters == 9_409_813_744 + 243_290_624
