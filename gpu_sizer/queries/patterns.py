"""Patterns of words, written as text: the one shape that every rule of the questions' grammar has.

A pattern is a list of alternatives, parted by commas. An alternative is a phrase, ``what can i run``, or asks for a
noun, ``ASK ~ MODELS``: a word of the first kind, and one of the second within its reach. A word in capitals is a set
of :data:`SETS`, ``a|b`` is one of two words, ``#`` a number, ``^`` the beginning of the question and ``$`` its end.
"""

from __future__ import annotations

from functools import lru_cache

from gpu_sizer.queries.options import GPU_NOUNS, USERS
from gpu_sizer.queries.words import is_decimal, word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.queries.sentence import Sentence
    from gpu_sizer.queries.words import Word

    Alternative = tuple[tuple[frozenset[str], ...], bool]

_CONTEXTS = word_set("context contexts ctx")
_RATED = word_set("request requests req reqs query queries call calls prompt prompts message messages r q")
_TOKENS = word_set("token tokens tok toks t")
_TIMES = word_set("second seconds sec s minute minutes min day days hour hours hr h month")

#: Sets of words, by the name that patterns give them.
SETS: dict[str, frozenset[str]] = {
    "MOST": word_set("max maximum maximal longest largest biggest most highest long much many"),
    "LENGTHS": _CONTEXTS
    | word_set("token tokens prompt prompts sequence seqlen conversation conversations document documents"),
    "CONTEXT": _CONTEXTS - {"contexts"},
    "WHICH": word_set("what which whats"),
    "PEOPLE": USERS
    | word_set("people customers employees persons concurrency concurrent sequences completions requests"),
    "MEMORY": word_set("vram memory ram footprint gigabytes gb gib gigs"),
    "HARDWARE": GPU_NOUNS - {"graphics"} | word_set("hardware machine setup server box rig"),
    "GPUS": word_set("gpus cards accelerators"),
    "MODELS": word_set("models model llm llms"),
    "ASK": word_set("which what best biggest largest list any all good recommend suggest show"),
    "BEST": word_set("best smartest strongest cleverest top"),
    "RECOMMEND": word_set(
        "which what best cheapest recommend recommended cheaper right suggest smallest list all show affordable ideal"
        " sort kind kinds"
    ),
    "COUNT": word_set("many number minimum fewest min smallest least count quantity qty amount"),
    "NUMBER": word_set("many number count quantity qty amount pieces"),
    "FEWEST": word_set("minimum fewest min least"),
    "MANY": word_set("many max maximum most number much"),
    "MUCH": word_set("much many what total"),
    "WEIGH": word_set("memory vram ram space weigh weighs"),
    "MAY": word_set("does do can will would could is are fits fit may should"),
    "RATED": _RATED,
    "TOKENS": _TOKENS,
    "EACH": word_set("per a each every"),
    "TIME": _TIMES,
    "RATES": word_set("rps qps rpm rpd"),
    "HOW": word_set("what whats which how expected expect max maximum much many estimate calculate best"),
}
#: Words that end the noun behind "how many" or "which".
_ENDS = word_set(
    "do does did can could will would should is are was i we you it for to on with in at and or that which who need"
    " needs needed fits fit"
)
#: Words before which no question begins.
_LEAD_INS = word_set(
    "hi hello hey yo so ok okay well but and also guys folks all everyone please quick question btw hmm"
)
#: Words of a noun, its adjectives included.
_NOUN = 5
_BREAKS = frozenset(",;.?!:")
NUMBER = frozenset("#")
BEGIN = frozenset("^")
END = frozenset("$")


def _words(text: str) -> frozenset[str]:
    return SETS[text] if text.isupper() else frozenset(text.split("|"))


@lru_cache(maxsize=256)
def alternatives(text: str) -> tuple[Alternative, ...]:
    """The alternatives of a pattern: sets of words one after the other, and whether the second is only near."""
    parts = []
    for part in text.split(","):
        said = part.split()
        near = "~" in said
        parts.append((tuple(_words(w) for w in said if w != "~"), near))
    return tuple(parts)


def _is_number(word: Word) -> bool:
    return word.number is not None or is_decimal(word.text)


def _is(s: Sentence, i: int, wanted: frozenset[str]) -> bool:
    if wanted == NUMBER:
        return 0 <= i < len(s.words) and _is_number(s.words[i])
    return s.said(i) in wanted


def _near(s: Sentence, i: int, wanted: frozenset[str]) -> int | None:
    """The place of a noun that the word at a place asks for: ``how many concurrent 8k users``."""
    for k in range(i + 1, min(len(s.words), i + 1 + _NOUN)):
        if s.said(k) in _ENDS or not _BREAKS.isdisjoint(s.words[k].before):
            return None
        if s.said(k) in wanted:
            return k
    return None


def _places(s: Sentence, wanted: frozenset[str]) -> list[int]:
    """Where words of a set stand."""
    if wanted == NUMBER:
        return [i for i, word in enumerate(s.words) if _is_number(word)]
    return sorted(i for word in s.places.keys() & wanted for i in s.places[word])


def found(s: Sentence, text: str) -> Iterator[range]:
    """The stretches of a question that a pattern matches, understood already or not."""
    for wanted, near in alternatives(text):
        if wanted[0] == BEGIN:
            first = next((i for i, word in enumerate(s.words) if word.text not in _LEAD_INS), 0)
            if s.words and all(_is(s, first + k, w) for k, w in enumerate(wanted[1:])):
                yield range(first, first + len(wanted) - 1)
            continue
        for i in _places(s, wanted[0]):
            if near:
                if (k := _near(s, i, wanted[1])) is not None:
                    yield range(i, k + 1)
            elif wanted[-1] == END:
                if i + len(wanted) - 1 == len(s.words) and all(_is(s, i + k, w) for k, w in enumerate(wanted[:-1])):
                    yield range(i, len(s.words))
            elif all(_is(s, i + k, w) for k, w in enumerate(wanted)):
                yield range(i, i + len(wanted))


def matches(s: Sentence, text: str) -> bool:
    """Whether a pattern matches somewhere in a question."""
    return next(found(s, text), None) is not None
