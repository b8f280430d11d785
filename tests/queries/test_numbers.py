"""Numbers count as GPUs, users or tokens only where the words around them say so; nonsense is refused in a sentence."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import ask

NONSENSE = [
    ("fewest h100 for llama 3.1 70b, tp 0", "tensor_parallel_size must be a whole number of at least 1, not 0"),
    ("fewest h100 for llama 3.1 70b, pp=-1", "pipeline_parallel_size must be a whole number of at least 1, not -1"),
    ("llama 3 8b on a6000 with 0 replicas", "data_parallel_size must be a whole number of at least 1, not 0"),
    ("mixtral on 0 a6000", "the number of GPUs must be from 1"),
    ("mixtral on -2 a6000", "the number of GPUs must be from 1"),
    ("mixtral on 0 nodes of a6000", "the number of nodes must be at least 1"),
    ("how many a6000 for mixtral with 0 users", "users must be from 1"),
    ("mixtral at 0k on a6000", "context must be a whole number"),
]


@pytest.mark.parametrize(("question", "said"), NONSENSE, ids=[q for q, _ in NONSENSE])
def test_nonsense_is_refused(question: str, said: str) -> None:
    with pytest.raises(GpuSizerError, match=said):
        ask(question)


NO_NUMBERS = [
    ("i9-14900K with RTX 3090 for qwen3 8b", "fewest GeForce RTX 3090 for Qwen3 8B at 40,960 tokens, 1 user"),
    ("how many h100 for deepseek v3 no pipeline 2024-13-45", "tensor parallel only; ignored: '2024 13 45'"),
    (
        "how many h100 for llama 3 70b, ticket OPS-4-64",
        "fewest H100 SXM5 80 GB for Llama 3 70B at 8,192 tokens, 1 user",
    ),
]


@pytest.mark.parametrize(("question", "said"), NO_NUMBERS, ids=[q for q, _ in NO_NUMBERS])
def test_a_number_within_a_code_is_none(question: str, said: str) -> None:
    assert said in ask(question).understood


@pytest.mark.parametrize("question", ["llama 3 8b on a 3070 gpu", "24Gb 3090 plus a 8Gb 3070 GPU for mistral 7b"])
def test_a_gpus_number_is_no_count(question: str) -> None:
    """A GPU that is unknown may be refused, and a known one answered."""
    try:
        assert "3,070" not in ask(question).understood
        assert "1,024" not in next(ask(question).lines())
    except GpuSizerError as error:
        assert "3070" in str(error)


@pytest.mark.parametrize("question", ["llama 3 70b on a2-highgpu-8g", "llama 3 8b on Standard_ND96isr_H100_v5"])
def test_a_gpus_name_within_a_code_is_none(question: str) -> None:
    try:
        assert not ask(question).understood.startswith(("fewest A2 ", "fewest H100"))
    except GpuSizerError as error:
        assert error.about == "gpu"


@pytest.mark.parametrize("question", ["how many h100 for llama 3 70b with expert parallel", "llama 3 70b, h100, ep"])
def test_sizes_that_no_layout_keeps_are_told(question: str) -> None:
    assert "needs a mixture of experts" in next(ask(question).lines())


def test_expert_parallel_0_is_none() -> None:
    plain = ask("how many h100 for llama 3 70b")
    assert ask("how many h100 for llama 3 70b with expert parallel 0").understood == plain.understood
