"""Results in words as data: blocks by their kinds, for what draws them elsewhere (the page, a caller's own program)."""

from __future__ import annotations

from gpu_sizer.records import fields, is_record
from gpu_sizer.words import told
from gpu_sizer.words.blocks import BRIEF, USUAL, WHY, Paragraph, Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: How much is told, by the word that asks for it.
LEVELS = {"brief": BRIEF, "usual": USUAL, "why": WHY}


def data(made: Told) -> dict[str, Any]:
    """Words as a JSON object: ``headline``, ``verdict``, and ``blocks``, each with its ``kind`` and its own fields."""
    return {"headline": made.headline, "verdict": made.verdict, "blocks": [_block(b) for b in made.blocks]}


def _block(block: Any) -> dict[str, Any]:
    return {"kind": type(block).__name__.lower(), **_fields(block)}


def _fields(record: Any) -> dict[str, Any]:
    return {f.name: _plain(getattr(record, f.name)) for f in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return _fields(value) if is_record(value) else value


def with_words(body: dict[str, Any], result: Any, level: str | None) -> dict[str, Any]:
    """An answer's JSON object with its ``words``; as it is where none are asked for.

    Args:
        body: what is sent.
        result: what a call of the library found.
        level: a key of :data:`LEVELS`.
    """
    return body if level is None else {**body, "words": data(told(result, LEVELS[level]))}


def with_answer_words(body: dict[str, Any], answer: Any, level: str | None) -> dict[str, Any]:
    """The same for what a question was answered with: of several answers, each has its own.

    Args:
        body: what is sent.
        answer: what :func:`gpu_sizer.queries.answers.ask` found.
        level: a key of :data:`LEVELS`.
    """
    if level is None:
        return body
    if not hasattr(answer, "told"):  # A log that was pasted: lines are all that there is.
        return {**body, "words": data(_lines(answer.lines(), answer.fits))}
    made = answer.told(LEVELS[level])
    if isinstance(made, Told):
        return {**body, "words": data(made)}
    answers = [{**one, "words": data(words)} for one, words in zip(body["answers"], made, strict=True)]
    return {**body, "answers": answers}


def _lines(lines: Iterable[str], fits: bool) -> Told:
    first, *rest = lines
    return Told(first, "fits" if fits else "does_not_fit", (Paragraph(tuple(rest)),) if rest else ())
