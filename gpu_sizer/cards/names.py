"""Names as people type them: normal forms, near spellings, and the line between a slip and another thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: Near enough to take a name for another spelling of one thing.
NEAR = 0.8
#: Near enough to suggest.
SUGGEST = 0.5


def normal(name: str) -> str:
    """Lower case, letters and digits only: ``Mixtral-8x7B`` and ``mixtral 8x7b`` are the same.

    A decimal point between digits is kept, since 3.1 is not 31.
    """
    kept = re.sub(r"(?<=\d)\.(?=\d)", "\x00", name.lower())
    return re.sub(r"[^0-9a-z\x00]+", "", kept).replace("\x00", ".")


def normal_short(name: str) -> str:
    """The normal form of a hub id without its organisation."""
    return normal(name.rpartition("/")[2] if name.count("/") == 1 else name)


def numbers(name: str) -> tuple[str, ...]:
    """The numbers in a name, in order: what must agree before two names are taken for one."""
    return tuple(re.findall(r"\d+(?:\.\d+)?", name))


def similarity(a: str, b: str) -> float:
    """How alike two normal forms are, from 0 to 1."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def near(name: str, index: Mapping[str, str]) -> list[str]:
    """Ids that a misspelt name can mean, best first: letters nearly right, every number right."""
    wanted = normal(name)
    if len(wanted) < 3 or len(wanted) > 200:
        return []
    found: dict[str, float] = {}
    for key, identity in index.items():
        if numbers(key) != numbers(wanted):
            continue
        score = similarity(wanted, key)
        if score >= NEAR:
            found[identity] = max(score, found.get(identity, 0.0))
    best = sorted(found, key=lambda i: (-found[i], i))
    return [i for i in best if found[i] > found[best[0]] - 0.06]


def suggestions(name: str, index: Mapping[str, str], count: int = 3) -> list[str]:
    """The nearest ids, for a message."""
    wanted = normal(name)[:200]
    found: dict[str, float] = {}
    for key, identity in index.items():
        score = similarity(wanted, key)
        if wanted and (key.startswith(wanted) or wanted.startswith(key)):
            score += 0.3
        found[identity] = max(score, found.get(identity, 0.0))
    best = sorted((i for i in found if found[i] >= SUGGEST), key=lambda i: (-found[i], i))
    return best[:count]


def join_names(names: Iterable[str]) -> str:
    """``a, b or c``."""
    items = list(names)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " or " + items[-1] if items else ""
