"""Questions that hold a command, a log or what nvidia-smi printed; and those about the asker's own GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import GpuSizerError, RequestError, ask, fit_command, size
from gpu_sizer.evidence import preflight
from gpu_sizer.queries.pasted import find_command
from tests.cards.test_present import LIST, TABLE, tool, tools  # noqa: F401

LOGS = Path(__file__).parent.parent / "evidence" / "logs"
MIXTRAL = "vllm serve mistralai/Mixtral-8x7B-Instruct-v0.1 -tp 4 --port 8000"


@pytest.mark.parametrize(
    ("question", "fits", "gpu", "layout"),
    [
        (f"will `{MIXTRAL}` start on 4 a6000s?", True, "rtx-a6000", "tensor parallel 4"),
        (f"does '{MIXTRAL}' start on 4 a6000s?", True, "rtx-a6000", "tensor parallel 4"),
        (f"{MIXTRAL} on 4x a6000", True, "rtx-a6000", "tensor parallel 4"),
        (f"on 2 a6000s: {MIXTRAL}", False, "rtx-a6000", "tensor parallel 4"),
        ("vllm serve Qwen/Qwen3-8B --max-model-len 32768 on an l4", False, "l4", "one GPU"),
        ("does python -m sglang.launch_server --model deepseek-ai/DeepSeek-V3 --tp 8 work on 8 h200s", True,
         "h200", "tensor parallel 8"),
        ("docker run --gpus all vllm/vllm-openai:v0.11.0 --model mistralai/Mistral-7B-v0.1 -tp 2 on 1 x 3090", False,
         "rtx-3090", "tensor parallel 2"),
    ],
)  # fmt: skip
def test_a_command_in_a_question(question: str, fits: bool, gpu: str, layout: str) -> None:
    found = ask(question)
    assert found.intent == "fit"
    assert (found.fits, found.result.request.gpu.id, found.result.layout.describe()) == (fits, gpu, layout)
    assert found.understood.startswith("whether `")


def test_a_command_in_a_question_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    own = preflight.preflight

    def counting(text: str) -> preflight.Preflight:
        read.append(text)
        return own(text)

    monkeypatch.setattr(preflight, "preflight", counting)
    assert ask(f"{MIXTRAL} on 4x a6000").fits
    assert read == [MIXTRAL]


def test_a_question_and_a_call_say_the_same() -> None:
    asked, called = ask(f"{MIXTRAL} on 4 a6000s"), fit_command(MIXTRAL, gpu="a6000", gpu_count=4)
    assert asked.result == called.fit
    assert called.notes == ("Not considered: --port",)
    assert called.notes[0] in asked.warnings


def test_settings_beside_a_command_go_first() -> None:
    assert fit_command(MIXTRAL, gpu="a6000", context=4096, gpu_count=4).fit.request.context == 4096
    assert fit_command(MIXTRAL, gpu="a6000", tensor_parallel_size=8).fit.layout.tensor_parallel_size == 8
    assert not fit_command(MIXTRAL, gpu="a6000", gpu_count=3).fits
    assert fit_command(MIXTRAL, machine="lambda/gpu_4x_a6000").fits
    assert "4 GPUs, and 1 is there" in str(fit_command(MIXTRAL, gpu="a6000", gpu_count=1).fit.reason)


def test_a_layout_over_more_gpus_than_there_are_does_not_fit() -> None:
    found = ask("does mixtral 8x7b fit on 2 a6000s with tp 4")
    assert (found.fits, found.result.reason) == (False, "that takes 4 GPUs, and 2 are there")


def test_what_is_missing_is_asked_for() -> None:
    with pytest.raises(RequestError, match="on which GPU does the command run") as error:
        ask("vllm serve Qwen/Qwen3-8B")
    assert (error.value.kind, error.value.about) == ("incomplete", "gpu")
    with pytest.raises(RequestError, match="by \\$MODEL, of which nothing is told"):
        fit_command("vllm serve $MODEL", gpu="a6000")
    assert fit_command("MODEL=Qwen/Qwen3-8B; vllm serve $MODEL --max-model-len 8192", gpu="a6000").fits


def test_the_gpu_of_a_manifest() -> None:
    text = (
        "spec:\n  nodeSelector: {nvidia.com/gpu.product: NVIDIA-L40S}\n  containers:\n"
        "  - image: vllm/vllm-openai:v0.11.0\n    args: [--model, Qwen/Qwen3-8B, --max-model-len, '8192']\n"
        "    resources: {limits: {nvidia.com/gpu: 1}}\n"
    )
    found = fit_command(text)
    assert (found.fits, found.fit.request.gpu.id, found.command.gpu_count) == (True, "l40s", 1)


def test_a_manifest_of_our_own_is_read_back() -> None:
    """Layout, length and GPU of the file that deploy writes."""
    plan = size("mixtral-8x7b", gpu="a6000")
    found = fit_command(plan.deploy("kubernetes"))
    assert (found.fits, found.fit.layout, found.fit.request.gpu.id) == (True, plan.layout, "rtx-a6000")
    assert (found.fit.request.context, found.command.gpu_count) == (plan.request.context, plan.gpu_count)


def test_a_log_in_the_place_of_a_question() -> None:
    found = ask((LOGS / "vllm-v1-two-workers.log").read_text(encoding="utf-8"))
    assert found.intent == "check"
    dumped = found.model_dump()
    assert dumped["found"]["tp"] == 2
    assert "errors" in dumped
    assert "(understood: the start-up log of Qwen2-7B-Instruct, beside the estimate)" in list(found.lines())


@pytest.mark.parametrize(("paste", "gpu"), [(TABLE, "a100"), (LIST, "h100-80gb")])
def test_what_nvidia_smi_printed(paste: str, gpu: str) -> None:
    found = ask(f"can i run llama 3 70b here?\n{paste}")
    assert (found.fits, found.result.gpu_count) == (True, 2)
    assert found.result.fit.request.gpu.id.startswith(gpu)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("can my gpu run llama 3 8b", "fit"),
        ("what can i run on my gpu", "models"),
        ("how long a context on my gpus with mistral 7b", "context"),
        ("how many users can this computer serve with llama 3 8b", "users"),
    ],
)
def test_my_gpu(question: str, intent: str, tools: Path) -> None:  # noqa: F811
    tool(tools, "nvidia-smi", "NVIDIA GeForce RTX 4090, 24564 MiB, 24111 MiB, [N/A]\n" * 2)
    found = ask(question)
    assert found.intent == intent
    assert found.understood.endswith("this computer: 2 × rtx-4090")


def test_a_gpu_that_is_named_goes_before_the_own(tools: Path) -> None:  # noqa: F811
    tool(tools, "nvidia-smi", "NVIDIA GeForce RTX 4090, 24564 MiB, 24111 MiB, [N/A]\n")
    assert "3090" in ask("llama 3 8b on my gpu, a 3090").understood


def test_no_gpu_of_ones_own_is_said_in_the_first_line(tools: Path) -> None:  # noqa: F811
    assert "No GPU is found on this computer" in next(iter(ask("can my gpu run llama 3 8b").lines()))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_command_is_a_fault(before: str, behind: str) -> None:
    text = f"{before} vllm serve Qwen/Qwen3-8B {behind} on a l4"
    find_command(text)
    try:
        ask(text)
    except GpuSizerError as error:
        assert str(error)
