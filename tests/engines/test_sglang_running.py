"""How many requests SGLang runs at once: by its pool of tokens where it is not told."""

from __future__ import annotations

import pytest

from gpu_sizer.api import load_gpu, load_model
from gpu_sizer.engines.sglang.running import told_by_users
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.request import make_request

#: Layout, context, users and what is told; requests at once of one replica. An H100 beside Llama 3.1 8B holds some
#: 430,000 tokens: of 131,072 each fewer than four requests, of 8,192 more than eight.
ASKED = [
    (Layout(), 131_072, 1, None, 2048),
    (Layout(), 8192, 1, None, 4096),
    (Layout(), 16, 3000, None, 4096),
    (Layout(), 16, 6000, None, 6000),
    (Layout(), 8192, 1, 64, 64),
    (Layout(data_parallel_size=2), 8192, 2, 64, 64),
]


@pytest.mark.parametrize(("layout", "context", "users", "told", "at_once"), ASKED)
def test_requests_at_once_hang_on_the_pool(
    layout: Layout, context: int, users: int, told: int | None, at_once: int
) -> None:
    request = make_request(
        load_model("llama-3.1-8b"),
        load_gpu("h100-80gb"),
        engine="sglang",
        context=context,
        users=users,
        max_num_seqs=told,
    )
    assert fit(request, layout).settings.max_num_seqs == at_once


def test_between_its_ends_the_limit_is_a_share_of_the_requests_that_the_pool_holds() -> None:
    request = make_request(load_model("llama-3.1-8b"), load_gpu("h100-80gb"), engine="sglang", context=80_000)
    found = fit(request, Layout())
    assert found.settings.max_num_seqs == int(found.memory.kv_cache_tokens / 80_000 * 512)
    assert 2048 < found.settings.max_num_seqs < 4096


def test_attention_replicas_share_what_is_told() -> None:
    request = make_request(
        load_model("deepseek-v3"), load_gpu("h200"), engine="sglang", context=4096, users=64, max_num_seqs=64
    )
    assert fit(request, Layout(data_parallel_size=8, expert_parallel=True)).settings.max_num_seqs == 8


@pytest.mark.parametrize("users", [100, 3000])
def test_more_users_than_it_surely_takes_have_to_be_told(users: int) -> None:
    request = make_request(load_model("llama-3.1-8b"), load_gpu("h100-80gb"), engine="sglang", context=16, users=users)
    assert told_by_users(fit(request, Layout()).settings, 1) == (users if users > 2048 else None)
