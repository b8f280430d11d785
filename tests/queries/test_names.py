"""Names in questions: what is nearly a name is taken and told, what is another thing's is not."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import UnknownGpuError, UnknownModelError
from gpu_sizer.queries.answers import ask

TAKEN = [
    ("how many a6000 for mixtrl", "'mixtrl' taken as mixtral-8x7b"),
    ("how many h100 for lama 3 70b", "'lama 3 70b' taken as llama-3-70b"),
    ("how many h100 for deepsek v3", "'deepsek v3' taken as deepseek-v3"),
    ("unsloth/Llama-3.2-3B-Instruct on l4", "'unsloth/llama-3.2-3b-instruct' taken as llama-3.2-3b"),
]


@pytest.mark.parametrize(("question", "told"), TAKEN, ids=[q for q, _ in TAKEN])
def test_what_is_corrected_is_told(question: str, told: str) -> None:
    found = ask(question)
    assert found.understood.count(told) == 1
    assert found.model_dump()["understood"] == found.understood


OTHERS = [
    ("llama 3 8b on rx 7900 xt", "rx-7900-xtx"),
    ("llama 3 8b on a 7900 xt", "rx-7900-xtx"),
    ("llama 3 8b on nvidia a800", "h800-80gb"),
    ("mixtral on a titan xp", "titan-rtx"),
    ("mixtral on a Quadro P6000", "quadro-rtx-6000"),
    ("mixtral on an NVIDIA L2", "a2"),
    ("mixtral on a 4090 laptop", "rtx-4090"),
]


@pytest.mark.parametrize(("question", "another"), OTHERS, ids=[q for q, _ in OTHERS])
def test_another_gpu_is_not_taken(question: str, another: str) -> None:
    """Where the catalogue knows it, it is that one; a suggestion may name the other."""
    try:
        found = ask(question).model_dump()
    except UnknownGpuError as error:
        assert error.kind == "unknown"
        return
    assert found["gpu"] != another


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("toksuite/microsoft-Phi-3-mini-4k-instruct on a100", "unknown"),
        ("someone/Llama-3.1-8B-Instruct-uncensored on l4", "unknown"),
    ],
)
def test_another_model_is_not_believed(question: str, kind: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        ask(question)
    assert caught.value.kind == kind
