"""What a person chooses from: each count is the planner's, and the command that is told starts what was planned."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from gpu_sizer import estimate, size
from gpu_sizer.cli.entry import run
from gpu_sizer.queries.answers import Answer, ask
from gpu_sizer.words import told
from gpu_sizer.words.blocks import BRIEF, USUAL, WHY, Pairs, Told
from gpu_sizer.words.ways import command, length

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "a pipeline is the fewest": ("mixtral-8x7b", {"gpu": "a6000"}),
    "one GPU": ("qwen3-0.6b", {"gpu": "t4"}),
    "several machines": ("llama-3.1-405b", {"gpu": "h100"}),
    "tight": ("deepseek-v3", {"gpu": "h100"}),
    "another load": ("llama-3-70b", {"gpu": "a6000", "context": 4096, "users": 9, "gpu_memory_utilization": 0.85}),
    "another engine": ("llama-3-70b", {"gpu": "a6000", "engine": "sglang", "kv_cache_dtype": "fp8"}),
    "tensor parallel only": ("mixtral-8x7b", {"gpu": "a6000", "layouts": "tensor", "enforce_eager": True}),
    "a setting turned off": ("gemma-3-27b", {"gpu": "a6000", "hybrid_kv": False}),
    "a rate": ("llama-3-8b", {"gpu": "l4", "users": 8, "tokens_per_second": 12.5}),
    "a machine": ("mixtral-8x7b", {"machine": "hyperstack/n3-RTX-A6000x4"}),
}


def choices(words: Told) -> list[tuple[str, str]]:
    first = words.blocks[0]
    assert isinstance(first, Pairs)
    return list(first.rows)


@pytest.mark.parametrize(("model", "load"), CASES.values(), ids=CASES)
def test_the_fewest_come_first_and_each_count_is_the_planner_s(model: str, load: dict[str, Any]) -> None:
    plan = size(model, **load)
    words = told(plan)
    count = plan.gpu_count
    headline = words.headline.removeprefix(plan.request.model.name)
    if plan.request.counts_machines:  # their number stands first, then that of their GPUs
        assert f"{count} GPUs would do" in headline
        return
    first_number = re.search(r"\d+", headline)
    assert first_number is not None
    assert int(first_number[0]) == count
    rows = choices(words)
    assert rows[0][0].split()[0] == str(count)
    assert rows[0][1].startswith("the fewest")
    known = {count, plan.safe_gpu_count, *(a.gpu_count for a in plan.alternatives)}
    if plan.tuned is not None:
        known.add(plan.tuned.gpu_count)
    for label, said in rows:
        if label.endswith(("GPU", "GPUs")) and "whole machine" not in said and not said.startswith("no"):
            assert int(label.split()[0]) in known, (label, said)


@pytest.mark.parametrize(("model", "load"), CASES.values(), ids=CASES)
def test_what_one_fewer_lacks_is_what_its_layout_lacks(model: str, load: dict[str, Any]) -> None:
    plan = size(model, **load)
    for fewer in plan.rejections:
        assert fewer.gpu_count < (plan.gpu_count or 0)
        if fewer.missing_bytes is None or fewer.layout is None:
            continue
        sizes = {k: v for k, v in fewer.layout.model_dump().items() if k != "decode_context_parallel_size"}
        here = {k: v for k, v in load.items() if k != "layouts"}
        lacking = estimate(model, **here, **sizes).per_gpu
        assert lacking is not None
        assert lacking.free_bytes == -fewer.missing_bytes < 0


@pytest.mark.parametrize(("model", "load"), CASES.values(), ids=CASES)
def test_the_command_starts_what_was_planned(
    model: str, load: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = size(model, **load)
    line = dict(choices(told(plan)))["start it"]
    assert line == command(plan)
    program, *words = shlex.split(line)
    assert program == "gpu-sizer"
    assert run(words) == 0
    assert capsys.readouterr().out == plan.deploy(words[-1])
    # The same words ask `size` for the same plan.
    assert run(["size", *words[1 : words.index("--as")], "--quiet"]) == 0
    assert capsys.readouterr().out == f"{plan.gpu_count}\n"


def test_a_release_known_by_its_name_alone_is_started_from_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    plan = size("laguna-s-2.1-nvfp4", gpu="rtx-pro-6000")
    line = command(plan)
    assert line is not None
    words = shlex.split(line)[1:]
    assert words[:2] == ["deploy", "laguna-s-2.1-nvfp4"]
    assert words[words.index("--weights") + 1] == "REPOSITORY"
    assert run([*words[: words.index("--weights") + 1], "someone/Laguna-S-2.1-NVFP4", "--as", "vllm"]) == 0
    assert "\nvllm serve someone/Laguna-S-2.1-NVFP4 " in capsys.readouterr().out


def test_less_and_more_are_told() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    brief, usual, why = (told(plan, level) for level in (BRIEF, USUAL, WHY))
    assert brief.headline == usual.headline == why.headline
    assert len(brief.blocks) < len(usual.blocks) < len(why.blocks)
    terms = why.blocks[-1]
    assert isinstance(terms, Pairs)
    assert {"pipeline", "tensor parallel", "a program sees", "utilization"} <= {term for term, _ in terms.rows}
    assert "tight" not in dict(terms.rows)


LENGTHS = {
    1000: "1,000",
    2048: "2k",
    8192: "8k",
    32_768: "32k",
    40_960: "40k",
    128_000: "128k",
    131_072: "131k",
    163_840: "164k",
    1_000_000: "1M",
    1_048_576: "1.05M",
    10_485_760: "10.5M",
}


@pytest.mark.parametrize(("tokens", "said"), LENGTHS.items(), ids=LENGTHS.values())
def test_lengths_in_a_row(tokens: int, said: str) -> None:
    assert length(tokens) == said


def test_the_command_starts_the_release_that_was_asked_about_in_the_sizes_that_were_told() -> None:
    distilled = size("deepseek-r1-distill-qwen-32b", gpu="h100", context=8192)
    line = command(distilled)
    assert line is not None
    assert "deploy deepseek-ai/DeepSeek-R1-Distill-Qwen-32B " in line
    assert run(shlex.split(line)[1:]) == 0
    found = ask("deploy 3 replicas of llama 3 8b on l4s")
    assert isinstance(found, Answer)
    assert found.plan is not None
    assert " --dp 3 " in str(command(found.plan))
    assert "usual choice" not in found.headline


def test_what_is_wrong_with_a_price_is_said_once() -> None:
    (line,) = [s for s in ask("how many h100 for mixtral 8x7b on vast.ai").lines() if "of Vast.ai, $" in s]
    assert line.endswith("(marketplace undated price)")
