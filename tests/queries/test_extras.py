"""Adapters, drafts, weights left in the machine's memory and prefix caching, told in words, are counted."""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.queries.answers import ask

#: A question, the settings that it tells, and what it leaves to an assumption.
TOLD = (
    ("llama-3.1-8b with 50 loras of rank 32 on an a10g", {"lora": "50x32"}, ""),
    ("llama-3.1-8b with 8 lora adapters on an a10g", {"lora": "8x16"}, "rank 16, as none is told"),
    ("how many a6000 for mixtral with lora adapters", {"lora": "1x16"}, "one adapter at once and rank 16"),
    ("deepseek v3 on h200 with mtp 2", {"speculative": "mtp:2"}, ""),
    ("deepseek v3 on h200 with mtp", {"speculative": "mtp:1"}, "one token drafted ahead"),
    (
        "speculative decoding llama 3.3 70b with llama 3.2 1b draft on h100",
        {"speculative": "draft:llama-3.2-1b:5"},
        "5 tokens drafted ahead",
    ),
    (
        "how many h100 for llama 3.3 70b, num speculative tokens 3, draft model llama 3.2 1b",
        {"speculative": "draft:llama-3.2-1b:3"},
        "",
    ),
    ("mixtral on a6000 with 20 GiB cpu offload", {"cpu_offload_gib": 20.0}, ""),
    ("llama 3.3 70b on a100 40gb, offload 40gb to cpu", {"cpu_offload_gib": 37.253}, ""),
    ("falcon-h1-7b on l4 without prefix caching", {"prefix_caching": False}, ""),
)


@pytest.mark.parametrize(("question", "load", "assumed"), TOLD, ids=[t[0] for t in TOLD])
def test_what_takes_memory_beside_the_model_is_counted(question: str, load: dict[str, object], assumed: str) -> None:
    found = ask(question)
    request = found.result.request if hasattr(found.result, "request") else found.result.fit.request
    assert {name: getattr(request.load, name) for name in load} == load
    assert assumed in "\n".join(found.lines())
    assert "not counted here" not in found.headline
    if found.intent == "count":
        assert found.result.gpu_count == size(request.model, gpu=request.gpu, **load).gpu_count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("mixtral on 2 a100 with speculative decoding", "--speculative mtp:N or draft:MODEL:N"),
        ("gpt-oss-120b on a 3090 with the experts offloaded to the cpu", "--n-cpu-moe"),
        ("llama 3 70b on h100, 64 users with prefix caching", "what a prefix cache saves is not counted"),
    ],
)
def test_what_is_only_mentioned_is_said_not_to_be(question: str, said: str) -> None:
    assert said.casefold() in ask(question).headline.casefold()
