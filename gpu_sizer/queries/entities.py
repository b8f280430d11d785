"""Models and GPUs named in a question: the longest stretches of words that the catalogue knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpu_sizer.cards.catalogue import Shelf
from gpu_sizer.cards.names import near, normal, suggestions
from gpu_sizer.errors import UnknownNameError
from gpu_sizer.queries.words import whole_number
from gpu_sizer.records import dataclass

#: Words in the longest name.
MOST_WORDS = 9
#: Words that mean nothing to a name and everything to a sentence.
ARTICLES = frozenset(("a", "an", "the"))
_TIMES = re.compile(r"(\d{1,6})x(\w.*)")


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a question: which words it took, the id, and whether the spelling was only near."""

    start: int
    stop: int
    identity: str
    spelling: str
    near: bool = False


def split_times(words: Sequence[str]) -> list[str]:
    """``2x4090`` and ``4xa100`` as two words each; ``8x7b`` stays, since it is part of a name."""
    result: list[str] = []
    for word in words:
        match = _TIMES.fullmatch(word)
        if match and not re.fullmatch(r"\d+(\.\d+)?b.*", match[2]):
            result += [match[1], "x", match[2]]
        else:
            result.append(word)
    return result


def _keys(words: Sequence[str]) -> list[str]:
    """Normal forms of a stretch of words; a plural also without its s."""
    key = normal(" ".join(words))
    return [key, key[:-1]] if len(key) > 3 and key.endswith("s") else [key]


def find(words: Sequence[str], shelf: Shelf, taken: frozenset[int] = frozenset()) -> Found | None:  # type: ignore[type-arg]
    """The longest name of this shelf, exact; the first of equals.

    Raises:
        UnknownNameError: the longest stretch could mean several (``kind`` ambiguous).
    """
    for length in range(min(MOST_WORDS, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            stretch = words[start : start + length]
            if taken & set(range(start, start + length)) or (length > 1 and stretch[0] in ARTICLES):
                continue
            for key in _keys(stretch):
                if (identity := shelf.index.get(key)) is not None and not (
                    len(key) < 2 or (key.isdigit() and len(key) < 3)
                ):
                    return Found(start, start + length, identity, " ".join(stretch))
                if key in shelf.ambiguous and stretch[0] not in ARTICLES:
                    shelf.resolve(" ".join(stretch))
    return None


def find_near(words: Sequence[str], shelf: Shelf, taken: frozenset[int], noise: frozenset[str]) -> Found | None:  # type: ignore[type-arg]
    """A misspelt name among the words left over, where it has one near meaning.

    Raises:
        UnknownNameError: several near meanings, or a stretch of words that looks like a name and is none.
    """
    free = [i for i in range(len(words)) if i not in taken and words[i] not in noise]
    best: UnknownNameError | None = None
    for length in range(min(5, len(free)), 0, -1):
        for at in range(len(free) - length + 1):
            places = free[at : at + length]
            if places[-1] - places[0] != length - 1:
                continue
            stretch = [words[i] for i in places]
            candidates = near(" ".join(stretch), shelf.index)
            if len(candidates) == 1:
                return Found(places[0], places[-1] + 1, candidates[0], " ".join(stretch), near=True)
            if candidates and best is None:
                try:
                    shelf.resolve(" ".join(stretch))
                except UnknownNameError as error:
                    best = error
    if best is not None:
        raise best
    return None


def unknown_name(words: Sequence[str], taken: frozenset[int], noise: frozenset[str]) -> str | None:
    """The words left over that look like a name: the longest run of them that is no number alone."""
    runs: list[list[str]] = [[]]
    for i, word in enumerate(words):
        if i in taken or word in noise:
            runs.append([])
        else:
            runs[-1].append(word)
    named = [r for r in runs if any(whole_number(w) is None for w in r)]
    return " ".join(max(named, key=lambda r: len(" ".join(r)))) if named else None


def nearest(name: str, shelf: Shelf) -> list[str]:  # type: ignore[type-arg]
    """The ids nearest to an unknown name."""
    return suggestions(name, shelf.index)
