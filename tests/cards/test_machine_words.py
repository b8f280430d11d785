"""Machines in a text, in the spellings in which people write them."""

from __future__ import annotations

import pytest

from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cards.machine_words import find_machine, find_provider
from gpu_sizer.errors import UnknownMachineError


@pytest.mark.parametrize(
    ("text", "key", "span"),
    [
        ("llama 3 70b on a p4d.24xlarge", "aws/p4d.24xlarge", "p4d.24xlarge"),
        ("does mixtral 8x7b fit on a g5.12xlarge?", "aws/g5.12xlarge", "g5.12xlarge"),
        ("can one Standard_ND96isr_H100_v5 host deepseek-v3", "azure/Standard_ND96isr_H100_v5", None),
        ("llama 3 70b on a2-highgpu-8g", "gcp/a2-highgpu-8g", "a2-highgpu-8g"),
        ("deployed with Azure Standard NC48ads A100 v4, A100 (160GB)", "azure/Standard_NC48ads_A100_v4", None),
        ("deepseek r1 on ND96isr_H100_v5", "azure/Standard_ND96isr_H100_v5", "ND96isr_H100_v5"),
        ("deepseek r1 on ND96isr H200 v5", "azure/Standard_ND96isr_H200_v5", "ND96isr H200 v5"),
        ("is a p5 instance enough for kimi k2", "aws/p5.48xlarge", "p5 instance"),
        ("mixtral on an 8xlarge g5", "aws/g5.8xlarge", "8xlarge g5"),
        ("mixtral on g5 12xlarge", "aws/g5.12xlarge", "g5 12xlarge"),
        ("mixtral on ml.g5.12xlarge (sagemaker)", "aws/g5.12xlarge", "ml.g5.12xlarge"),
        ("mixtral on P5.48XLARGE.", "aws/p5.48xlarge", "P5.48XLARGE"),
        ("mixtral on gpu_4x_a6000", "lambda/gpu_4x_a6000", "gpu_4x_a6000"),
        ("mixtral on lambda gpu_1x_a100", "lambda/gpu_1x_a100", "gpu_1x_a100"),
        ("mixtral on gpu_1x_a100 of massed compute", "massedcompute/gpu_1x_a100", "gpu_1x_a100"),
        ("mixtral on a BM.GPU.H100.8 node", "oci/BM.GPU.H100.8", "BM.GPU.H100.8 node"),
        ("qwen3 32b on a paperspace/A4000x4", "paperspace/A4000x4", "paperspace/A4000x4"),
        ("llama on a3 mega", "gcp/a3-megagpu-8g", "a3 mega"),
    ],
)
def test_found(text: str, key: str, span: str | None) -> None:
    found = find_machine(text, fleet())
    assert found is not None
    assert found.offer.key == key
    if span is not None:
        assert text[found.start : found.stop] == span


@pytest.mark.parametrize(
    "text",
    [
        "how many A6000s for Mixtral 8x7b",
        "llama-3-70b on 4x A100-80GB with 8k context",
        "does qwen2.5-72b-instruct fit on 2 h100s in one node?",
        "which gpu 1x A100 for mixtral",
        "two instances of qwen2.5 7b on a single L40S, possible?",
        "gpt-oss-120b on H100, 2 servers",
        "is an A4000 enough for phi-3-mini-128k",
        "mistral-7b-v0.1 on a v100-32gb machine",
        "gemma-3-27b on GH200 480GB",
    ],
)
def test_a_gpu_or_a_model_is_no_machine(text: str) -> None:
    assert find_machine(text, fleet()) is None


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("mixtral on gpu_1x_a100", "ambiguous", "lambda/gpu_1x_a100"),
        ("mixtral on a g5 instance", "ambiguous", "aws/g5.12xlarge (4 × a10g)"),
        ("mixtral on p5.47xlarge", "unknown", "did you mean aws/p5"),
        ("mixtral on a c5.4xlarge", "unknown", "unknown machine 'c5.4xlarge'"),
        ("mixtral on Standard_ND96isr_H900_v5", "unknown", "did you mean azure/Standard_ND96isr_H"),
    ],
)
def test_asked_back(text: str, kind: str, said: str) -> None:
    with pytest.raises(UnknownMachineError) as caught:
        find_machine(text, fleet())
    assert caught.value.kind == kind
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("cheapest gpus on aws for mixtral", "aws"),
        ("at Lambda Labs, what runs R1", "lambda"),
        ("mixtral on google cloud?", "gcp"),
        ("how many A6000s for Mixtral 8x7b", None),
    ],
)
def test_providers(text: str, provider: str | None) -> None:
    found = find_provider(text, fleet())
    assert (found.provider if found else None) == provider
