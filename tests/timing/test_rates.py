"""Speed as people ask for it: of a layout, of a number of GPUs, and the fewest GPUs that reach a rate."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gpu_sizer import RequestError, estimate, size, speed, sweep
from gpu_sizer.api import fits_given, fits_on, most_users, which_gpu
from gpu_sizer.cli.app import put_together
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.search import Search
from gpu_sizer.records import replace
from gpu_sizer.timing.band import ends
from gpu_sizer.timing.constants import generation

APP = put_together()
LOAD = {"prompt": 1024, "answer": 256}


def test_a_layout_is_answered_in_the_keys_of_the_contract() -> None:
    found = speed("llama-3-70b", gpu="h100", tensor_parallel_size=4, users=16).model_dump()
    told = found["speed"]
    assert (
        set(told["tokens_per_second_per_user"]) == set(told["tokens_per_second"]) == {"low", "about", "high", "at_most"}
    )
    assert set(told["tpot_ms"]) == {"low", "about", "high", "at_least"}
    assert told["running"] == 16
    assert set(told["basis"]) == {"records", "median_error", "class"}
    assert found["assumptions"]["prompt"] == 1024
    assert found["assumptions"]["answer"] == 256
    assert found["assumptions"]["context"] == 1280
    assert found["cost"]["usd_per_million_tokens"] > 0


def test_the_ends_of_a_range_belong_together() -> None:
    told = speed("llama-3-70b", gpu="h100", tensor_parallel_size=4, users=16).speed
    assert told is not None
    assert told.tokens_per_second_per_user is not None
    assert told.tpot_ms is not None
    assert told.tokens_per_second_per_user.low == pytest.approx(1e3 / told.tpot_ms.high)
    assert told.tokens_per_second_per_user.high == pytest.approx(1e3 / told.tpot_ms.low)
    assert told.tokens_per_second.high <= (told.tokens_per_second.bound or 0)


def test_a_number_of_gpus_takes_its_fastest_layout() -> None:
    best = speed("mixtral-8x7b", gpu="a6000", gpu_count=4, users=8)
    assert best.layout.gpu_count == 4
    assert best.speed is not None
    one = speed("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4, users=8).speed
    assert one is not None
    assert best.speed.tokens_per_second.low >= one.tokens_per_second.low


def test_where_a_model_does_not_fit_there_is_no_speed() -> None:
    found = speed("llama-3-70b", gpu="h100")
    assert not found.fits
    assert found.speed is None
    assert "GiB" in (found.reason or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "llama-3-8b", "gpu": "h100", "engine": "tgi"}, "nothing was measured of the speed of tgi"),
        ({"model": "llama-3-8b", "gpu": "mi355x", "engine": "sglang"}, "nothing was measured of the speed of sglang"),
        ({"model": "llama-3-8b", "gpu": "p40", "engine": "llama.cpp"}, "the rate of operations of NVIDIA Tesla P40"),
        ({"model": "llama-3-8b", "gpu": "h100", "engine": "llama.cpp", "users": 4}, "how fast llama.cpp is with more"),
        ({"model": "llama-3-8b", "gpu": "mi300x", "tokens_per_second": 20}, "times of single tokens were not measured"),
        ({"model": "llama-3-8b", "gpu": "h100", "gpu_count": 2, "tensor_parallel_size": 2}, "say a number of GPUs or"),
        ({"model": "llama-3-8b", "gpu": "h100", "tokens_per_second": 0}, "tokens_per_second must be above 0"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError) as raised:
        speed(**arguments)  # type: ignore[arg-type]
    assert str(raised.value).startswith(message)


def test_the_fewest_gpus_whose_lower_end_reaches_a_rate() -> None:
    plan = size("llama-3-70b", gpu="h100", users=16, tokens_per_second=25, **LOAD)  # type: ignore[arg-type]
    assert plan.speed is not None
    assert plan.speed.verdict == "meets"
    assert plan.speed.tokens_per_second_per_user is not None
    assert plan.speed.tokens_per_second_per_user.low >= 25
    slower = [r for r in plan.rejections if "are asked for" in r.reason]
    assert slower
    assert plan.gpu_count is not None
    for r in slower:
        assert r.layout is not None
        fit = estimate(
            "llama-3-70b",
            gpu="h100",
            tensor_parallel_size=r.layout.tensor_parallel_size,
            pipeline_parallel_size=r.layout.pipeline_parallel_size,
            data_parallel_size=r.layout.data_parallel_size,
            users=16,
            tokens_per_second=25,
            **LOAD,  # type: ignore[arg-type]
        )
        assert fit.speed is not None
        assert fit.speed.verdict in ("close", "misses")


def test_a_higher_rate_never_needs_fewer() -> None:
    counts = [
        size("llama-3-8b", gpu="l4", users=32, tokens_per_second=rate, details=False, **LOAD).gpu_count or 999  # type: ignore[arg-type]
        for rate in (1, 4, 8, 12, 1000)
    ]
    assert counts == sorted(counts)
    assert counts[-1] == 999


def test_requests_a_second_are_shared_by_replicas() -> None:
    few, many = (
        size("llama-3-8b", gpu="l4", requests_per_second=rate, details=False, **LOAD)  # type: ignore[arg-type]
        for rate in (0.5, 10)
    )
    assert many.speed is not None
    assert few.gpu_count is not None
    assert many.gpu_count is not None
    assert few.gpu_count < many.gpu_count
    assert many.speed.tokens_per_second.about >= 10 * 256


def test_a_rate_that_nothing_reaches_is_told_with_what_comes_nearest() -> None:
    plan = size("llama-3-70b", gpu="a6000", users=8, tokens_per_second=500, max_gpus=8, **LOAD)  # type: ignore[arg-type]
    assert not plan.fits
    assert "500 are asked for" in (plan.reason or "")


@pytest.mark.parametrize(
    ("model", "gpu", "rates"),
    [
        ("llama-3-70b", "h100", {"tokens_per_second": 20}),
        ("llama-3.1-8b", "l4", {"requests_per_second": 3}),
        ("mixtral-8x7b", "a6000", {"tokens_per_second": 12, "requests_per_second": 1}),
        ("gpt-oss-120b", "h100", {"tokens_per_second": 60, "max_num_seqs": 512}),
        ("gemma-2-9b", "l40s", {"tokens_per_second": 15, "engine": "sglang"}),
    ],
)
def test_a_sweep_gives_what_size_gives_under_a_rate(model: str, gpu: str, rates: dict[str, object]) -> None:
    options = {**rates, **LOAD}
    found = sweep(model, gpu, contexts=[1, 1280, 8000], users=[1, 8, 9, 128, 129, 300], **options)  # type: ignore[arg-type]
    for record in found.to_records():
        load = {"context": record["context"], "users": record["users"], **options}
        plan = size(model, gpu=gpu, details=False, **load)  # type: ignore[arg-type]
        layout = plan.layout.model_dump() if plan.layout and plan.gpu_count else {"tensor_parallel_size": None}
        assert record["gpu_count"] == plan.gpu_count
        assert {k: record[k] for k in layout} == layout


def test_gpus_that_differ_have_no_speed() -> None:
    with pytest.raises(RequestError, match="GPUs that differ is not known"):
        fits_given("llama-3-8b", gpus="1xa6000+1xrtx-3090", engine="llama.cpp", tokens_per_second=5)


def test_the_command_tells_the_range_the_basis_and_what_binds() -> None:
    done = CliRunner().invoke(APP, ["speed", "llama-3-70b", "--gpu", "h100", "--tp", "4", "--users", "16"])
    assert done.exit_code == 0
    assert "tokens a second for each of 16 users" in done.output
    assert "What binds: memory bandwidth" in done.output
    assert "half of them within" in done.output
    assert "prompts of 1,024 tokens, answers of 256, 16 at once" in done.output
    assert CliRunner().invoke(APP, ["speed", "llama-3-70b", "--gpu", "h100"]).exit_code == 3


def test_size_says_which_rate_is_met() -> None:
    words = ["size", "llama-3-8b", "--gpu", "h100", "--users", "8", "--tokens-per-second", "20"]
    plain, told = (CliRunner().invoke(APP, [*words, *more]) for more in ([], ["--json"]))
    assert "Speed, which meets what is asked for" in plain.output
    found = json.loads(told.output)
    assert found["speed"]["verdict"] == "meets"
    assert found["assumptions"]["tokens_per_second"] == 20
    assert found["assumptions"]["context"] == 1280


def test_a_layout_that_is_too_slow_does_not_do() -> None:
    done = CliRunner().invoke(APP, ["fit", "llama-3-8b", "--gpu", "l4", "--tp", "1", "--tokens-per-second", "30"])
    assert done.exit_code == 3
    assert done.output.startswith("No: Llama 3 8B fits on 1 × L4, but it is too slow: about")
    found = estimate("llama-3-8b", gpu="l4", tokens_per_second=30).model_dump()
    assert (found["fits"], found["verdict"], found["speed"]["verdict"]) == (False, "fits", "misses")
    assert "30 are asked for" in found["reason"]


def test_the_most_users_at_a_rate_get_it_and_one_more_does_not() -> None:
    most = most_users("llama-3.1-8b", gpu="l40s", gpu_count=2, tokens_per_second=15)
    few = most_users("llama-3.1-8b", gpu="l40s", gpu_count=2, tokens_per_second=30)
    assert most.users > few.users > 0
    for users, fits in ((most.users, True), (most.users + 1, False)):
        assert fits_on("llama-3.1-8b", gpu="l40s", gpu_count=2, users=users, tokens_per_second=15).fits is fits


def test_a_gpu_of_whose_speed_nothing_is_known_ends_no_list() -> None:
    found = which_gpu("llama-3-8b", users=4, tokens_per_second=20, everything=True)
    told = {c.plan.request.gpu.id for c in found.options}
    left = {u.gpu for u in found.uncounted}
    assert {"l40s", "h100-80gb"} <= told
    assert {"mi300x", "gaudi-3"} <= left
    assert not told & left


@pytest.mark.parametrize("users", [1, 40])
def test_what_input_and_output_cost_adds_up_to_the_machines_hour(users: int) -> None:
    found = speed("llama-3.1-8b", gpu="h100", users=users, prompt=2000, answer=300)
    assert found.speed is not None
    assert found.cost is not None
    hours = 300 / found.speed.tokens_per_second.about / 3600
    request = (2000 * found.cost.per_million_input + 300 * found.cost.per_million_output) / 1e6
    assert request == pytest.approx(found.cost.rental.price_hour_usd * hours)
    assert found.cost.low < found.cost.per_million < found.cost.high
    assert 0 < found.speed.prompt_share < 1


def test_longer_prompts_take_a_larger_share_of_the_time() -> None:
    shares = [
        found.prompt_share
        for prompt in (64, 512, 4096)
        if (found := speed("llama-3.1-8b", gpu="h100", users=32, prompt=prompt, answer=256).speed)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.2 < shares[-1]


def test_a_plan_under_a_rate_tells_what_tokens_cost_and_draw() -> None:
    found = size("llama-3.1-8b", gpu="h100", users=32, tokens_per_second=20).model_dump()
    assert found["cost"]["usd_per_million_output_tokens"] > found["cost"]["usd_per_million_input_tokens"] > 0
    assert found["tokens_per_watt_hour"] > 0
    assert (found["assumptions"]["prompt"], found["assumptions"]["answer"]) == (1024, 256)


def test_lower_settings_are_not_offered_for_what_they_make_no_faster() -> None:
    plan = size("llama-3.3-70b", gpu="h100", users=100, tokens_per_second=20)
    assert plan.gpu_count is not None
    assert plan.tuned is None or plan.tuned.gpu_count < plan.gpu_count
    assert plan.speed is not None
    assert plan.speed.tokens_per_second_per_user is not None
    assert plan.speed.tokens_per_second_per_user.low >= 20


#: Model, GPU, engine, users, rates: where it takes more GPUs to be sure, where it does not, where none is sure.
ABOUT = [
    ("llama-3.3-70b", "h100", "vllm", 50, {"tokens_per_second": 30}),
    ("qwen3.8-27b", "rtx-5090", "vllm", 16, {"tokens_per_second": 30}),
    ("deepseek-v3", "h200", "sglang", 64, {"tokens_per_second": 20}),
    ("llama-3-8b", "l4", "sglang", 32, {"tokens_per_second": 12}),
    ("llama-3.3-70b", "h100", "vllm", 50, {"tokens_per_second": 55}),
    ("llama-3-8b", "h100", "vllm", 1, {"tokens_per_second": 10}),
    ("llama-3.1-8b", "h100", "vllm", 1, {"requests_per_second": 30}),
    ("mixtral-8x7b", "a6000", "vllm", 8, {"tokens_per_second": 12, "requests_per_second": 2}),
]


@pytest.mark.parametrize(("model", "gpu", "engine", "users", "rates"), ABOUT)
def test_the_count_that_is_probably_enough_is_the_fewest_whose_estimate_is(
    model: str, gpu: str, engine: str, users: int, rates: dict[str, float]
) -> None:
    plan = size(model, gpu=gpu, engine=engine, users=users, **rates, **LOAD)  # type: ignore[arg-type]
    each, in_all = rates.get("tokens_per_second", 0.0), rates.get("requests_per_second", 0.0) * LOAD["answer"]
    search = Search(plan.request)

    def is_about_enough(layout: Layout) -> bool:
        """By the figures alone, with so many at once as give what is asked for in all, or as there is room for."""
        s = search.known.speeds(plan.request, *LOAD.values(), sure=True).situation(layout)
        return any(
            search.evaluate(layout).within_budget
            and made.tokens_per_second.about >= in_all * (1 - 1e-6)
            and made.running >= min(users, at_once) * (1 - 1e-6)
            and (user := made.tokens_per_second_per_user) is not None
            and user.about >= each * (1 - 1e-6)
            for at_once in ((users,) if not in_all else [users * 1.02**n for n in range(500)])
            for made in [s.speed(s.demand(float(at_once)))]
        )

    found = plan.about_fast_enough
    count = found.gpu_count if found is not None else plan.gpu_count
    assert count is not None
    assert found is None or found.gpu_count < (plan.gpu_count or plan.request.max_gpus + 1)
    assert not any(map(is_about_enough, search.accepted(count - 1, "any")))
    if found is not None:
        assert found.speed is not None
        assert found.speed.verdict == "close"
        assert is_about_enough(found.layout)
        assert found.model_dump()["speed"]["verdict"] == "close"


def test_an_estimate_is_both_of_its_ends_where_nobody_asks_to_be_sure() -> None:
    own = generation("vllm", "0.20", "cuda")
    low, high = ends("tokens", own, False, 4.0)
    assert low < 1 < high
    assert ends("tokens", replace(own, sure=False), False, 4.0) == (1.0, 1.0)


def test_the_first_line_tells_what_is_surely_and_what_is_probably_enough() -> None:
    words = ["size", "qwen3.8-27b", "--gpu", "rtx-5090", "--users", "16", "--tokens-per-second", "30"]
    first, *rows = CliRunner().invoke(APP, words).output.splitlines()
    plan = size("qwen3.8-27b", gpu="rtx-5090", users=16, tokens_per_second=30)
    assert plan.about_fast_enough is not None
    sure, likely = plan.gpu_count, plan.about_fast_enough.gpu_count
    assert f"needs {sure} × GeForce RTX 5090 (tensor parallel {sure}) to be surely fast enough" in first
    assert f"; {likely} probably are (" in first
    row = next(r for r in rows if r.strip().startswith(f"{likely} GPUs"))
    assert "tokens a second each, probably enough, not surely: tensor parallel" in row


def test_where_none_is_surely_fast_enough_what_probably_is_stands_in_its_place() -> None:
    words = ["size", "llama-3.3-70b", "--gpu", "h100", "--users", "50", "--tokens-per-second", "55"]
    told = CliRunner().invoke(APP, words)
    assert told.exit_code == 3
    assert "GPUs do not do" in told.output
    assert "are probably fast enough." in told.output
    found = json.loads(CliRunner().invoke(APP, [*words, "--json"]).output)
    assert found["gpu_count"] is None
    (likely,) = found["alternatives"]
    assert likely["kind"] == "about fast enough"
    speed_of_it = likely["speed"]["tokens_per_second_per_user"]
    assert speed_of_it["low"] < 55 <= speed_of_it["about"]


def test_a_layout_that_is_close_is_not_called_too_slow() -> None:
    found = estimate("llama-3.3-70b", gpu="h100", tensor_parallel_size=8, users=50, tokens_per_second=30)
    assert found.speed is not None
    assert found.speed.verdict == "close"
    assert (found.reason or "").startswith("it is not surely fast enough: about")
