"""Law 5: a question, the flags and the Python call that mean the same give the same result."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

import gpu_sizer
from gpu_sizer import ask
from gpu_sizer.cli.entry import run

CASES: list[tuple[str, list[str], Callable[[], Any]]] = [
    (
        "how many A6000s for Mixtral 8x7b",
        ["size", "mixtral-8x7b", "--gpu", "rtx-a6000"],
        lambda: gpu_sizer.size("mixtral-8x7b", gpu="rtx-a6000"),
    ),
    (
        "how many h100 for llama 3.1 70b at 16k with 32 users in fp8, tensor parallel only, utilization 0.9",
        [
            *("size", "llama-3.1-70b", "--gpu", "h100", "--context", "16k", "--users", "32"),
            *("--weights-dtype", "float8", "--layouts", "tensor", "--utilization", "0.9"),
        ],
        lambda: gpu_sizer.size(
            "llama-3.1-70b",
            gpu="h100",
            context=16384,
            users=32,
            weights_dtype="float8",
            layouts="tensor",
            gpu_memory_utilization=0.9,
        ),
    ),
    (
        "does llama 3 70b fit on 4 a6000s",
        ["fit", "llama-3-70b", "--gpu", "a6000", "--gpu-count", "4"],
        lambda: gpu_sizer.fits_on("llama-3-70b", gpu="a6000", gpu_count=4),
    ),
    (
        "max context for gemma 3 27b on two L40S",
        ["context", "gemma-3-27b", "--gpu", "l40s", "--gpu-count", "2"],
        lambda: gpu_sizer.longest_context("gemma-3-27b", gpu="l40s", gpu_count=2),
    ),
    (
        "how many users can 8 h100s serve with llama 3.3 70b at 16k tokens each",
        ["users", "llama-3.3-70b", "--gpu", "h100", "-n", "8", "--context", "16k"],
        lambda: gpu_sizer.most_users("llama-3.3-70b", gpu="h100", gpu_count=8, context=16384),
    ),
    (
        "how much VRAM does Llama-3-8B need?",
        ["memory", "llama-3-8b"],
        lambda: gpu_sizer.memory_need("llama-3-8b"),
    ),
    (
        "what can I run on 2x4090 at 8k",
        ["what-fits", "--gpu", "rtx-4090", "-n", "2", "--context", "8k"],
        lambda: gpu_sizer.what_fits("rtx-4090", gpu_count=2, context=8192),
    ),
    (
        "which gpu is cheapest for mixtral 8x22b",
        ["which-gpu", "mixtral-8x22b"],
        lambda: gpu_sizer.which_gpu("mixtral-8x22b"),
    ),
    (
        "compare A6000 and L40S for Qwen3 32B",
        ["compare", "qwen3-32b", "--gpu", "a6000", "--gpu", "l40s"],
        lambda: gpu_sizer.compare("qwen3-32b", ["a6000", "l40s"]),
    ),
]
#: What only a question has: its own words, and advice.
OF_A_QUESTION = ("question", "intent", "understood", "headline", "levers")


def printed(*arguments: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run([*arguments, "--json"])
    found: dict[str, Any] = json.loads(out.getvalue())
    return code, found


@pytest.mark.parametrize(("question", "flags", "call"), CASES, ids=[q for q, _, _ in CASES])
def test_question_flags_and_call_agree(question: str, flags: list[str], call: Callable[[], Any]) -> None:
    from_call = json.loads(json.dumps(call().model_dump()))
    code, from_flags = printed(*flags)
    asked_code, from_question = printed(question)
    assert from_flags == from_call
    assert {k: v for k, v in from_question.items() if k not in OF_A_QUESTION} == from_call
    assert code == asked_code
    assert ask(question).model_dump() == from_question
    assert printed("ask", question)[1] == from_question


def test_an_error_is_json_with_exit_code_2() -> None:
    code, found = printed("mixtral on a 6000")
    assert code == 2
    error = found["error"]
    assert (error["kind"], error["about"]) == ("ambiguous", "gpu")
    assert len(error["suggestions"]) >= 3


def test_what_does_not_fit_has_exit_code_3() -> None:
    assert printed("does llama 3 70b fit on 2 a6000s")[0] == 3
    assert printed("max context for llama 3.1 405b on one L4")[0] == 3
