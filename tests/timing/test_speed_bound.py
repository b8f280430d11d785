"""What rules layouts out without a look at them never rules out one that is fast enough."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer.api import load_gpu, load_model
from gpu_sizer.memory.layout import Layout, replica_of
from gpu_sizer.planning.prepared import known
from gpu_sizer.planning.replica import BEYOND
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.planning.speed_bound import MARGIN
from gpu_sizer.timing.band import REGIMES
from gpu_sizer.units import ceil_div

PLACES = [
    ("llama-3-8b", "l4", "vllm"),
    ("llama-3-70b", "h100-80gb", "vllm"),
    ("mixtral-8x7b", "a100-80gb", "tensorrt-llm"),
    ("qwen3-30b-a3b", "h100-80gb", "vllm"),
    ("deepseek-v3", "h200", "sglang"),
]


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, len(PLACES) - 1),
    count=st.integers(1, 32),
    users=st.sampled_from([1, 7, 64, 300, 2000]),
    each=st.sampled_from([None, 5.0, 30.0, 100.0]),
    in_all=st.sampled_from([None, 0.2, 3.0, 40.0]),
    prompt=st.sampled_from([16, 1024, 16384]),
)
def test_no_layout_reaches_more_than_its_bound(
    place: int, count: int, users: int, each: float | None, in_all: float | None, prompt: int
) -> None:
    if each is None and in_all is None:
        return
    model, gpu, engine = PLACES[place]
    request = make_request(
        load_model(model),
        load_gpu(gpu),
        engine=engine,
        users=users,
        prompt=prompt,
        answer=256,
        tokens_per_second=each,
        requests_per_second=in_all,
    )
    search = Search(request)
    rates = search.rates
    for layout in search.accepted(count, "any"):
        assert rates.reached(layout) <= rates.reached_at_most(layout) * (1 + MARGIN), layout.describe()
        assert rates.meets(layout) == bool(rates.meets_for(layout, float(users)))


@pytest.mark.parametrize(("model", "gpu", "engine"), PLACES)
def test_so_many_requests_at_once_are_the_fewest(model: str, gpu: str, engine: str) -> None:
    request = make_request(
        load_model(model), load_gpu(gpu), engine=engine, prompt=512, answer=256, requests_per_second=1.0
    )
    replica = known(request).speeds(request, 512, 256, sure=True).replica(Layout(8))
    for share in (1e-3, 0.1, 0.5, 0.9, 0.999, 1.0):
        wanted = share * replica.most_in_all
        found = replica.fewest_at_once(wanted)
        assert found is not None
        assert replica.gives(wanted)
        assert wanted <= replica.in_all(found)
        # One at least is served; where a regime begins, it may give more than the last of the regime before it.
        begins = {1.0, *(most * (1 + BEYOND) for _, most in REGIMES)}
        assert found in begins or replica.in_all(found) <= wanted * (1 + 2e-7)
    assert replica.fewest_at_once(1.001 * replica.most_in_all) is None
    assert not replica.gives(1.001 * replica.most_in_all)


@settings(max_examples=40, deadline=None)
@given(
    place=st.integers(0, len(PLACES) - 1),
    users=st.sampled_from([1, 7, 64, 300, 2000]),
    each=st.sampled_from([None, 5.0, 30.0, 100.0]),
    in_all=st.sampled_from([None, 0.2, 3.0, 40.0]),
    prompt=st.sampled_from([16, 1024, 16384]),
    kind=st.sampled_from(["any", "tensor", "pipeline"]),
    most=st.sampled_from([8, 32]),
)
def test_no_count_is_passed_over_whose_ranks_may_be_fast_enough(
    place: int, users: int, each: float | None, in_all: float | None, prompt: int, kind: str, most: int
) -> None:
    if each is None and in_all is None:
        return
    model, gpu, engine = PLACES[place]
    rates = {"tokens_per_second": each, "requests_per_second": in_all, "prompt": prompt, "answer": 256}
    request = make_request(load_model(model), load_gpu(gpu), engine=engine, users=users, max_gpus=most, **rates)
    search = Search(request)
    sizes = search.known.tensor_sizes(most, kind)
    for count in range(1, most + 1):
        ranks = search.known.ranks(count, kind, search.sharers)
        assert {tensor for tensor, _ in ranks} <= set(sizes)
        may = any(search.rates._bound.share(*each_of, count) >= 1 - MARGIN for each_of in ranks)
        assert search.rates.may_any_meet(count, kind, search.sharers) == may


CARRIED = [
    *(("llama-3-8b", "l4", "vllm"), ("gemma-3-12b", "a6000", "vllm"), ("nemotron-nano-9b-v2", "rtx-4090", "vllm")),
    *(("codellama-13b", "rtx-4090", "sglang"), ("gemma-3-12b", "a6000", "sglang"), ("gpt-oss-20b", "l4", "sglang")),
    *(("falcon3-mamba-7b", "l4", "sglang"), ("falcon-h1-3b", "rtx-4090", "sglang"), ("deepseek-v3", "h200", "sglang")),
    *(("qwen3-30b-a3b", "rtx-4090", "vllm"), ("mixtral-8x7b", "a100-80gb", "tensorrt-llm")),
    ("deepseek-v4-flash", "h200", "sglang"),
]
#: SGLang runs 256 requests of DeepSeek-V4 at once.
CARRIED_FOR = [(*place, users) for place in CARRIED for users in (3, 90, 1000) if "v4" not in place[0] or users <= 256]


@pytest.mark.parametrize(("model", "gpu", "engine", "users"), CARRIED_FOR)
def test_what_holds_the_requests_of_all_users_is_never_ruled_out_by_one_of_them(
    model: str, gpu: str, engine: str, users: int
) -> None:
    card = load_model(model)
    for context in (640, min(4400, card.context.native)):
        search = Search(make_request(card, load_gpu(gpu), engine=engine, users=users, context=context))
        held = 0
        for count in (1, 2, 4, 6, 8, 12, 16):
            for layout in search.accepted(count, "any"):
                if search.evaluate(layout).within_budget:
                    held += 1
                    assert search._could_load(layout), layout.describe()
                    assert search._could_carry(layout), layout.describe()
                each = ceil_div(users, layout.data_parallel_size)
                bound = search._for_one.most_free(replica_of(layout), each)
                assert search.fitting.free_bytes(layout) <= bound, layout.describe()
        assert held or users > 3
