"""Names that are nearly right: parts of a name that mean one card, and letters that slipped. Numbers must be right."""

from __future__ import annotations

from gpu_sizer.queries.words import is_decimal, word_set
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Near enough to take one word for another.
NEAR = 0.8
#: Words of one question that are tried against the catalogue's; more are never names.
MOST_TRIES = 24

#: Words beside a name that do not change what is sized.
BESIDE = word_set("instruct chat it base hf model models llm version the meta new latest")
_FORMATS = word_set("fp8 nvfp4 mxfp4 int4 int8 dynamic")
#: Words that a release's name may have beside the model's own without being another model.
RELEASED = BESIDE | _FORMATS | word_set("awq gptq gguf ggml qat quantized autoround bnb nf4 bit hqq exl block static")


def parts(word: str) -> list[str]:
    """A word where people put or leave out a space: ``llama3.1`` -> llama, 3.1; ``v3`` and ``70b`` stay."""
    letters = len(word) - len(word.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if letters >= 2 and word[letters : letters + 1].isdigit():
        return [word[:letters], word[letters:]]
    return [word]


def name_parts(identity: str) -> list[str]:
    """The parts of an id."""
    return [p for word in identity.split("-") for p in parts(word)]


def digits(text: str) -> list[str]:
    """The numbers in a word."""
    return "".join(c if c.isdigit() else " " for c in text).split()


def _family(name: Sequence[str]) -> str:
    """The first word of a name's parts; empty where none has only letters."""
    return next((p for p in name if p.isalpha()), "")


def is_size(word: str) -> bool:
    """``70b``, ``8x7b``, ``8x22``: a size as models' names have them."""
    body = word.removesuffix("b")
    first, x, second = body.partition("x")
    return (first.isdigit() and is_decimal(second)) if x else (body != word and is_decimal(body))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The parts of all ids of one kind, to complete a name that is told in part."""

    ids: dict[str, list[str]]
    words: frozenset[str]
    families: frozenset[str]

    @classmethod
    def of(cls, ids: Iterable[str]) -> Vocabulary:
        """The vocabulary of these ids."""
        split = {i: name_parts(i) for i in ids}
        return cls(
            split,
            frozenset(p for name in split.values() for p in name),
            frozenset(map(_family, split.values())) - {""},
        )

    def complete(self, name: Sequence[str]) -> list[str]:
        """The ids that hold all of these parts and the fewest others; all of them where no family is named.

        A family alone is all its models. A release in another format is meant only where its format is told.
        """
        if len(name) == 1 and name[0] in self.families:
            return self._as_released(i for i, p in self.ids.items() if _family(p) == name[0])
        extra: dict[str, int] = {}
        for identity, whole in self.ids.items():
            left = list(whole)
            for part in name:
                if part not in left:
                    break
                left.remove(part)
            else:
                extra[identity] = len(left)
        if not any(part in self.families for part in name):
            return self._as_released(extra)
        least = min(extra.values(), default=0)
        return sorted(i for i, n in extra.items() if n == least)

    def _as_released(self, found: Iterable[str]) -> list[str]:
        """Sorted, without those that are another one in a further format."""
        ids = set(found)
        bases = {i: i.rpartition("-")[0] for i in ids if i.rpartition("-")[2] in _FORMATS}
        return sorted(i for i in ids if bases.get(i) not in ids)

    def names_something(self, name: Sequence[str]) -> bool:
        """Whether these parts could name a card at all: a family, or a size in billions."""
        return any(p in self.families or (p.endswith("b") and p[:-1].replace(".", "").isdigit()) for p in name)


class Mender:
    """Mends the words of one question after a vocabulary; a question has a bounded number of tries."""

    __slots__ = ("_make", "_mended")

    def __init__(self, make: Callable[[], Vocabulary]) -> None:
        self._make = make
        self._mended: dict[str, str | None] = {}

    @property
    def vocabulary(self) -> Vocabulary:
        """The parts of all ids; a question that is spelt right never asks for them."""
        return self._make()

    def mend(self, word: str) -> str | None:
        """The part that a word nearly is, where there is one: a slip of letters, or a size without its b.

        Words with numbers are not mended otherwise: R2 is not V2, and 4.5V is not 4.5.
        """
        if word in self.vocabulary.words:
            return word
        if digits(word):
            return word + "b" if is_size(word) and word + "b" in self.vocabulary.words else None
        if word not in self._mended:
            self._mended[word] = self._nearest(word) if len(self._mended) < MOST_TRIES else None
        return self._mended[word]

    def _nearest(self, word: str) -> str | None:
        if not 4 <= len(word) <= 24:
            return None
        from difflib import SequenceMatcher

        scores = dict[str, float]()
        for part in self.vocabulary.words:
            if abs(len(part) - len(word)) <= 3 and not digits(part):
                score = SequenceMatcher(None, word, part, autojunk=False).ratio()
                if score >= NEAR:
                    scores[part] = score
        best = sorted(scores, key=lambda p: (-scores[p], p))
        return best[0] if best and (len(best) == 1 or scores[best[0]] > scores[best[1]]) else None
