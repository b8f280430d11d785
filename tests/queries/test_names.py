"""Names in questions: what is nearly a name is taken and told, what is another thing's is not."""

from __future__ import annotations

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import UncountableError, UnknownModelError
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


NEIGHBOURS = [
    ("llama 3 8b on rx 7900 xt", "rx-7900-xt"),
    ("llama 3 8b on a 7900 xt", "rx-7900-xt"),
    ("llama 3 8b on nvidia a800", "a800-80gb"),
    ("mixtral q4 on a titan xp", "titan-xp"),
    ("mixtral q4 on a Quadro P6000", "quadro-p6000"),
    ("mixtral on an NVIDIA L2", "l2"),
    ("mixtral on a 4090 laptop", "rtx-4090-laptop"),
    ("can my laptop with an rtx 4070 run gemma 3 4b", "rtx-4070-laptop"),
    ("my notebook has a 5090: llama 3.1 8b?", "rtx-5090-laptop"),
    ("4x P40 for mixtral q4", "p40"),
    ("MI50 32gb x 4 qwen3 32b q8_0", "mi50-32gb"),
    ("arc b580 for qwen3 8b", "arc-b580"),
    ("how many 3070s to run mistral 7b in 4 bit", "rtx-3070"),
]


@pytest.mark.parametrize(("question", "gpu"), NEIGHBOURS, ids=[q for q, _ in NEIGHBOURS])
def test_a_gpu_is_not_taken_for_its_neighbour(question: str, gpu: str) -> None:
    assert ask(question).model_dump()["gpu"] == gpu


ELSEWHERE = [
    ("llama 3 8b on m2 ultra 192gb", "m2-ultra-192gb"),
    ("Macbook Pro M4 32GB for llama 3 8b", "m4-32gb"),
    ("qwen3 8b on a 64GB M4 Max macbook", "m4-max-64gb"),
    ("llama 3.1 8b on tesla p40", "p40"),
    ("llama 3 8b on 2 x K80", "k80"),
]


@pytest.mark.parametrize(("question", "gpu"), ELSEWHERE, ids=[q for q, _ in ELSEWHERE])
def test_where_vllm_does_not_run_llama_cpp_answers_and_says_why(question: str, gpu: str) -> None:
    found = ask(question)
    said = found.model_dump()
    assert (said["gpu"], said["engine"]) == (gpu, "llama.cpp")
    assert "By llama.cpp's rules, since vLLM" in found.headline


def test_an_engine_that_is_named_is_kept_and_refuses() -> None:
    with pytest.raises(
        UncountableError, match=r"vLLM does not run on Metal.*llama\.cpp runs there \(--engine llama\.cpp\)"
    ):
        ask("llama 3 8b with vllm on m2 ultra 192gb")


def test_no_engine_that_runs_elsewhere_is_named_where_it_does_not() -> None:
    with pytest.raises(UncountableError) as caught:
        size("llama-3-8b", gpu="gaudi-3", engine="llama.cpp")
    assert str(caught.value).startswith("llama.cpp does not run on Gaudi: it runs on CUDA")
    assert "--engine" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("told", "release"),
    [
        ("qwen3 coder 30b", "Qwen3-Coder 30B-A3B Instruct at 262,144 tokens"),
        ("r1 distill llama 70b", "DeepSeek-R1-Distill-Llama-70B at 131,072 tokens"),
        ("wizardlm 8x22b", "WizardLM-2 8x22B at 65,536 tokens"),
    ],
)
def test_a_release_that_is_told_in_part_has_its_own_name_and_length(told: str, release: str) -> None:
    assert f"fewest H200 SXM 141 GB for {release}" in ask(f"how many h200 for {told}").understood
    card = catalogue().model(told.replace(" ", "-"))
    assert release.startswith(card.name)
    assert any("taken as" in note for note in card.notes)
