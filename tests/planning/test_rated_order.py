"""What runs, the best rated first: ratings order the models, and are told with their day and licence."""

from __future__ import annotations

from typing import Any

import pytest

import gpu_sizer
from gpu_sizer.arena.scores import rated_now
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.runnable import Runnable, by_rating, what_fits
from gpu_sizer.queries.answers import ask
from gpu_sizer.words.inverse import models_told
from gpu_sizer.words.plain import text as plain

NAMES = ("gemma-4-26b-a4b", "qwen3.8-27b", "qwen3.8-27b-fp8", "llama-3-8b", "muse-glimmer-30b", "qwen3.5-27b")


def _found() -> Runnable:
    cards = catalogue()
    return what_fits([cards.model(n) for n in NAMES], cards.gpus.get("rtx-a6000"), 2)


def test_the_best_rated_come_first_then_those_without_a_rating_and_quantized_ones_last() -> None:
    ratings, rated_by = rated_now(catalogue())
    found = by_rating(_found(), ratings, rated_by)
    ids = [m.model.id for m in found.models]
    assert ids[:3] == sorted(ids[:3], key=lambda i: -ratings[i])
    assert set(ids[:3]) == {"qwen3.8-27b", "gemma-4-26b-a4b", "qwen3.5-27b"}
    assert ids[3:] == ["muse-glimmer-30b", "llama-3-8b", "qwen3.8-27b-fp8"]
    dumped = found.model_dump()
    assert dumped["models"][0]["rating"] == round(ratings[ids[0]], 2)
    assert dumped["models"][3]["rating"] is None


def test_whose_ratings_they_are_is_told() -> None:
    ratings, rated_by = rated_now(catalogue())
    text = plain(models_told(by_rating(_found(), ratings, rated_by)))
    assert "The best rated first: Chatbot Arena, overall" in text
    assert "© LMArena, CC BY 4.0" in text
    assert "rating" in text.splitlines()[2]


def test_by_release_nothing_is_said_of_ratings() -> None:
    found = _found()
    assert "rating" not in found.model_dump()["models"][0]
    assert "rated" not in plain(models_told(found))


def test_an_unknown_order_is_refused_before_anything_is_sized() -> None:
    with pytest.raises(RequestError, match="order is newest or rated"):
        gpu_sizer.what_fits("a6000", order="price")


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("best rated model that runs on 2 A6000s", True),
        ("what is the best model for 2x a6000", True),
        ("highest rated open model on 2 a6000", True),
        ("smartest model I can run on two a6000s", True),
        ("welches ist das beste Modell für 2 A6000", True),
        ("2张A6000能运行的最好的模型", True),
        ("which models fit on 2 a6000s", False),
        ("what is the largest model I can run on 2 a6000", False),
    ],
)
def test_a_question_for_the_best_is_answered_by_rating(question: str, best: bool) -> None:
    answer: Any = ask(question)
    assert answer.intent == "models"
    assert answer.ignored == ()
    assert ("the best rated first" in answer.understood) is best
    ids = [m.model.id for m in answer.result.models]
    assert (ids == [m.model.id for m in gpu_sizer.what_fits("a6000", gpu_count=2, order="rated").models]) is best


def test_where_none_that_runs_is_rated_the_first_line_says_so() -> None:
    answer: Any = ask("best rated model that runs on a 3090")
    assert not answer.result.any_rated
    assert "none that runs is among those that the Arena lists" in answer.first[0]
    text = plain(models_told(answer.result))
    assert "rating " not in text
    assert "None that runs is among those that the Arena lists" in text
