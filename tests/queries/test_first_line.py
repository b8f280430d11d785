"""What stands in the first line of an answer: money against prices, what decides, what a refusal understood."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import Answer, Answers, ask


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
        ("which gpu should i buy for mixtral", "What GPUs cost to buy is not known here"),
        ("cost per million tokens of llama 3.1 8b on h100", " a million output tokens, prompts included, on "),
        ("cost of running deepseek v3 24/7 on 8 h200", " an hour, $"),
        ("cheapest $ per million tokens for qwen3 32b", "`gpu-sizer rent qwen3-32b` compares"),
        ("cost per million tokens of qwen3 32b q4 on 3090", "What a million tokens cost is not known there"),
        ("$5k/month, which model can i host", "Of one machine for $6.85 an hour or less, most memory has "),
        ("i have $3/hr to spend, best open model?", "Of one machine for $3.00 an hour or less, most memory has "),
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
        ("what psu for 4x3090 mixtral", "4 × GeForce RTX 3090 draw up to 1,400 W (350 W each)"),
        ("llama 3 8b with mlx on m3 max 64gb", "An engine is named that is not modelled here"),
        ("llama 3.1 70b at 4.5bpw on two 3090s", "Bits a weight (bpw) name no format"),
        ("is vllm or llama.cpp better on an l4 for qwen3 4b", "By one engine's rules alone"),
        ("what engine is best for llama 3 8b on an l4", "--engine all"),
        ("how long does llama 3 8b take to load on an l4", "How long loading takes is not estimated here"),
        ("tinyllama 4gb gpu", "No GPU of the catalogue has 4 GB"),
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
        ("1660 super any model?", "the GPU '1660 super' is not in the catalogue"),
        ("which cloud is cheapest for 8x h100", "`gpu-sizer machines --gpu h100-80gb`"),
        ("rx 6800 xt 16gb", 'or "what can I run on rx-6800-xt"'),
        ("how many 4090s for a 70b", "of these llama-3.3-70b has most releases: Llama 3.3 70B Instruct needs "),
        ("70b", "llama-3.3-70b, llama-3.1-70b, llama-3-70b"),
        ("$0.01/hr what can i run", "no machine that is known to be rented out costs $0.01 an hour or less"),
    ],
)
def test_a_refusal_says_what_was_understood(question: str, said: str) -> None:
    with pytest.raises(GpuSizerError) as error:
        ask(question)
    assert said in str(error.value)


def test_models_that_share_gpus_are_each_sized_alone_and_said_to_be() -> None:
    found = ask("can I fit qwen3-0.6b and llama 3.2 1b together on a 4090")
    assert isinstance(found, Answers)
    assert all("as if it had the GPUs to itself" in a.headline for a in found.answers)


def test_the_machine_for_a_sum_costs_no_more_and_none_for_it_has_more_memory() -> None:
    from gpu_sizer.cards.catalogue import catalogue
    from gpu_sizer.cards.fleet import fleet
    from gpu_sizer.planning.rental import hour_of, most_memory

    cards = catalogue()
    last = 0
    for dollars in (0.5, 1, 2, 5, 10, 25, 60):
        best = most_memory(fleet(cards).all(), cards.gpus.get, dollars)
        assert best is not None
        hour, machine = hour_of(best.price, 1), best.offer.machine
        assert hour is not None
        assert hour <= dollars
        assert best.doubt is None
        memory = cards.gpus.get(machine.seen_gpu or "").visible_bytes * machine.gpu_count
        assert memory >= last
        last = memory


@pytest.mark.parametrize("name", ["which qwen3 for a 4090", "which 7b models in q4 for 8gb"])
def test_of_models_of_one_name_those_that_run_are_listed(name: str) -> None:
    found = ask(name)
    assert isinstance(found, Answer)
    called = name.split()[1]
    assert f"called '{called}'" in found.headline
    assert {called in m["model"] for m in found.model_dump()["models"]} == {True}
