"""What stands in the first line of an answer: money against prices, what decides, what a refusal understood."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import Answer, ask


def headline(question: str) -> tuple[str, tuple[str, ...]]:
    found = ask(question)
    assert isinstance(found, Answer)
    return found.headline, found.ignored


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("budget is $5 per hour, can I host deepseek v3?", "None listed costs $5.00 an hour or less."),
        ("gpus for mixtral under $2/hr", "cost $2.00 an hour or less."),
        ("gpu for mixtral below 3 dollars per hour", "cost $3.00 an hour or less."),
        ("gpus for llama 3 70b for $1460 a month", "of the kinds of GPU listed cost $2.00 an hour or less."),
        ("what would it cost per month to host llama 3.1 70b on runpod", "a month of 730 hours."),
        ("i have a budget of $3000, what gpu for qwen3 32b", "What GPUs cost to buy is not known here"),
        ("llama 3 8b on l4 under $2 an hour", "gpu-sizer rent MODEL --max-price 2 does."),
    ],
)
def test_money_is_held_against_the_prices(question: str, said: str) -> None:
    told, ignored = headline(question)
    assert said in told
    assert ignored == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("TTFT for qwen3-8b on an l4 with 4k prompt", "The first token comes after about "),
        ("gemma 3 27b qat on rtx 4060 ti 16gb", "QAT names no type of weights"),
    ],
)
def test_what_decides_stands_in_the_first_line(question: str, said: str) -> None:
    assert said in headline(question)[0]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("q4 of DeepSeek V4 Flash with a 192GB M2 Ultra?", "(understood: fewest M2 Ultra"),
        ("how much for an 8xh100 node per month", "gpu-sizer machines --gpu h100-80gb"),
        ("a 3090 plus a 3070 together for acme/nothing-7b", "the GPUs were understood: rtx-3090 + rtx-3070"),
    ],
)
def test_a_refusal_says_what_was_understood(question: str, said: str) -> None:
    with pytest.raises(GpuSizerError) as error:
        ask(question)
    assert said in str(error.value)
