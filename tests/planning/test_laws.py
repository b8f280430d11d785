"""Laws that every plan keeps, over random requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import load_gpu, load_model, size
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.planned import plan
from gpu_sizer.planning.request import Request, make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import replace
from tests.countable import countable

MODELS = ["llama-3-8b", "mixtral-8x7b", "qwen2.5-7b", "gemma-3-27b", "gpt-oss-20b", "deepseek-v3", "qwen3-30b-a3b"]
GPUS = ["rtx-a6000", "l4", "h100-80gb", "mi300x", "t4"]
MOST = 64

ENGINES = ["vllm", "vllm@0.7", "vllm@0.11", *engine_names()[1:]]

#: What can be sized, and what can be in float8 too.
PLACES = tuple(countable(MODELS, GPUS, ENGINES))
IN_FLOAT8 = tuple(sorted({*PLACES} & {*countable(MODELS, GPUS, ENGINES, weights_dtype="float8")}))
places = st.sampled_from(PLACES)
#: Models under an engine, on GPUs that every engine runs on.
pairs = st.sampled_from(sorted({(model, engine) for model, gpu, engine in PLACES if gpu == "rtx-a6000"}))
shares = st.sampled_from([0.1, 0.3, 0.6, 1.0])


def request(place: tuple[str, str, str], share: float = 1.0, **options: object) -> Request:
    card, gpu, context = load_model(place[0]), load_gpu(place[1]), load_model(place[0]).context.native
    options |= {"context": max(1, int(context * share)), "max_gpus": MOST, "engine": place[2]}
    return make_request(card, gpu, **options)  # type: ignore[arg-type]


def count(p: Plan) -> int:
    return p.gpu_count or MOST + 1


def small(r: Request) -> Plan:
    return plan(r, details=False)


laws = settings(max_examples=60, deadline=None)


@laws
@given(places, shares, shares)
def test_more_context_never_needs_fewer(place: tuple[str, str, str], a: float, b: float) -> None:
    # The batch of V0 depends on the context (whole prompts up to 32,768 tokens): the law holds at the same settings.
    batch = {"max_num_batched_tokens": 2048} if place[2] == "vllm@0.7" else {}
    short, long = (request(place, share, **batch) for share in sorted((a, b)))
    assert count(small(short)) <= count(small(long))


@laws
@given(places, st.integers(1, 40), st.integers(1, 40))
def test_more_users_never_need_fewer(place: tuple[str, str, str], a: int, b: int) -> None:
    few, many = (request(place, 0.2, users=n) for n in sorted((a, b)))
    assert count(small(few)) <= count(small(many))


@laws
@given(places, st.sampled_from([512, 2048, 8192]), st.sampled_from([512, 2048, 16384]))
def test_more_batched_tokens_never_need_fewer(place: tuple[str, str, str], a: int, b: int) -> None:
    few, many = sorted((a, b))
    less = request(place, 0.2, max_num_batched_tokens=few, max_num_seqs=64)
    assert count(small(less)) <= count(small(less.under(max_num_batched_tokens=many)))


@laws
@given(st.sampled_from(IN_FLOAT8))
def test_higher_precision_never_needs_fewer(place: tuple[str, str, str]) -> None:
    types = ("float8", "bfloat16", "float32")
    counts = [count(small(request(place, 0.1, weights_dtype=d))) for d in types]
    assert counts == sorted(counts)


@laws
@given(pairs, st.floats(0.5, 0.98), st.floats(0.5, 0.98))
def test_higher_utilization_never_needs_more(pair: tuple[str, str], a: float, b: float) -> None:
    low, high = (request((pair[0], "l40s", pair[1]), 0.2, gpu_memory_utilization=share) for share in sorted((a, b)))
    assert count(small(high)) <= count(small(low))


@laws
@given(pairs, st.integers(16, 200), st.integers(16, 200))
def test_more_memory_never_needs_more_gpus(pair: tuple[str, str], a: int, b: int) -> None:
    less, more = sorted((a, b))
    base = load_gpu("rtx-a6000")

    def with_memory(gib: int) -> Request:
        memory = replace(base.memory, visible_mib=gib * 1024.0, nvidia_smi_mib=gib * 1024.0)
        card, gpu = load_model(pair[0]), replace(base, memory=memory)
        # Defaults depend on the memory: the law holds at the same settings.
        load = {"max_num_seqs": 128, "max_num_batched_tokens": 2048, "gpu_memory_utilization": 0.85}
        return make_request(card, gpu, context=2048, engine=pair[1], **load)  # type: ignore[arg-type]

    assert count(small(with_memory(more))) <= count(small(with_memory(less)))


@laws
@given(places, shares, st.integers(1, 12))
def test_every_plan_is_accepted_and_within_its_budget(place: tuple[str, str, str], share: float, users: int) -> None:
    """Law 3: the floor is below the count, the engine accepts the layout, every GPU holds its share."""
    r = request(place, share, users=users)
    p = small(r)
    if not p.fits:
        assert p.gpu_count is None
        assert p.reason
        return
    assert p.memory is not None
    assert p.layout is not None
    assert 1 <= p.memory_floor <= count(p)
    assert p.layout.gpu_count == count(p)
    search = Search(r)
    assert search.engine.refusal(search.model, p.layout) is None
    assert all(stage.free_bytes >= 0 for stage in p.memory.stages)
    assert p.kv_cache_tokens >= r.context
    if p.safe_gpu_count is not None:
        assert p.safe_gpu_count >= count(p)


@laws
@given(places, shares)
def test_one_gpu_fewer_does_not_do(place: tuple[str, str, str], share: float) -> None:
    """The answer is the smallest: no layout of any smaller count fits."""
    r = request(place, share)
    p = small(r)
    search = Search(r)
    for n in range(1, min(count(p), 17)):
        assert search.best(n) is None


@pytest.mark.parametrize("gpu", ["l4", "rtx-a6000", "a100-80gb"])
def test_tensor_layouts_have_no_pipeline_and_never_beat_any(gpu: str) -> None:
    any_layout, tensor = size("qwen2.5-7b", gpu=gpu), size("qwen2.5-7b", gpu=gpu, layouts="tensor")
    assert tensor.layout is not None
    assert tensor.layout.pipeline_parallel_size == 1
    assert count(any_layout) <= count(tensor)


def test_qwen_2_5_7b_never_gets_7_or_8_way_tensor_parallelism() -> None:
    """28 heads do not divide by 8, and the vocabulary does not by 7."""
    search = Search(request(("qwen2.5-7b", "l4", "vllm")))
    for layout in [*search.layouts(7, "tensor"), *search.layouts(8, "tensor")]:
        assert search.evaluate(layout).refused
