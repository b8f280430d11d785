"""Laws of the formulas, on models and GPUs of the catalogue."""

from __future__ import annotations

from functools import cache
from math import ceil, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_sizer.api import load_gpu, load_model
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.prepared import known
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.speed import LONGEST_ANSWER, Situation, Speeds
from gpu_sizer.records import fields, replace
from gpu_sizer.timing.bound import least_token_seconds, most_tokens_per_second
from gpu_sizer.timing.case import Case
from gpu_sizer.timing.formulas import prompt_seconds, step_seconds
from gpu_sizer.timing.serving import steady

PLACES = [
    ("llama-3-8b", "l4", Layout()),
    ("llama-3-70b", "rtx-a6000", Layout(4)),
    ("llama-3-70b", "h100-80gb", Layout(2, 2)),
    ("mixtral-8x7b", "a100-80gb", Layout(2)),
    ("gemma-3-27b", "rtx-pro-6000", Layout()),
    ("deepseek-v3", "h200", Layout(8)),
    ("deepseek-v3", "b200", Layout(1, 1, 8, True)),
    ("gpt-oss-120b", "h100-80gb", Layout(2)),
    ("qwen3-next-80b-a3b", "h200", Layout(2)),
    ("deepseek-v3", "h200", Layout(8), "sglang"),
    ("llama-3-70b", "h100-80gb", Layout(4), "sglang"),
]
LENGTHS = st.sampled_from([1, 16, 128, 1024, 8192])
USERS = st.floats(1, 3000)


@cache
def found(place: int, prompt: int, answer: int) -> Situation:
    model, gpu, layout, *engine = PLACES[place]
    request = make_request(load_model(model), load_gpu(gpu), engine=engine[0] if engine else "vllm", context=1)
    return Speeds(request, known(request), prompt=prompt, answer=answer).situation(layout)


situations = st.builds(found, st.integers(0, len(PLACES) - 1), LENGTHS, LENGTHS)


@given(situations, USERS, st.floats(1.0, 4.0))
def test_more_users_never_get_fewer_tokens_in_all_and_never_more_each(s: Situation, users: float, more: float) -> None:
    few, many = (steady(s.case, s.basis.constants, u, 1e6) for u in (users, users * more))
    assert many.tokens_per_second >= few.tokens_per_second * (1 - 1e-9)
    assert many.token_seconds >= few.token_seconds * (1 - 1e-9)


@given(situations, USERS, st.sampled_from(["bandwidth", "link_bandwidth"]), st.floats(1.0, 10.0))
def test_a_faster_memory_or_link_never_makes_it_slower(s: Situation, users: float, what: str, factor: float) -> None:
    faster = replace(s.case, **{what: getattr(s.case, what) * factor})
    before, after = (steady(c, s.basis.constants, users, s.places) for c in (s.case, faster))
    assert after.tokens_per_second >= before.tokens_per_second * (1 - 1e-9)
    assert after.token_seconds <= before.token_seconds * (1 + 1e-9)
    assert after.first_seconds <= before.first_seconds * (1 + 1e-9)


@given(situations, USERS)
def test_nothing_is_faster_than_physics_allows(s: Situation, users: float) -> None:
    made = steady(s.case, s.basis.constants, users, s.places)
    assert made.token_seconds >= least_token_seconds(s.case, made.running)
    assert made.tokens_per_second <= most_tokens_per_second(s.case, max(users, made.running))


@given(situations, USERS)
def test_requests_beyond_the_places_wait(s: Situation, users: float) -> None:
    places = max(1.0, s.places)
    made = steady(s.case, s.basis.constants, users, places)
    assert made.running == pytest.approx(min(users, places))
    alone = steady(s.case, s.basis.constants, min(users, places), places)
    assert made.tokens_per_second == pytest.approx(alone.tokens_per_second)
    assert made.first_seconds >= alone.first_seconds


def test_arrays_give_what_numbers_give() -> None:
    every = [found(i, prompt, 128) for i in range(len(PLACES)) for prompt in (16, 1024)]
    names = [f.name for f in fields(Case)]
    constants = [s.basis.constants for s in every]
    together = Case(**{n: np.array([float(getattr(s.case, n)) for s in every]) for n in names})
    kinds = type(constants[0])
    k = kinds(**{f.name: np.array([getattr(c, f.name) for c in constants]) for f in fields(kinds)})
    made = steady(together, k, np.full(len(every), 32.0), np.full(len(every), 24.0))
    for i, s in enumerate(every):
        one = steady(s.case, s.basis.constants, 32.0, 24.0)
        assert made.tokens_per_second[i] == pytest.approx(one.tokens_per_second, rel=1e-9)
        assert made.first_seconds[i] == pytest.approx(one.first_seconds, rel=1e-9)


def test_one_stream_reads_its_weights() -> None:
    """By hand: Llama 3 8B without its embedding is 7.5 billion parameters of bfloat16, 15.0 GB, read once a token."""
    s = found(0, 1, 1)
    weights = s.case.dense_bytes + s.case.head_bytes
    assert weights == pytest.approx(15.01e9, rel=1e-3)
    made = steady(s.case, s.basis.constants, 1, 1)
    reading = weights / (300e9 * s.basis.constants.read)
    assert reading < made.token_seconds < 1.3 * reading


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_the_end_of_a_burst_is_as_long_as_its_answers_make_it(place: int) -> None:
    """Of ``n`` answers of exponential length the next ends after ``1 / n`` of the mean; each step is of those left."""
    s, n = replace(found(place, 128, 128), places=500.0, replicas=1), 400
    c, k = s.case, s.basis.constants
    # No answer is longer than LONGEST_ANSWER means: those last few end there.
    last = ceil(n * exp(-LONGEST_ANSWER))
    steps = sum(c.answer / left * step_seconds(c, k, left) for left in range(last, n + 1))
    made = s.steady(s.demand(n, burst=n, drawn=True))
    prompts = n * prompt_seconds(c, k)
    assert n * c.answer / made.tokens_per_second == pytest.approx(steps + prompts, rel=0.03)


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_a_burst_of_many_is_a_steady_stream(place: int) -> None:
    s = replace(found(place, 128, 128), places=60.0, replicas=1)
    # Requests follow one another, and none but those that are there delays a first token.
    k = replace(s.basis.constants, first=0.0)
    stream = steady(s.case, k, 60.0, 60.0)
    many = s.steady(s.demand(1, burst=1e6, drawn=True))
    assert many.tokens_per_second == pytest.approx(stream.tokens_per_second, rel=1e-3)


def test_groups_that_share_experts_send_the_tokens_of_all_of_them() -> None:
    """By hand, of 8 groups of one GPU: each receives and sends the tokens of 7 others, twice a layer."""
    s = found(6, 16, 16)
    c, k = s.case, s.basis.constants
    assert (c.tensor, c.data) == (1, 8)
    slower = replace(c, link_bandwidth=c.link_bandwidth / 2)
    sent = step_seconds(slower, k, 800.0) - step_seconds(c, k, 800.0)
    assert sent == pytest.approx(c.layers * 2 * 700 * c.hidden_size * 2 / (c.link_bandwidth * k.link), rel=1e-6)


def test_eight_gpus_hear_of_each_other_in_three_rounds() -> None:
    request = make_request(load_model("llama-3-70b"), load_gpu("h100-80gb"), context=1)
    few, many = (Speeds(request, known(request), prompt=16, answer=16).situation(Layout(n)) for n in (2, 8))
    k = replace(few.basis.constants, hop=1.0)
    # Of one layer's two collectives each round takes a second, beside which all else is nothing.
    rounds = [step_seconds(s.case, k, 1.0) / (2 * s.case.layers) for s in (few, many)]
    assert rounds == pytest.approx([1.0, 3.0], rel=1e-3)
