"""Names that no card bears: another kind of model is refused as what it is; no size or organisation is believed."""

from __future__ import annotations

import pytest

from gpu_sizer import UnknownModelError, load_model, size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.other_kinds import other_kind
from gpu_sizer.cli.entry import run

KINDS = [
    ("facebook/bart-large", r"an encoder-decoder.*\(bart\)"),
    ("google-t5/t5-base", r"an encoder-decoder.*\(t5\)"),
    ("google/flan-t5-xl", r"an encoder-decoder"),
    ("microsoft/Florence-2-base", r"an encoder-decoder.*\(florence-2\)"),
    ("google-bert/bert-base-uncased", r"an encoder that turns a text into vectors or labels \(bert\)"),
    ("cambridgeltl/SapBERT-from-PubMedBERT-fulltext", r"\(sapbert\)"),
    ("FacebookAI/xlm-roberta-large", r"an encoder that turns"),
    ("sentence-transformers/all-MiniLM-L6-v2", r"\(minilm\)"),
    ("BAAI/bge-large-en-v1.5", r"\(bge-large\)"),
    ("Salesforce/blip2-opt-2.7b", r"querying transformer"),
    ("openai/whisper-large-v3", r"a recognizer of speech"),
    ("GSAI-ML/LLaDA-8B-Instruct", r"in several passes.*\(llada-8b\)"),
    ("Dream-org/Dream-v0-Instruct-7B", r"in several passes"),
    ("apple/OpenELM-1_1B-Instruct", r"class none of the engines planned for here loads.*\(openelm"),
    ("openai-community/openai-gpt", r"a class that no engine planned for here serves"),
    ("Zyphra/Zamba2-1.2B-instruct", r"one block shared by many layers.*\(zamba2\)"),
    ("lmstudio-community/Qwen3.8-27B-MLX-4bit", r"Apple's MLX.*size the original"),
    ("unsloth/Qwen2.5-14B-bnb-4bit", r"bitsandbytes.*size the original"),
    ("bert-base", r"an encoder that turns a text into vectors or labels \(bert\)"),
]


@pytest.mark.parametrize(("name", "told"), KINDS)
def test_what_is_no_generative_decoder_is_refused_as_what_it_is(name: str, told: str) -> None:
    with pytest.raises(UnknownModelError, match=told) as caught:
        load_model(name)
    assert "it is not sized here" in str(caught.value)
    assert not caught.value.suggestions


@pytest.mark.parametrize(
    "question",
    [
        "how many A6000s for facebook/bart-large",
        "how many T4s for t5-base",
        "does bert-base fit on a t4",
        "does bert-base-uncased fit on a T4?",
        "can an rtx 3060 run bge-large-en",
        "memory of roberta large on a t4",
    ],
)
def test_questions_say_so_as_well(capsys: pytest.CaptureFixture[str], question: str) -> None:
    assert run([question]) == 2
    assert "it is not sized here" in capsys.readouterr().err


def test_no_name_of_the_catalogue_is_of_another_kind() -> None:
    wrong = [name for name in catalogue().models.files if other_kind(name) is not None]
    assert not wrong


#: Names in which an organisation or a size stands that no card of the name has.
NEVER = [
    "toksuite/microsoft-Phi-3-mini-4k-instruct",
    "somebody/llama-3-8b-something",
    "qwen 999b",
    "llama-3-9b",
    "mixtral-8x9b",
    "nobody/gpt-oss-21b",
    "mistral-8b-v0.1",
    "deepseek-r2",
]


@pytest.mark.parametrize("name", NEVER)
def test_another_organisation_or_size_is_never_believed(name: str) -> None:
    with pytest.raises(UnknownModelError):
        load_model(name)


@pytest.mark.parametrize("name", ["pixtral", "mistral", "olmo", "deepseek coder", "nemotron nano"])
def test_a_family_alone_is_not_taken_for_one_of_its_models(name: str) -> None:
    with pytest.raises(UnknownModelError):
        size(name, gpu="h200")
