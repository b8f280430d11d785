"""Machines and providers in questions."""

from __future__ import annotations

from typing import Any

import pytest

import gpu_sizer
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import UnknownMachineError
from gpu_sizer.queries.machines import in_gpus


@pytest.mark.parametrize(
    ("question", "fits", "gpu", "count", "machine"),
    [
        ("llama 3 70b on a p4d.24xlarge", True, "a100-40gb", 8, "p4d.24xlarge"),
        ("does mixtral 8x7b fit on a g5.12xlarge?", False, "a10g", 4, None),
        ("can one Standard_ND96isr_H100_v5 host deepseek-v3", False, "h100-80gb", 8, None),
        ("llama 3 70b on a2-highgpu-8g", True, "a100-40gb", 8, "a2-highgpu-8g"),
        ("do two p5.48xlarge run deepseek r1", True, "h100-80gb", 16, "p5.48xlarge"),
        ("does llama 3 8b fit on a Standard_NV6ads_A10_v5", False, "a10-4gb", 1, None),
        ("mixtral 8x7b on a lambda gpu_4x_a6000", True, "rtx-a6000", 4, "gpu_4x_a6000"),
        ("is mixtral 8x7b ok on an 8xlarge g5", False, "a10g", 1, None),
    ],
)
def test_a_machine_is_its_gpus(question: str, fits: bool, gpu: str, count: int, machine: str | None) -> None:
    found: Any = gpu_sizer.ask(question).model_dump()
    assert (found["fits"], found["gpu"], found["gpu_count"]) == (fits, gpu, count)
    assert (found["machines"] or {}).get("machine") == machine
    assert found["question"] == question


def test_how_many_machines_is_a_count() -> None:
    answer = gpu_sizer.ask("how many p5.48xlarge for deepseek r1")
    found: Any = answer.model_dump()
    assert found["intent"] == "count"
    assert (found["machines"]["machine"], found["machines"]["count"]) == ("p5.48xlarge", 2)
    assert "p5.48xlarge of AWS: 8 × h100-80gb" in answer.understood
    assert any("2 × p5.48xlarge of AWS" in line for line in answer.lines())


def test_the_gpus_told_beside_a_machine_are_its_own() -> None:
    found = in_gpus("mixtral with Azure Standard NC48ads A100 v4, A100 (160GB) at tp 2", catalogue())
    assert " ".join(found.text.split()) == "mixtral with 2 x a100-pcie-80gb at tp 2"


@pytest.mark.parametrize(
    ("question", "provider"),
    [
        ("cheapest gpu for mixtral 8x7b on aws", "aws"),
        ("which gpus on google cloud run llama 3 70b at 8k", "gcp"),
    ],
)
def test_a_provider_filters(question: str, provider: str) -> None:
    answer = gpu_sizer.ask(question)
    options: Any = answer.model_dump()["options"]
    assert {o["machines"]["provider"] for o in options} == {provider}
    assert "alone" in answer.understood
    assert "ignored" not in answer.understood


def test_a_provider_names_the_machines_beside_a_count() -> None:
    found: Any = gpu_sizer.ask("how many A100s on azure for llama 3 70b").model_dump()
    assert found["machines"]["provider"] == "azure"


def test_an_organization_is_no_provider() -> None:
    assert in_gpus("google gemma 3 27b on 2 L40S", catalogue()).provider is None


def test_a_name_that_two_providers_share_is_asked_back() -> None:
    with pytest.raises(UnknownMachineError, match="lambda/gpu_1x_a100"):
        gpu_sizer.ask("mixtral on gpu_1x_a100")
