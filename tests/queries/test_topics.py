"""What no answer covers: refused where it is the point of a question, told where it is only mentioned."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import ask

REFUSED = [
    ("how many a100 to fine-tune llama 3 70b", "invalid", "training and fine-tuning are not sized"),
    ("can I train mistral 7b on a 3090", "invalid", "training"),
    ("quantized mixtral on a 3090", "incomplete", "quantized to what?"),
    ("llama 3 70b gguf on 2x3090", "incomplete", "quantized to what?"),
    ("llama 3 70b nf4 on 2x3090", "invalid", "nf4"),
    ("ile A6000 potrzebuję na mixtral 8x7b", "unknown", "in English"),
]


@pytest.mark.parametrize(("question", "kind", "said"), REFUSED, ids=[q for q, _, _ in REFUSED])
def test_another_question_is_refused(question: str, kind: str, said: str) -> None:
    with pytest.raises(GpuSizerError) as error:
        ask(question)
    assert error.value.kind == kind
    assert said in str(error.value)


NOTED = [
    ("how many a6000 for mixtral with speculative decoding", "speculative decoding is not counted"),
    ("how many a6000 for mixtral with cpu offload", "offloaded"),
]


@pytest.mark.parametrize(("question", "said"), NOTED, ids=[q for q, _ in NOTED])
def test_what_is_not_counted_is_told(question: str, said: str) -> None:
    found = ask(question)
    assert any(said in w for w in found.warnings)
    assert any(said in w for w in found.model_dump()["warnings"])
    assert said.casefold() in " ".join(found.lines()).casefold()
    assert "ignored" not in found.understood


@pytest.mark.parametrize(
    "question",
    [
        "how many a6000 for unquantized mixtral",
        "how many a6000 for mixtral, not quantized",
        "how many a6000 for mixtral without quantization",
        "how many a6000 for my fine-tuned mixtral",
        "how many a6000 for a pretrained mixtral",
    ],
)
def test_what_changes_nothing_is_passed_over(question: str) -> None:
    assert ask(question).understood == ask("how many a6000 for mixtral").understood


def test_what_is_left_aside_is_told_in_full() -> None:
    assert "ignored: '3 months'" in ask("how many a6000 for mixtral for 3 months").understood
    assert "ignored: 'frobnicated'" in ask("how many a6000 for frobnicated mixtral").understood
