"""The computer around a GPU, chips that are not known, and models that nobody can download."""

from __future__ import annotations

import pytest

from gpu_sizer import speed
from gpu_sizer.errors import GpuSizerError, UnknownGpuError, UnknownModelError
from gpu_sizer.queries.answers import Answer, ask
from gpu_sizer.queries.closed import closed_model

COMPUTERS = [
    ("mistral 7b on 3090, 64GB DDR5 ram", "mistral 7b on 3090"),
    ("my pc: i7-12700K, RTX 4080, 32GB DDR5-6000, 2TB SSD - qwen3 14b?", "qwen3 14b on rtx 4080"),
    ("2 x Xeon Gold 6248R with 4 V100 32GB for llama 3 70b", "llama 3 70b on 4 V100 32GB"),
    ("llama 3 8b on a 3090 with ryzen 9 7950x and a 1200W PSU", "llama 3 8b on a 3090"),
    ("llama 3 8b on a 3090, driver 535.104.05, CUDA 12.4, Ubuntu 22.04", "llama 3 8b on a 3090"),
]


@pytest.mark.parametrize(("question", "plain"), COMPUTERS, ids=[q for q, _ in COMPUTERS])
def test_the_computer_changes_nothing(question: str, plain: str) -> None:
    assert ask(question).understood == ask(plain).understood


def test_system_memory_is_told_in_the_first_line() -> None:
    found = ask("can i run llama 3.3 70b on one 4090 with 128gb of system ram")
    assert isinstance(found, Answer)
    assert "System memory is not counted" in found.headline


CHIPS = [
    ("llama 3 8b on an m5 max 128gb", "M5 Max"),
    ("what fits on a macbook air with 16gb", "Macbook"),
    ("deepseek v3 on 16 ascend 910b, does it fit?", "Ascend 910B"),
    ("qwen2.5 7b on TPU v5e", "TPU"),
    ("llama 3 8b on a jetson orin", "Jetson"),
]


@pytest.mark.parametrize(("question", "name"), CHIPS, ids=[q for q, _ in CHIPS])
def test_a_chip_that_is_not_known_is_named(question: str, name: str) -> None:
    with pytest.raises(UnknownGpuError) as error:
        ask(question)
    assert name.casefold() in str(error.value).casefold()
    assert error.value.kind == "unknown"


UNKNOWN = [
    ("llama 3 8b on gtx 980 ti", "980 ti"),
    ("4x M60 for mixtral q4", "m60"),
    ("arc b390 for qwen3 8b", "arc b390"),
    ("how many Z9000 for mixtral", "z9000"),
    ("does phi-4 fit on an RTX 3050 laptop gpu", "3050 laptop"),
    ("inf2.48xlarge llama 3 70b", "inf2.48xlarge"),
]


@pytest.mark.parametrize(("question", "name"), UNKNOWN, ids=[q for q, _ in UNKNOWN])
def test_a_gpu_that_is_not_known_is_named(question: str, name: str) -> None:
    """Where the catalogue comes to know it, it is answered."""
    try:
        assert ask(question).model_dump()["gpu"]
    except GpuSizerError as error:
        assert f"'{name}'" in str(error)
        assert error.about == "gpu"


def test_every_gpu_that_is_not_known_is_named() -> None:
    with pytest.raises(UnknownGpuError) as error:
        ask("qwen3 32b on an RX 5700 XT (8 GB) + GTX 970 (4 GB)")
    assert "5700" in str(error.value)
    assert "970" in str(error.value)


CLOSED = ["gpt-4", "gpt 4o", "claude 3.5 sonnet", "gemini 2.5 pro", "chatgpt", "o3-mini"]


@pytest.mark.parametrize("name", CLOSED)
def test_a_model_that_is_not_public_is_told(name: str) -> None:
    with pytest.raises(UnknownModelError, match="its weights are not public"):
        ask(f"how many h100 does {name} need")


@pytest.mark.parametrize("name", ["gpt-2", "gpt-oss-120b", "gpt-j-6b", "gemma 3", "frobnicate 12b", "it", "mixtral"])
def test_a_public_model_is_not(name: str) -> None:
    assert closed_model(name) is None


def test_a_closed_model_beside_a_public_one_is_told_in_the_first_line() -> None:
    found = ask("gpt-4o vs llama 3 70b on h100")
    assert isinstance(found, Answer)
    assert "its weights are not public" in found.headline


SPEED = [
    "llama 3 8b on l4, TTFT under 500 ms",
    "llama 3 8b on a 4090, I get 12 t/s",
    "mixtral on 2 a100 with high throughput",
]


@pytest.mark.parametrize("question", SPEED)
def test_speed_is_never_silently_left_out(question: str) -> None:
    found = ask(question)
    assert isinstance(found, Answer)
    assert "speed" in found.headline.casefold()
    assert "tokens a second" in found.headline


def test_a_question_about_speed_is_answered_as_the_call_does() -> None:
    found = ask("how fast is qwen3 8b on 2 h100 with 16 users").model_dump()
    asked_for = speed("qwen3-8b", gpu="h100", gpu_count=2, users=16).model_dump()
    assert found["intent"] == "speed"
    assert {k: found[k] for k in asked_for} == asked_for


def test_the_speed_of_a_quantized_file_is_not_guessed() -> None:
    with pytest.raises(GpuSizerError, match="nothing is known here of the speed of Q4_K_M files"):
        ask("how fast is llama 3 8b q4_k_m on a 3090")


def test_what_is_ignored_stands_in_the_json() -> None:
    assert ask("how many a6000 for frobnicated mixtral").model_dump()["ignored"] == ["frobnicated"]
