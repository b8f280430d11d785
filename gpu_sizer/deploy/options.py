"""The options of an engine's command as pairs, for tools that write the command themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def pairs(words: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Options and their values, in order; words before the first option are left out."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit():
            option, equals, value = word.partition("=")
            found.append((option, (value,) if equals else ()))
        elif found:
            option, values = found[-1]
            found[-1] = (option, (*values, word))
    return found


def without(words: Sequence[str], left_out: Iterable[str]) -> list[str]:
    """The options as words again, without some."""
    skipped = set(left_out)
    return [w for option, values in pairs(words) if option not in skipped for w in (option, *values)]


def value(text: str) -> int | float | str:
    """A value as YAML would hold it."""
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        # Nothing that would be written otherwise than it was told.
        return found if repr(found) == text else text
    return text
