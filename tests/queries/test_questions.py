"""What questions mean: the ones that began the project, and paraphrases of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.registry import engine_names, engine_title, engine_words
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import ask
from gpu_sizer.queries.requests import Asked, asked
from gpu_sizer.queries.understanding import understand

HERE = Path(__file__).parent
QUESTIONS: list[dict[str, Any]] = yaml.safe_load((HERE / "questions.yaml").read_text(encoding="utf-8"))
PARAPHRASES = [
    tuple(part.strip() for part in line.split("|"))
    for line in (HERE / "paraphrases.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def meaning(question: str) -> dict[str, Any]:
    """What was understood, by the names that the tables use."""
    a: Asked = asked(understand(question, catalogue()), catalogue())
    found = {
        "intent": a.understood.intent,
        "model": a.model.id if a.model else None,
        "gpus": [g.id for g in a.gpus],
        "gpu_count": a.gpu_count,
        **a.options,
        "engine": a.engine,
        "utilization": a.options.get("gpu_memory_utilization"),
    }
    if sizes := a.layout():
        found["gpu_count"] = sizes["tensor"] * sizes["pipeline"] * sizes["data"]
    return found


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda c: c["question"])
def test_a_question_is_understood(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(GpuSizerError) as error:
            ask(case["question"])
        assert [error.value.kind, error.value.about] == case["refused"]
        return
    found = meaning(case["question"])
    assert {k: found.get(k) for k in case["means"]} == case["means"]
    assert ask(case["question"]).understood


def wanted(text: str) -> dict[str, Any]:
    """``count mixtral-8x7b rtx-a6000 users=16`` as a dictionary."""
    intent, *rest = text.split()
    names = [r for r in rest if "=" not in r]
    means: dict[str, Any] = {"intent": intent}
    if names[:1] not in ([], ["-"]):
        means["model"] = names[0]
    if names[1:]:
        means["gpus"] = names[1].split(",")
    for key, value in (r.split("=") for r in rest if "=" in r):
        number = value.replace(".", "", 1).isdigit()
        means["gpu_count" if key == "count" else key] = yaml.safe_load(value) if number else value
    return means


@pytest.mark.parametrize(("question", "means"), PARAPHRASES, ids=[q for q, _ in PARAPHRASES])
def test_a_paraphrase_is_understood(question: str, means: str) -> None:
    if means.startswith("!"):
        with pytest.raises(GpuSizerError) as error:
            ask(question)
        assert [error.value.kind, error.value.about] == means.split()[1:]
        assert "\n" not in str(error.value)
        return
    expected = wanted(means)
    found = meaning(question)
    assert {k: found.get(k) for k in expected} == expected


def test_there_are_a_hundred_paraphrases() -> None:
    assert len({q for q, _ in PARAPHRASES}) >= 100


def test_an_answer_says_what_was_understood() -> None:
    found = ask("how many A6000s for Mixtral 8x7b")
    assert found.understood == "fewest RTX A6000 for Mixtral 8x7B at 32,768 tokens, 1 user"
    first, second, *_ = found.lines()
    assert "needs 3 × RTX A6000" in first
    assert second == f"(understood: {found.understood})"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("how many a6000s for llama 3 70b cheaply", "ignored: 'cheaply'"),
        ("how many A6000s for Mixtrall 8x7", "'mixtrall 8x7' taken as mixtral-8x7b"),
        ("how many a6000 for llama 3.1 8b at 32k", "k = 1,024"),
        ("how many a6000 for mixtral in fp8, tensor parallel only", "weights in float8; tensor parallel only"),
        ("how many a6000 for mixtral at 95% utilization", "utilization 0.95"),
        ("how many a6000 for mixtral with 16 users", "16 users"),
    ],
)
def test_the_echo_tells_what_matters(question: str, said: str) -> None:
    assert said in ask(question).understood


def test_an_ambiguous_name_is_asked_back_with_the_names() -> None:
    with pytest.raises(GpuSizerError) as error:
        ask("mixtral on a 6000")
    assert {"rtx-a6000", "rtx-6000-ada", "rtx-pro-6000"} <= set(error.value.suggestions)


def test_an_unknown_name_has_at_most_three_suggestions() -> None:
    with pytest.raises(GpuSizerError) as error:
        ask("how many h100 for lama 9 70b")
    assert len(error.value.suggestions) <= 3


@pytest.mark.parametrize("name", engine_names())
def test_a_question_that_names_an_engine_is_answered_under_it(name: str) -> None:
    """Law 5, for every engine by every word for it: the question gives what the flag gives."""
    words = [" ".join(phrase) for phrase, engine in engine_words() if engine == name]
    assert words
    for word in words:
        # Ollama is llama.cpp with files of four bits, unless told otherwise.
        asked_for = size("mixtral-8x7b", gpu="a6000", engine=name, weights_dtype="q4_k_m" if word == "ollama" else None)
        found = ask(f"how many A6000s for Mixtral 8x7b with {word}")
        dumped = found.model_dump()
        assert dumped["engine"] == name
        assert found.result.model_dump() == asked_for.model_dump()
        assert f"with {engine_title(name)}" in found.understood
        assert not any("not modelled" in w for w in dumped["warnings"])


def test_questions_are_immutable_and_repeatable() -> None:
    first, second = ask("which gpu for mixtral"), ask("which gpu for mixtral")
    assert first.model_dump() == second.model_dump()
    with pytest.raises(AttributeError):
        first.question = "another"  # type: ignore[misc]
