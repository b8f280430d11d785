"""The words of answers are explained once: the table is that of ``--help``, of ``--why``, and of docs/glossary.md.

``python -m tests.words.test_glossary > docs/glossary.md`` writes the page anew.
"""

from __future__ import annotations

from pathlib import Path

from gpu_sizer.words.glossary import TERMS, used_in

PAGE = Path(__file__).parent.parent.parent / "docs" / "glossary.md"

INTRODUCTION = """# The words of answers

*Printed by `python -m tests.words.test_glossary`, and held by that test. `gpu-sizer --help` ends with the same list,
and `--why` explains those of it that an answer uses.*

| word | what it means |
|---|---|
"""


def document() -> str:
    return INTRODUCTION + "".join(f"| {term} | {meaning} |\n" for term, meaning in TERMS.items())


def test_the_page_is_the_table_in_force() -> None:
    assert PAGE.read_text(encoding="utf-8") == document()


def test_the_terms_of_an_answer_are_found() -> None:
    assert [term for term, _ in used_in("a pipeline of 3, tight")] == ["pipeline", "tight"]


if __name__ == "__main__":
    print(document(), end="")
