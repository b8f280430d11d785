"""A question as words: normal letters, no control characters, numbers written as digits."""

from __future__ import annotations

import re
import unicodedata

from gpu_sizer.errors import RequestError

#: Longer texts are no question.
MOST_CHARACTERS = 500

_NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "sixteen": 16, "twenty": 20, "thirty-two": 32, "sixty-four": 64, "single": 1, "hundred": 100,
}  # fmt: skip
_WORD = re.compile(r"[a-z0-9][a-z0-9._/+@-]*", re.IGNORECASE)


def clean(text: str) -> str:
    """The text in compatible Unicode form, without control and format characters.

    Raises:
        RequestError: longer than any question.
    """
    if len(text) > MOST_CHARACTERS:
        raise RequestError(f"a question of {len(text):,} characters is too long; {MOST_CHARACTERS} are the most")
    normal = unicodedata.normalize("NFKC", text)
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in normal)
    return " ".join(kept.split())


def words(text: str) -> list[str]:
    """The words of a cleaned text, lower case: letters and digits, with the marks that stand inside names."""
    return [w.strip("./+-@").lower() for w in _WORD.findall(text) if w.strip("./+-@")]


def whole_number(word: str) -> int | None:
    """A small whole number in digits or words, or null."""
    if word.isascii() and word.isdigit() and len(word) <= 7:
        return int(word)
    return _NUMBER_WORDS.get(word)
