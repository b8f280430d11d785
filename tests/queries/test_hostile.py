"""Whatever is typed gets an answer or one clear line, and soon."""

from __future__ import annotations

import random

import pytest

from gpu_sizer.cards.catalogue import Shelf, catalogue
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import ask

FRAGMENTS = [
    *("how many", "a6000s", "for", "mixtral", "8x7b", "llama", "3", "70b", "h100", "4x", "2x4090", "what can I run on"),
    *("users", "context", "128k", "1m", "🦙", "\u202e", "\u200b", "\x00", "\x1b[31m", "'; DROP TABLE models;--"),
    *("$(rm -rf /)", "`id`", "../../etc/passwd", "<script>", "%s%n", "{{7*7}}", "٤", "１６", "½", "∞", "-1", "1e999"),
    *("0", "999999999999999999999", "NaN", "null", "tp=0", "pp=-1", "utilization 5", "200%", "in fp8", "kv cache"),
    *(
        "x",
        "*",
        "+",
        ",",
        ";",
        "?",
        "(",
        ")",
        "\n",
        "\t",
        "gpu" * 20,
        "a" * 300,
        "7" * 400,
        "é" * 100,
        "한국어",
        "中文",
    ),
    *("ﬁ", "tp=99999999", "99999999 users", "1000000 a6000", "0k", "0.5k tokens", "vllm@", "vllm@9.99", "sglang@1"),
    *(
        "at at",
        "k",
        "m",
        "b",
        "8x",
        "x8",
        "9" * 13 + "k",
        "context of context of",
        "no no pipeline",
        "\ud800",
        "①",
        "²",
    ),
]
LONG = [
    *("", "   ", "\n", "🦙" * 500, "a" * 1_000_000, "how many a6000s for mixtral " * 40_000, "\u202e" * 2000),
    *("\x00" * 2000, "é" * 1999, "1 " * 1000, "x" * 2000, "8x7b " * 400, "llama " * 330, "a6000 " * 330, "h1 " * 600),
    *("ﷺ" * 2000, "qwxyz1 " * 280, "lllama 3 " * 200, "3090 " * 400, "mixtrall " * 220, "deepsek v3 " * 180),
]


def hostile() -> list[str]:
    chance = random.Random(7)
    mixed = [" ".join(chance.choice(FRAGMENTS) for _ in range(chance.randint(1, 25))) for _ in range(350)]
    planes = ((0, 127), (0, 0x2FFF), (0x1F300, 0x1FAFF))
    noise = [
        "".join(chr(chance.randint(*chance.choice(planes))) for _ in range(chance.randint(1, 400))) for _ in range(150)
    ]
    return LONG + mixed + noise


def test_hostile_strings_get_an_answer_or_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    # Names are looked for in the whole catalogue; what is listed of it takes most of the time, and is tried elsewhere.
    monkeypatch.setattr(Shelf, "all", lambda shelf: [shelf.get(i) for i in shelf.ids()[::20]])
    cards = catalogue()
    assert cards.models.index
    strings = hostile()
    assert len(strings) >= 500
    for text in strings:
        try:
            found = ask(text, cards=cards)
            assert found.model_dump()["understood"]
            assert all(isinstance(line, str) for line in found.lines())
        except GpuSizerError as error:
            message = str(error)
            assert message.isprintable(), ascii(message)
            assert 0 < len(message) < 600
            assert error.kind in ("unknown", "ambiguous", "incomplete", "invalid")
            assert error.about in ("model", "gpu", "context", "users", "question")


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\u2066", "\ufeff", "\xad"])
def test_invisible_characters_change_nothing(mark: str) -> None:
    plain = ask("how many A6000s for Mixtral 8x7b")
    odd = ask(f"how many A60{mark}00s for Mix{mark}tral 8x7b")
    assert odd.understood == plain.understood


def test_wide_letters_and_other_digits_are_read() -> None:
    assert (
        ask("ｈｏｗ ｍａｎｙ Ａ６０００ｓ for Mixtral ８x７b").understood
        == ask("how many A6000s for Mixtral 8x7b").understood
    )
