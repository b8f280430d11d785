"""Slices of GPUs in questions: a profile with the GPU that it is one of, in the orders in which people say them."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import RequestError, UnknownGpuError
from gpu_sizer.queries.answers import ask

ASKED = [
    ("qwen3 8b on a 3g.40gb slice of an a100", "a100-80gb-3g.40gb"),
    ("llama 3 8b on h100 2g.20gb", "h100-80gb-2g.20gb"),
    ("llama 3 8b on a MIG 3g.40gb instance of an H100 80GB", "h100-80gb-3g.40gb"),
    ("mistral 7b on 3g.71gb", "h200-3g.71gb"),
    ("qwen3 0.6b on an a100 80gb pcie 1g.10gb slice", "a100-pcie-80gb-1g.10gb"),
    ("how many users does a mig-1g.24gb of an h100 nvl serve with qwen3 4b", "h100-nvl-1g.24gb"),
    ("qwen3 0.6b on nvidia.com/mig-1g.10gb of an a100 40gb", "a100-40gb-1g.10gb"),
    ("llama 3 8b on a100-80gb-3g.40gb", "a100-80gb-3g.40gb"),
]


@pytest.mark.parametrize(("question", "gpu"), ASKED, ids=[q for q, _ in ASKED])
def test_a_slice_is_understood(question: str, gpu: str) -> None:
    assert ask(question).model_dump()["gpu"] == gpu


def test_two_slices_are_compared() -> None:
    found = ask("compare a30 2g.12gb and h200 1g.18gb for qwen3 4b")
    assert "A30 MIG 2g.12gb or H200 SXM 141 GB MIG 1g.18gb" in found.understood


@pytest.mark.parametrize(
    ("question", "kind", "message"),
    [
        ("llama 3 8b on a 3g.40gb", "ambiguous", "a slice 3g.40gb of which GPU? a100-80gb-3g.40gb"),
        ("llama 3 8b on an A100 MIG 1g.10gb", "ambiguous", "a100-40gb-1g.10gb or a100-80gb-1g.10gb"),
        ("llama 3 8b on an a100 5g.30gb", "unknown", "no profile 5g.30gb is known: A100 has 1g.10gb"),
    ],
)
def test_a_slice_that_is_none_or_one_of_several_is_asked_back(question: str, kind: str, message: str) -> None:
    with pytest.raises(UnknownGpuError) as caught:
        ask(question)
    assert caught.value.kind == kind
    assert message in str(caught.value)


def test_a_part_that_is_no_profile_is_told_what_to_say() -> None:
    with pytest.raises(RequestError, match=r"by its profile: name it, as in a100-80gb-3g\.40gb"):
        ask("llama 3 8b on a quarter of an a100")
