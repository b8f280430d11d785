"""Rates in questions: a load that is told by its speed is sized by it, as the same flags size it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size
from gpu_sizer.api import fits_on, most_users, which_gpu
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import Answer, ask
from gpu_sizer.queries.rates import FASTEST

SPEEDS = Path(__file__).parent.parent / "evidence" / "speed.jsonl"


def _answered(question: str) -> Answer:
    found = ask(question)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    ("question", "call"),
    [
        (
            "how many h100 for llama 3.3 70b for 100 users at 20 tokens a second",
            lambda: size("llama-3.3-70b", gpu="h100", users=100, tokens_per_second=20),
        ),
        (
            "50 requests per second with 1k prompt 200 answer, llama 3.1 8b on h100",
            lambda: size("llama-3.1-8b", gpu="h100", requests_per_second=50, prompt=1024, answer=200),
        ),
        (
            "how many users can 4 h100 serve with llama 3.3 70b at 20 tokens per second each",
            lambda: most_users("llama-3.3-70b", gpu="h100", gpu_count=4, tokens_per_second=20),
        ),
        (
            "does llama 3 8b on an l4 give 30 tokens per second",
            lambda: fits_on("llama-3-8b", gpu="l4", gpu_count=1, tokens_per_second=30),
        ),
        (
            "which gpu for llama 3 8b at 25 tok/s per user for 8 users",
            lambda: which_gpu("llama-3-8b", users=8, tokens_per_second=25),
        ),
    ],
)
def test_a_rate_in_words_is_the_flag(question: str, call: Any) -> None:
    found, meant = _answered(question).model_dump(), call().model_dump()
    kept = set(meant) - {"warnings", "machines", "cost", "tokens_per_watt_hour", "plan"}
    assert {k: found[k] for k in kept} == {k: meant[k] for k in kept}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("llama 3.3 70b on h100, 100 users at 20 tokens/s", "Each of 100 users surely gets 20 tokens a second: about"),
        ("llama 3.1 8b on h100, 5 req/s", "5 requests (1,280 tokens) a second are surely answered: about"),
        ("does llama 3 8b on an l4 give 30 tokens per second", "No: Llama 3 8B fits on 1 × L4, but it is too slow"),
        ("llama 3 8b on h100 at 30 tokens/s", "'30 tokens/s' is taken as what one user gets: say 'in total'"),
        ("llama 3 8b on h100 at 3000 tokens/s", "'3000 tokens/s' is taken as what all users get together"),
        ("llama 3 8b on l4, 2 rps with ttft below 300 ms", "Whether a limit on latency is kept is not judged"),
        ("how many requests per second can 4 h100 serve with llama 3.3 70b", "requests a second, with"),
        ("tok/s of llama 3.1 8b on A10G", "Llama 3.1 8B on 1 × A10G: about"),
        ("how fast is llama 3.3 70b on H100", "Llama 3.3 70B Instruct on 2 × H100 SXM5 80 GB"),
        ("ttft of llama 3.1 8b on L4", "The first token comes after about"),
        ("speed of llama 3.3 70b on 2x 3090", "It takes"),
        ("M4 Max 128GB llama 3.3 70b speed", "Its speed is not known here"),
        ("i get 12 tokens per second with llama 3.3 70b on 2x3090", "It has no speed where it does not fit"),
        ("llama 3 8b on h100, 5000 input tokens per second", "About its speed, not its memory"),
    ],
)
def test_the_first_line_says_what_is_reached_and_how_a_rate_was_taken(question: str, said: str) -> None:
    assert said in _answered(question).headline


@pytest.mark.parametrize(
    ("question", "rates"),
    [
        ("llama 3 8b on h100, 1000 requests per hour", {"requests_per_second": 1000 / 3600}),
        ("llama 3 8b on h100, 1m tokens per hour", {"requests_per_second": 1e6 / 3600 / 256}),
        ("llama 3 8b on h100, 40 users with 3 requests per minute each", {"requests_per_second": 2.0}),
        ("llama 3 8b on h100, 4 rps at 20 tok/s per user", {"requests_per_second": 4.0, "tokens_per_second": 20.0}),
        ("llama 3 8b on h100, 2k tokens per second aggregate", {"requests_per_second": 2000 / 256}),
        ("llama 3 8b on h100 with 512 prompt tokens and 128 output tokens, 64 tokens/s total", {"answer": 128}),
        ("llama 3 8b on h100, i get 40 tokens per second", {}),
        ("llama 3 8b on h100, 5000 input tokens per second", {}),
        ("llama 3 8b on h100, 500 tokens", {}),
    ],
)
def test_a_rate_is_never_taken_for_another(question: str, rates: dict[str, float]) -> None:
    told = _answered(question).model_dump()["assumptions"]
    if "answer" in rates:
        assert (told["prompt"], told["answer"], told["requests_per_second"]) == (512, 128, 0.5)
        return
    found = {k: v for k, v in told.items() if k in ("requests_per_second", "tokens_per_second")}
    assert found == pytest.approx(rates)


def test_where_nothing_is_answered_the_rate_is_not_lost() -> None:
    with pytest.raises(GpuSizerError, match="requests a second were asked for"):
        ask("llama 3 8b on h100 at 5 requests per second with 3000k tokens")


def test_no_answer_was_measured_to_come_faster_than_what_is_taken_as_one_users() -> None:
    lines = map(json.loads, SPEEDS.read_text(encoding="utf-8").splitlines())
    times = [t for r in lines for k in ("tpot_ms_mean", "tpot_ms_median") if (t := r["measured"].get(k))]
    assert 0.9 * FASTEST < 1e3 / min(times) <= FASTEST
