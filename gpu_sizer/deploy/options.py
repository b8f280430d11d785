"""The options of an engine's command as pairs, for tools that write the command themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def pairs(words: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Options and their values, in order; words before the first option are left out."""
    made: list[tuple[str, tuple[str, ...]]] = []
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit():
            option, equals, value = word.partition("=")
            made.append((option, (value,) if equals else ()))
        elif made:
            option, values = made[-1]
            made[-1] = (option, (*values, word))
    return made


def without(words: Sequence[str], left_out: Iterable[str]) -> list[str]:
    """The options as words again, without some."""
    skipped = set(left_out)
    return [w for option, values in pairs(words) if option not in skipped for w in (option, *values)]


def value(text: str) -> int | float | str:
    """A value as YAML would hold it."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        # Nothing that would be written otherwise than it was told.
        return number if repr(number) == text else text
    return text
