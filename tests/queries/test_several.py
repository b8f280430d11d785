"""Questions that name several models, lengths or kinds of GPU, copies, machines, or memory instead of a GPU."""

from __future__ import annotations

from typing import Any

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import Answer, Answers, ask

SEVERAL: list[tuple[str, list[tuple[str, str, str | int]]]] = [
    (
        "GPUs for gemma 3 27b and for mistral small 3.1 24b, on L40S",
        [("gemma-3-27b", "gpu", "l40s"), ("mistral-small-3.1-24b", "gpu", "l40s")],
    ),
    (
        "llama 3 8b on l4 and llama 3 70b on h100",
        [("llama-3-8b", "gpu", "l4"), ("llama-3-70b", "gpu", "h100-80gb")],
    ),
    (
        "how many h100 for llama 3.1 8b at 8k and 32k context",
        [("llama-3.1-8b", "context", 8192), ("llama-3.1-8b", "context", 32768)],
    ),
    (
        "3x 3090 or 1x a6000 for mixtral?",
        [("mixtral-8x7b", "gpu_count", 3), ("mixtral-8x7b", "gpu_count", 1)],
    ),
    (
        "4x A6000 vs 2x H100 for llama 3.3 70b",
        [("llama-3.3-70b", "gpu_count", 4), ("llama-3.3-70b", "gpu_count", 2)],
    ),
    (
        "llama 3.3 70b fp8 vs bf16 how many h100 each",
        [("llama-3.3-70b", "weights_dtype", "float8-channel"), ("llama-3.3-70b", "weights_dtype", "bfloat16")],
    ),
    (
        "4090 vs 3090 for qwen3 14b, which is faster",
        [("qwen3-14b", "gpu", "rtx-4090"), ("qwen3-14b", "gpu", "rtx-3090")],
    ),
    (
        "h100 vs a100 cost per million tokens llama 3.1 8b",
        [("llama-3.1-8b", "gpu", "h100-80gb"), ("llama-3.1-8b", "gpu", "a100-80gb")],
    ),
    (
        "llama 3 8b and qwen 7b on a 48gb a6000",
        [("llama-3-8b", "gpu", "rtx-a6000"), ("qwen2.5-7b", "gpu", "rtx-a6000")],
    ),
    (
        "compare llama 70b and qwen 72b on h100",
        [("llama-3.3-70b", "gpu", "h100-80gb"), ("qwen2.5-72b", "gpu", "h100-80gb")],
    ),
]


def value(answer: dict[str, Any], key: str) -> Any:
    return answer.get(key, answer.get("assumptions", {}).get(key))


@pytest.mark.parametrize(("question", "parts"), SEVERAL, ids=[q for q, _ in SEVERAL])
def test_each_part_is_answered(question: str, parts: list[tuple[str, str, str | int]]) -> None:
    found = ask(question)
    assert isinstance(found, Answers)
    dumped = found.model_dump()
    assert dumped["intent"] == "several"
    shown = [a if "gpu" in a or "options" not in a else {**a, **a["options"][0]} for a in dumped["answers"]]
    assert [(a["model"], key, value(a, key)) for a, (_, key, _) in zip(shown, parts, strict=True)] == parts
    lines = list(found.lines())
    assert lines[: len(parts)] == [a.headline for a in found.answers]


def test_a_part_that_has_no_answer_does_not_end_the_others() -> None:
    first, second = ask("llama 3 70b on h100 at 8k and 32k").model_dump()["answers"]
    assert first["gpu_count"] == 2
    assert second["error"]["about"] == "context"


def test_of_several_types_the_largest_that_fits_is_sought() -> None:
    found = ask("which quant of qwen3 32b fits on a 3090 at 8k context")
    assert isinstance(found, Answers)
    first, *others = (a.headline for a in found.answers)
    assert first.startswith("Yes")
    assert "q4_k_m" in first
    assert [h.rpartition(" ")[2] for h in others] == ["q8_0.", "q6_k.", "q5_k_m."]
    dumped = found.model_dump()
    assert (dumped["model"], dumped["gpu"]) == ("qwen3-32b", "rtx-3090")
    assert found.fits
    assert not ask("which quant of llama 3.1 405b fits on a 3090").fits


def test_kinds_without_a_model_are_told_by_what_runs_on_each() -> None:
    found = ask("4x A6000 vs 2x L40S")
    assert isinstance(found, Answers)
    assert [a.intent for a in found.answers if isinstance(a, Answer)] == ["models", "models"]


def test_a_question_whose_parts_all_fail_is_an_error() -> None:
    with pytest.raises(GpuSizerError, match="longer than"):
        ask("llama 3 70b on h100 at 64k and 32k")


def one(question: str) -> Answer:
    found = ask(question)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    "question",
    [
        "does llama 3 70b fit on 2x 4090 + 1x 3090",
        "llama 3 70b on one 3090 and two 4090s together",
    ],
)
def test_gpus_that_differ_are_taken_together(question: str) -> None:
    found = one(question)
    assert "3 GPUs of 2 kinds together" in found.understood
    assert "1 × GeForce RTX 3090" in found.headline
    assert "2 × GeForce RTX 4090" in found.headline
    assert found.intent == "fit"
    assert "GPUs of one kind" in found.headline


def test_gpus_to_choose_from_are_compared() -> None:
    assert one("llama 3 8b on a 3090 or a 4090").intent == "compare"


def test_vllm_refuses_gpus_that_differ() -> None:
    with pytest.raises(GpuSizerError, match="alike"):
        ask("llama 3 70b on 2x 4090 plus 1x 3090 with vllm")


@pytest.mark.parametrize(
    ("question", "copies", "share"),
    [
        ("can i run 4 copies of mistral 7b on one a100", 4, 0.23),
        ("two instances of qwen2.5 7b on a single L40S at 8k", 2, 0.46),
    ],
)
def test_copies_share_one_gpu(question: str, copies: int, share: float) -> None:
    found = one(question)
    assert f"{copies} copies share one GPU, each in {share} of its memory" in found.headline
    dumped = found.model_dump()
    assert dumped["gpu_count"] == 1
    assert dumped["assumptions"]["gpu_memory_utilization"] == share


def test_copies_on_as_many_gpus_are_replicas() -> None:
    assert "2 replicas" in one("2 copies of llama 3 8b on 2 l40s").headline


@pytest.mark.parametrize(
    ("question", "gpu", "count"),
    [
        ("llama 3 70b on a p4d.24xlarge", "a100-40gb", 8),
        ("does mixtral 8x7b fit on a g5.12xlarge?", "a10g", 4),
        ("can one Standard_ND96isr_H100_v5 host deepseek-v3", "h100-80gb", 8),
        ("llama 3 70b on a2-highgpu-8g", "a100-40gb", 8),
        ("mixtral on azure Standard NC48ads A100 v4, A100 (160GB)", "a100-pcie-80gb", 2),
        ("kimi k2 on 2 p5.48xlarge", "h100-80gb", 16),
        ("are two H100 nodes enough for deepseek r1", "h100-80gb", 16),
        ("mixtral on an A100 (160GB)", "a100-80gb", 2),
    ],
)
def test_machines_are_their_gpus(question: str, gpu: str, count: int) -> None:
    found = one(question).model_dump()
    assert (found["intent"], found["gpu"], found["gpu_count"]) == ("fit", gpu, count)


def test_a_number_of_machines_is_told() -> None:
    found = one("how many 8xH100 machines for kimi k2 at 128k")
    assert found.intent == "count"
    assert found.headline.startswith("Kimi K2 needs 2 machines of 8 × H100 SXM5 80 GB (16 GPUs, ")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what can i run on 24gb of vram", "24 GB taken as a10, of which a program sees least"),
        ("does llama 3 70b fit in 2x80gb", "80 GB taken as"),
    ],
)
def test_memory_stands_for_a_gpu_that_has_it(question: str, said: str) -> None:
    assert said in one(question).understood


def test_two_of_that_memory_are_two() -> None:
    assert one("does llama 3 70b fit in 2x80gb").model_dump()["gpu_count"] == 2


def test_what_does_not_fit_says_up_to_which_context_it_does() -> None:
    found = one("does qwen2.5 72b fit on 2 a100 80gb")
    assert not found.fits
    assert "With a shorter context it fits: up to" in found.headline


def test_a_name_of_two_memories_says_where_it_decides() -> None:
    assert "On 2 × A100 SXM4 40 GB" in one("mixtral 8x7b on 2 A100 runs out of memory").headline
    assert "40 GB" not in one("mixtral 8x7b on 2 A100 80GB").headline


def test_a_draft_model_is_no_model_to_size() -> None:
    found = one("Qwen2.5-32B-Instruct on 4 a100 40gb, speculative_model is Qwen2.5-7B-Instruct")
    assert found.model_dump()["model"] == "qwen2.5-32b"
    assert found.result.fit.request.load.speculative == "draft:qwen2.5-7b:5"
