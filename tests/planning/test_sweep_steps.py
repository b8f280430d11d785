"""Steps found by sweeps are those that one search after another finds."""

from __future__ import annotations

import pytest

from gpu_sizer.api import request
from gpu_sizer.planning.breakpoints import context_steps
from gpu_sizer.planning.sweep_steps import context_steps_by_users


@pytest.mark.parametrize(
    ("model", "gpu", "most_gpus"),
    [("command-r", "a6000", 6), ("llama-3-8b", "l4", 64), ("jamba-v0.1", "a6000", 8), ("gpt-oss-20b", "l4", 8)],
)
def test_steps_are_those_of_one_search_after_another(model: str, gpu: str, most_gpus: int) -> None:
    asked = request(model, gpu, max_gpus=most_gpus)
    found = context_steps_by_users(asked, (16, 1), 64)
    assert set(found) == {1, 16}
    for users, steps in found.items():
        assert steps == context_steps(asked.under(users=users), 64)


def test_a_list_ends_where_asked() -> None:
    asked = request("command-r", "a6000", max_gpus=6)
    whole, cut = (context_steps_by_users(asked, (4,), most)[4] for most in (64, 2))
    assert cut == whole[:2]
    assert context_steps_by_users(request("llama-3.1-405b", "t4", max_gpus=2), (1,), 8) == {1: ()}
