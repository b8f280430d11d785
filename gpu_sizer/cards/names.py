"""Names as people type them: normal forms, near spellings, and the line between a slip and another thing."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Stands between names that are kept as one text: a character that no name has.
SEPARATOR = "\x7f"
#: Near enough to take a name for another spelling of one thing.
NEAR = 0.8
#: Near enough to suggest.
SUGGEST = 0.5


#: What a normal form drops: all but letters, digits, the slash behind an organisation, and marks between digits.
_DROPPED = re.compile(r"(?<![0-9])[-.]|[-.](?![0-9])|[^0-9a-z./-]+")
#: Where two numbers meet, a normal form keeps them apart: Qwen2 7B is not Qwen 27B.
_MEETING = re.compile(r"(?<=[0-9])[^0-9a-z./]+(?=[0-9])")
#: Stands between numbers that meet.
APART = "-"
#: All but letters and digits.
_SIGNS = re.compile(r"[^0-9a-z]+")


def normal(name: str) -> str:
    """Lower case, letters and digits only: ``Mixtral-8x7B`` and ``mixtral 8x7b`` are the same.

    What tells names apart is kept: a decimal point between digits, since 3.1 is not 31; a mark where two numbers
    meet, since Qwen2 7B is not Qwen 27B; the slash behind a hub id's organisation, since ``microsoft-phi`` of another
    organisation is not ``microsoft/phi``. A plus is a word: Command R+ is not Command R.
    """
    text = name.lower().replace("+", "plus")
    if text.count("/") != 1 or text[0] == "/" or text[-1] == "/":
        text = text.replace("/", " ")
    return _DROPPED.sub("", _MEETING.sub(APART, text))


def bare(name: str) -> str:
    """Letters and digits alone, as machines are looked up: ``p5.48xlarge`` and ``P5-48xlarge`` are the same."""
    return _SIGNS.sub("", name.lower())


def normal_short(name: str) -> str:
    """The normal form of a hub id without its organisation."""
    return normal(name.rpartition("/")[2] if name.count("/") == 1 else name)


#: Endings of a release's name that people leave out, since they do not change what is sized.
_LEFT_OUT = tuple(mark + word for mark in "-_ " for word in ("instruct", "chat", "it", "hf"))


def stem(name: str) -> str:
    """A name without the endings that people leave out: ``Llama-3.1-8B-Instruct-HF`` is ``Llama-3.1-8B``."""
    while (ending := next((e for e in _LEFT_OUT if name.lower().endswith(e)), None)) is not None:
        name = name[: -len(ending)]
    return name


#: How names of places begin and end.
_PLACE_STARTS = ("./", "../", "/", "~", "hf:")
_PLACE_ENDS = (".yaml", ".yml", ".json", ".gguf", ".safetensors")


def is_place(name: str) -> bool:
    """Whether a name is written as a place to read from, a path or ``hf:`` and a hub id, and not as a card's name."""
    return name.startswith(_PLACE_STARTS) or name.endswith(_PLACE_ENDS)


def numbers(name: str) -> tuple[str, ...]:
    """The numbers in a name, in order: what must agree before two names are taken for one."""
    return tuple(re.findall(r"\d+(?:\.\d+)?", name))


def similarity(a: str, b: str) -> float:
    """How alike two normal forms are, from 0 to 1."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, a, b, autojunk=False).ratio()


#: Words beside a name that do not change what is sized.
_BESIDE = ("instruct", "chat", "it", "base", "hf", "model")
#: Letters that a slip adds or drops at most.
_SLIP = 2
#: Letters of a word in which a slip would be another word: XT is not XTX, Xp not RTX, V not R.
SHORT = 3
#: How alike two words must be for one to be a slip of the other.
_ALIKE = 0.6


def _words(key: str) -> list[str]:
    return re.findall(r"[a-z]+", key)


def is_slip(wanted: str, key: str) -> bool:
    """Whether one normal form can be a misspelling of the other, word by word.

    ``mixtrall8x7b`` is one of ``mixtral8x7b``; ``glm4.5v`` is none of ``glm4.5``, since a word more is another
    model, unless it is one that does not change what is sized (instruct, chat).
    """
    ours, theirs = _words(wanted), _words(key)
    if len(ours) > len(theirs):
        ours = ours[: len(theirs)] + [w for w in ours[len(theirs) :] if max(similarity(w, b) for b in _BESIDE) < NEAR]
    if len(ours) != len(theirs):
        return False
    return all(
        a == b or (min(len(a), len(b)) > SHORT and abs(len(a) - len(b)) <= _SLIP and similarity(a, b) >= _ALIKE)
        for a, b in zip(ours, theirs, strict=True)
    )


def join_names(names: Iterable[str]) -> str:
    """``a, b or c``."""
    items = list(names)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " or " + items[-1] if items else ""
