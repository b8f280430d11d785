"""Known names near a spelling: which it can mean, and which to suggest. Thousands of names are looked through.

Here runs the line between a slip and another thing.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cached_property

from gpu_sizer.cards.names import SHORT, normal_short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Near enough to take a name for another spelling of one thing.
NEAR = 0.8
#: Near enough to suggest.
SUGGEST = 0.5
#: Words beside a name that do not change what is sized.
_BESIDE = ("instruct", "chat", "it", "base", "hf", "model")
#: Letters that a slip adds or drops at most.
_SLIP = 2
#: How alike two words must be for one to be a slip of the other.
_ALIKE = 0.6
#: The shortest and the longest spelling that are compared, in characters.
SHORTEST, LONGEST = 3, 200
#: Names whose likeness differs by less are both meant.
MARGIN = 0.06
#: Letters of a known name that are more than chance within a longer one.
_WHOLE = 7
#: How much nearer names are that begin alike, or one of which holds the other, than their letters say.
_BONUS = 0.3
#: Bits of a mask for each character that a normal form can have: one for each time that it stands there.
_TIMES = 16
_PLACES = {c: i * _TIMES for i, c in enumerate("0123456789abcdefghijklmnopqrstuvwxyz.")}


def numbers(name: str) -> tuple[str, ...]:
    """The numbers in a name, in order: what must agree before two names are taken for one."""
    return tuple(re.findall(r"\d+(?:\.\d+)?", name))


def similarity(a: str, b: str) -> float:
    """How alike two normal forms are, from 0 to 1."""
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


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


def _mask(key: str) -> int:
    """The characters of a name as bits: no more are in common to two names than bits that both have."""
    mask, others = 0, len(key)
    for character in set(key):
        if (place := _PLACES.get(character)) is not None:
            times = key.count(character)
            others -= times
            mask |= ((1 << min(times, _TIMES)) - 1) << place
    # Of characters that have no place of their own any could be any other.
    return mask | ((1 << others) - 1) << len(_PLACES) * _TIMES


class KnownNames:
    """The names of one shelf.

    Args:
        index: normal forms of names, and the ids that they mean.
    """

    def __init__(self, index: Mapping[str, str]) -> None:
        self.index = index

    @cached_property
    def _by_numbers(self) -> dict[tuple[str, ...], list[tuple[str, int]]]:
        """The keys with their masks, by the numbers in them: those must agree before letters are compared."""
        by_numbers: dict[tuple[str, ...], list[tuple[str, int]]] = {}
        for key, mask in self._masks.items():
            by_numbers.setdefault(numbers(key), []).append((key, mask))
        return by_numbers

    @cached_property
    def _masks(self) -> dict[str, int]:
        """The mask of each key."""
        return {key: _mask(key) for key in self.index}

    def misspelt(self, wanted: str, ending: str = "") -> list[str]:
        """The ids of the keys of which a normal form can be a misspelling, best first.

        Args:
            wanted: the form.
            ending: with which a key must end.
        """
        if len(wanted) < SHORTEST:
            return []
        mask, length = _mask(wanted), len(wanted)
        scores: dict[str, float] = {}
        for key, known in self._by_numbers.get(numbers(wanted), ()):
            alike = 2 * (known & mask).bit_count() >= NEAR * (len(key) + length)
            if not alike or not key.endswith(ending) or not is_slip(wanted, key):
                continue
            # How alike two names are depends on which is compared to which: a slip is one either way.
            score = min(similarity(wanted, key), similarity(key, wanted))
            if score >= NEAR:
                scores[self.index[key]] = max(score, scores.get(self.index[key], 0.0))
        best = sorted(scores, key=lambda i: (-scores[i], i))
        return [i for i in best if scores[i] > scores[best[0]] - MARGIN]

    def suggestions(self, name: str, count: int = 3) -> list[str]:
        """The nearest ids, for a message. A name that holds a known one (a fine-tune's its base's) is near to it."""
        wanted = normal_short(name)[:LONGEST]
        return (
            self.nearest(wanted, lambda key: len(key) >= _WHOLE and key in wanted, count)
            if len(wanted) >= SHORTEST
            else []
        )

    def nearest(self, wanted: str, holds: Callable[[str], bool] = lambda key: False, count: int = 3) -> list[str]:
        """The ids of the keys most like a normal form, best first; none that is hardly like it.

        Comparing letters in their order is what takes time, and two names are no more alike than the letters which
        they have in common allow, in whatever order: the most promising are compared, until no other can be among
        the first.

        Args:
            wanted: a normal form that is not empty.
            holds: whether a key is as near as one that begins like the form.
            count: ids at most.
        """
        mask, length = _mask(wanted), len(wanted)
        likely = []
        for key, known in self._masks.items():
            bound = 2 * (known & mask).bit_count() / (len(key) + length)
            bonus = _BONUS if key.startswith(wanted) or wanted.startswith(key) or holds(key) else 0.0
            if bound + bonus >= SUGGEST:
                likely.append((bound + bonus, bonus, key))
        likely.sort(reverse=True)
        matcher: SequenceMatcher[str] = SequenceMatcher(None, "", wanted, autojunk=False)
        scores: dict[str, float] = {}
        least = SUGGEST
        for bound, bonus, key in likely:
            if bound < least:
                break
            matcher.set_seq1(key)
            score, identity = matcher.ratio() + bonus, self.index[key]
            if score >= least and score > scores.get(identity, 0.0):
                scores[identity] = score
                if len(scores) >= count:
                    least = sorted(scores.values())[-count]
        return sorted(scores, key=lambda i: (-scores[i], i))[:count]
