"""Questions that go on from the one before mean what a person means by them."""

from __future__ import annotations

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.load import WEIGHTS
from gpu_sizer.queries.follow_up import as_question, whole_question
from gpu_sizer.queries.understanding import understand_all

COUNT = "how many a6000s for mixtral 8x7b"
FIT = "does llama 3 70b fit on 4 a6000"
#: What was asked, what is asked then, and what is meant: intent, model, GPU, number of GPUs, context, users.
GOING_ON = {
    "another GPU and its number": (COUNT, "and on 2 h100?", ("fit", "mixtral-8x7b", "h100-80gb", 2, None, None)),
    "another GPU": (COUNT, "and h100s?", ("count", "mixtral-8x7b", "h100-80gb", None, None, None)),
    "another model": (COUNT, "what about llama 3 70b?", ("count", "llama-3-70b", "rtx-a6000", None, None, None)),
    "users": (COUNT, "and with 16 users?", ("count", "mixtral-8x7b", "rtx-a6000", None, None, 16)),
    "users, without a word before": (COUNT, "with 16 users", ("count", "mixtral-8x7b", "rtx-a6000", None, None, 16)),
    "a length": (COUNT, "and at 8k?", ("count", "mixtral-8x7b", "rtx-a6000", None, "8k", None)),
    "a length, without a word before": (COUNT, "at 8k", ("count", "mixtral-8x7b", "rtx-a6000", None, "8k", None)),
    "speed": (COUNT, "how fast is it?", ("speed", "mixtral-8x7b", "rtx-a6000", None, None, None)),
    "a number of others": (FIT, "how about mixtral 8x7b", ("fit", "mixtral-8x7b", "rtx-a6000", 4, None, None)),
    "what was said stays": (
        f"{COUNT} at 8k with 9 users",
        "and on h100?",
        ("count", "mixtral-8x7b", "h100-80gb", None, "8k", 9),
    ),
}


@pytest.mark.parametrize(("before", "then", "means"), GOING_ON.values(), ids=GOING_ON)
def test_a_question_goes_on(before: str, then: str, means: tuple[object, ...]) -> None:
    cards = catalogue()
    (u,) = understand_all(whole_question(then, before, cards), cards)
    context = u.options.context[0] if u.options.context else None
    assert (u.intent, u.model, u.gpus[0], u.gpu_count, context, u.options.users) == means


@pytest.mark.parametrize(
    "text",
    [
        "how many h100 for llama 3 8b",
        "what can I run on 2 a6000",
        "frobnicate",
        "tell me a joke",
        "which gpu for qwen3 32b",
        "and",
    ],
)
def test_a_whole_question_stays_as_it_is(text: str) -> None:
    assert whole_question(text, COUNT, catalogue()) == text
    assert whole_question(text, None, catalogue()) == text


SETTINGS = {
    "the engine": ("how many a6000 for mixtral with sglang", "and on 2 h100?", "engine", "sglang"),
    "a type": ("mixtral 8x7b in 4-bit on a 3090 with llama.cpp", "and on a 4090?", "settings", {WEIGHTS: "q4_k_m"}),
    "a number": ("mixtral on a6000, max num seqs 16", "and with 4 users?", "settings", {"max_num_seqs": 16}),
    "a rate": (
        "llama 3 8b on l4 with 20 tokens per second for 10 users",
        "and on 2 a10g?",
        "settings",
        {"tokens_per_second": 20.0},
    ),
    "a share": ("llama 3 70b on a6000 with utilization 0.8", "on h100?", "utilization", 0.8),
    "a switch": ("llama 3 8b on l4 with enforce eager", "and for 32k context?", "settings", {"enforce_eager": True}),
}


@pytest.mark.parametrize(("before", "then", "name", "value"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_were_said_stay(before: str, then: str, name: str, value: object) -> None:
    cards = catalogue()
    (u,) = understand_all(whole_question(then, before, cards), cards)
    assert getattr(u.options, name) == value
    assert u.ignored == ()


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("size mixtral-8x7b --gpu a6000 --context 8k", "how many a6000 for mixtral-8x7b at 8k tokens"),
        ("memory llama-3-8b --users=4", "how many GPUs for llama-3-8b with 4 users"),
        ("models qwen3", None),
        ("size --help", None),
    ],
)
def test_a_question_goes_on_from_a_command(line: str, question: str | None) -> None:
    assert as_question(line.split()) == question


def test_what_a_command_said_stays() -> None:
    cards, before = catalogue(), as_question(["size", "mixtral-8x7b", "--gpu", "a6000", "--engine", "sglang"])
    (u,) = understand_all(whole_question("and on 2 h100?", before, cards), cards)
    assert (u.model, u.gpus, u.gpu_count, u.options.engine) == ("mixtral-8x7b", ("h100-80gb",), 2, "sglang")
