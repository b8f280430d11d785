"""Words: where a question is split, and what is a number."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import MOST_CHARACTERS, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2x4090 4xA100 4×H100", "2 x 4090 4 x a100 4 x h100"),
        ("h100x8 a100*4 x4", "h100 x 8 a100 x 4 x 4"),
        ("8x7b 8x22B mixtral8x7 mi300x 7900xtx", "8x7b 8x22b mixtral8x7 mi300x 7900xtx"),
        ("32,768 tokens, 0.92 95%", "32768 tokens 0.92 95 %"),
        ("128k-context vllm@0.11 llama.cpp", "128k context vllm 0.11 llama cpp"),
        ("twenty four users, two hundred, a hundred, a dozen", "24 users 200 100 12"),
        ("A100-SXM4-80GB（８０ＧＢ）", "a100 sxm4 80gb 80gb"),
        ("A6000's ٤", "a6000s 4"),
    ],
)
def test_words(text: str, found: str) -> None:
    assert " ".join(w.text for w in words(text)) == found


@pytest.mark.parametrize(
    ("text", "number"), [("eight", 8), ("64", 64), ("single", 1), ("pair", 2), ("8x7b", None), ("9" * 13, None)]
)
def test_numbers(text: str, number: int | None) -> None:
    assert words(text)[0].number == number


def test_a_question_has_an_end() -> None:
    with pytest.raises(RequestError):
        words("a" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("w/ 8k, w/o pp, 90 percent, 85 per cent, .95", "with 8k without pp 90 % 85 % 0.95"),
        ("16 k tokens, 1 M context", "16k tokens 1m context"),
        ("howmany 2x48gb", "how many 2 x 48gb"),
    ],
)
def test_shorthands(text: str, found: str) -> None:
    assert " ".join(w.text for w in words(text)) == found


def test_a_minus_belongs_to_its_number() -> None:
    assert [w.number for w in words("with -4 users, a6000 - 8, 4-8")] == [None, -4, None, None, 8, 4, 8]
