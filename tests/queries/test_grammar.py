"""The grammar of questions is tables of one shape; this prints them as docs/grammar.md, and tries every example.

``python -m tests.queries.test_grammar > docs/grammar.md`` writes it anew.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.queries.answers import Answer, ask
from gpu_sizer.queries.intents import CUES, ROWS, Told
from gpu_sizer.queries.patterns import SETS, alternatives
from gpu_sizer.queries.topics import TOPICS
from gpu_sizer.queries.understanding import understand

PAGE = Path(__file__).parent.parent.parent / "docs" / "grammar.md"

INTRODUCTION = """# The grammar of questions

*Printed by `python -m tests.queries.test_grammar`, and held by that test.*

A question is read in four steps: what another language says is put into English; names of models, GPUs, machines and
engines are found; quantities are read where the words beside them say what they count; and the first row of the table
of intents that holds tells what is asked.

A pattern is a list of alternatives. `a b` are two words in a row, `a|b` one of two, `^` the beginning, `$` the end,
`#` a number; `A ~ B` is a word of the first kind that asks for a noun of the second. Words in capitals are sets.
"""


def code(text: str) -> str:
    return f"`{text.replace('|', '&#124;')}`" if "|" not in text else f"<code>{text.replace('|', '&#124;')}</code>"


def document() -> str:
    parts = [
        INTRODUCTION,
        "## Intents, in the order in which they are tried\n",
        "| intent | where | example |",
        "|---|---|---|",
    ]
    parts += [f"| {intent} | {code(conditions)} | {example} |" for intent, conditions, example in ROWS]
    parts += ["", "## What a question may say\n", "| name | pattern |", "|---|---|"]
    parts += [f"| {name} | {code(pattern)} |" for name, pattern in CUES.items()]
    parts += ["", "## Topics\n", "| topic | is | what an answer says | pattern |", "|---|---|---|---|"]
    parts += [f"| {t.name} | {t.treatment} | {t.says} | {code(t.pattern)} |" for t in TOPICS]
    parts += ["", "## Sets of words\n"]
    parts += [
        textwrap.fill(f"- {name}: {' '.join(sorted(words))}", 118, subsequent_indent="  ")
        for name, words in SETS.items()
    ]
    return "\n".join(parts) + "\n"


def test_the_printed_grammar_is_the_one_in_force() -> None:
    assert PAGE.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize(("intent", "conditions", "example"), ROWS, ids=[e for _, _, e in ROWS])
def test_the_example_of_a_row_means_its_intent(intent: str, conditions: str, example: str) -> None:
    try:
        # Where no GPU is named, those that carry the model are the answer.
        assert understand(example, catalogue()).intent in (intent, "gpus")
    except GpuSizerError as error:
        assert error.kind == "incomplete"  # a row's example may lack what another row needs


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_the_example_of_a_topic_is_treated_so(topic: object) -> None:
    from gpu_sizer.queries.topics import Topic

    assert isinstance(topic, Topic)
    try:
        found = ask(topic.example)
    except GpuSizerError as error:
        assert topic.treatment in ("refused", "noted")
        assert topic.says in str(error)
        return
    assert isinstance(found, Answer)
    assert (topic.says in found.first) == (topic.treatment == "told")
    assert "ignored" not in found.understood or topic.treatment != "idle"


@pytest.mark.parametrize("pattern", [*CUES.values(), *(t.pattern for t in TOPICS)])
def test_a_pattern_has_no_empty_alternative(pattern: str) -> None:
    assert all(wanted and all(wanted) for wanted, _ in alternatives(pattern))


def test_a_condition_is_a_cue_or_a_fact() -> None:
    facts = {"users_asked", "context_asked", *Told.__annotations__, *CUES}
    for _, conditions, _ in ROWS:
        assert {c.removeprefix("not ") for c in conditions.split(", ")} <= facts


if __name__ == "__main__":
    print(document(), end="")
