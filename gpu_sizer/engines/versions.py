"""Versions of engines: their numbers, and how they compare."""

from __future__ import annotations

from functools import cache


@cache
def number(version: str) -> tuple[int, ...]:
    """The first three numbers of a version: ``0.10.1.1`` is (0, 10, 1), ``b8193`` is (8193,)."""
    digits = "".join(c if c.isdecimal() else " " for c in version)
    return tuple(int(n) for n in digits.split()[:3])


def at_least(version: str, other: str) -> bool:
    """Whether a version is another or a later one."""
    return number(version) >= number(other)


def reaches(version: str, first: str) -> bool:
    """Whether a version, or some version of the line that it names, is another or a later one.

    ``0.10`` names a line, to which 0.10.1 belongs; ``0.10.0`` names one version.
    """
    named = number(version)
    return named >= number(first)[: len(named)]


def line(version: str) -> str:
    """The line of a version: 0.10.2 is of 0.10."""
    return ".".join(map(str, number(version)[:2]))
