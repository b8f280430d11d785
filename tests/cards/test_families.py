"""Names told in part mean the same to a question, a command and the library."""

from __future__ import annotations

import re

import pytest

import gpu_sizer
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import RequestError, UnknownModelError

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


@pytest.mark.parametrize(
    ("name", "identity", "kind"),
    [
        ("qwen3.6:27b-q4_K_M", "qwen3.6-27b", "q4_k_m"),
        ("deepseek-r1:32b-q8_0", "qwen2.5-32b", "q8_0"),
        ("llama3.1:8b-instruct-fp16", "llama-3.1-8b", "float16"),
        ("hf.co/unsloth/Qwen3-8B-GGUF:Q5_K_M", "qwen3-8b", "q5_k_m"),
        ("bartowski/Qwen_Qwen3-8B-GGUF", "qwen3-8b", "q4_k_m"),
        ("unsloth/gpt-oss-20b-GGUF:F16", "gpt-oss-20b", None),
    ],
)
def test_a_name_of_a_file_is_sized_as_llama_cpp_reads_it(name: str, identity: str, kind: str | None) -> None:
    plain = {"gpu": "rtx-3090", "context": 4096}
    named = gpu_sizer.size(name, **plain)
    asked = gpu_sizer.size(gpu_sizer.load_model(name).hub_id, engine="llama.cpp", weights_dtype=kind, **plain)
    assert named.to_dict()["per_gpu"] == asked.to_dict()["per_gpu"]
    assert named.request.engine == "llama.cpp"
    assert named.request.what_if == kind
    assert gpu_sizer.load_model(name).id == identity
    # Another engine, or another type, that is asked for goes before the name.
    assert gpu_sizer.size(name, engine="vllm", **plain).request.as_released
    assert gpu_sizer.size(name, weights_dtype="float8-tensor", **plain).request.engine == "vllm"


def test_a_tag_that_is_not_understood_is_said_not_to_be_applied() -> None:
    assert any("'mxfp8' is not applied" in note for note in gpu_sizer.load_model("qwen3.6:27b-mxfp8").notes)
    assert any("--weights-dtype q4_k_m" in note for note in gpu_sizer.load_model("deepseek-r1:32b").notes)


def test_one_engine_for_many_models_takes_no_names_of_files() -> None:
    with pytest.raises(RequestError, match=r"name qwen3\.6-27b, and the type of its file apart"):
        gpu_sizer.sweep("qwen3.6:27b-q4_K_M", "rtx-3090", contexts=(8192,))


@pytest.mark.parametrize("name", ["llama 20b", "frobnicate 12b", "qwen 27b awq turbo", "toksuite/llama-70b", "70b"])
def test_what_is_no_name_in_part_is_none(name: str) -> None:
    with pytest.raises(UnknownModelError) as error:
        gpu_sizer.load_model(name)
    assert error.value.kind == "unknown"
