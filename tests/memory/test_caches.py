"""What layers keep of a token or a request, by layer."""

from __future__ import annotations

import pytest

from gpu_sizer import load_model
from gpu_sizer.model.caches import CacheTypes


@pytest.mark.parametrize(
    ("model", "block", "tp", "state"),
    [
        # A matrix of 128 x 128 a head, in the model's own type (vLLM mamba_utils.py: linear_attention_state_dtype).
        ("minimax-m1", "linear", 1, 64 * 128 * 128 * 2),
        ("minimax-text-01", "linear", 8, 8 * 128 * 128 * 2),
    ],
)
def test_a_state_of_linear_attention(model: str, block: str, tp: int, state: int) -> None:
    found = load_model(model).architecture.blocks[block].caches(tp, CacheTypes("bfloat16", "bfloat16"))
    assert [c.state_bytes for c in found] == [state]
