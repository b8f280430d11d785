"""Names told in part mean the same to a question, a command and the library."""

from __future__ import annotations

import re

import pytest

import gpu_sizer
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import UnknownModelError

#: A name in part, the card that is meant, and what its answers say.
MEANT = [
    ("llama 70b", "llama-3.3-70b", r"taken as llama-3\.3-70b, the newest of that size \(not llama-3\.1-70b"),
    ("qwen 27b", "qwen3.8-27b", r"the newest of that size \(not qwen3\.6-27b"),
    ("gemma 27b", "gemma-3-27b", r"the newest of that size \(not gemma-2-27b"),
    ("granite 8b", "granite-4.1-8b", r"the newest of that size"),
    ("deepseek-r1:32b", "qwen2.5-32b", r"DeepSeek-R1-Distill-Qwen-32B"),
    ("deepseek r1 70b", "llama-3.3-70b", r"DeepSeek-R1-Distill-Llama-70B"),
]
#: Names that are asked back, and two models that the question names.
ASKED_BACK = [
    ("mistral", "mistral-medium-3.5-128b"),
    ("pixtral", "pixtral-12b"),
    ("olmo", "olmo-3-32b"),
    ("deepseek coder", "deepseek-coder-33b"),
    ("nemotron nano", "nemotron-nano-9b-v2"),
    ("magistral", "mistral-small-2501"),
    ("ernie 4.5", "ernie-4.5-21b-a3b"),
]


@pytest.mark.parametrize(("name", "identity", "said"), MEANT)
def test_a_family_and_a_size_are_the_newest_everywhere(name: str, identity: str, said: str) -> None:
    card = gpu_sizer.load_model(name)
    assert card.id == identity
    plan = gpu_sizer.size(name, gpu="h200").model_dump()
    question = gpu_sizer.ask(f"how many h200 for {name}").model_dump()
    assert plan["model"] == question["model"] == identity
    for told in (" ".join(card.notes), " ".join(plan["warnings"]), question["understood"]):
        assert re.search(said, told), told


@pytest.mark.parametrize(("name", "identity"), ASKED_BACK)
def test_a_family_alone_is_asked_back_everywhere(name: str, identity: str) -> None:
    for ask in (gpu_sizer.load_model, lambda n: gpu_sizer.ask(f"how many h200 for {n}")):
        with pytest.raises(UnknownModelError) as error:
            ask(name)
        assert error.value.kind == "ambiguous"
        assert identity in error.value.suggestions


def test_a_family_is_listed_by_age() -> None:
    with pytest.raises(UnknownModelError) as error:
        catalogue().model("olmo")
    days = [str(catalogue().models.released(i) or "") for i in error.value.suggestions]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("name", ["qwen3.6:27b-q4_K_M", "llama3.1:8b", "llama3.3"])
def test_ollama_s_names_are_understood(name: str) -> None:
    assert gpu_sizer.load_model(name).id in ("qwen3.6-27b", "llama-3.1-8b", "llama-3.3-70b")


@pytest.mark.parametrize("name", ["llama 20b", "frobnicate 12b", "qwen 27b awq turbo", "toksuite/llama-70b", "70b"])
def test_what_is_no_name_in_part_is_none(name: str) -> None:
    with pytest.raises(UnknownModelError) as error:
        gpu_sizer.load_model(name)
    assert error.value.kind == "unknown"
