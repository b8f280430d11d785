"""The words of a question while it is read: which of them have been understood, and where phrases stand."""

from __future__ import annotations

from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.queries.words import BYTES, JOINTS, Amount, Word, is_decimal, joined_amount, word_set, words
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

#: More words than any question needs; the rest of a longer one is not read.
MOST_WORDS = 160
#: Words of settings, to which a number may be joined: ``tp-4``, ``max-num-seqs-64``.
_LABELS = word_set("tp pp dp ep num seqs seq ctx batched isl osl way bit by fp bf nnodes bs")
#: Stands for a word that means nothing more.
ERASED = "\x00"
#: Figures of a date's first part.
_YEAR = 4


def _is_odd(word: Word) -> bool:
    """Whether a word is neither a number or amount nor one that questions use."""
    text = word.text
    return text[:1].isalpha() and text not in STOP_WORDS and text not in _LABELS and word.number is None


class Sentence:
    """A question's words, each of which is understood at most once."""

    __slots__ = ("asked", "places", "taken", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[Word] = words(text)[:MOST_WORDS]
        #: The words as they were asked, whatever is marked later.
        self.asked: tuple[str, ...] = tuple(w.text for w in self.words)
        self.taken: set[int] = set()
        #: Where each word stands, understood or not.
        self.places: dict[str, list[int]] = {}
        for i, word in enumerate(self.words):
            self.places.setdefault(word.text, []).append(i)

    def at(self, i: int) -> str:
        """The word at a place; empty outside of the sentence and where it has been understood."""
        return self.words[i].text if 0 <= i < len(self.words) and i not in self.taken else ""

    def counted(self, i: int) -> str:
        """The word at a place as what a number before it counts; empty where it begins an option."""
        return "" if 0 <= i < len(self.words) and self.words[i].begins_option else self.at(i)

    def said(self, i: int) -> str:
        """The word at a place, understood or not; empty outside of the sentence."""
        return self.words[i].text if 0 <= i < len(self.words) else ""

    def over_taken(self, i: int) -> int:
        """The next place from i on whose word is not understood yet."""
        while i < len(self.words) and i in self.taken:
            i += 1
        return i

    def number_at(self, i: int) -> int | None:
        """The whole number at a place, or null; a part of a code is no number."""
        return self.words[i].number if self.at(i) and not self.in_code(i) else None

    def amount_at(self, i: int) -> Amount | None:
        """The amount of memory whose words begin at a place, if one does: ``24gb``, ``4.5 GiB``."""
        if (one := joined_amount(self.at(i))) is not None:
            return Amount(*one, i + 1)
        if is_decimal(self.at(i)) and self.at(i + 1) in BYTES:
            return Amount(self.at(i), self.at(i + 1), i + 2)
        return None

    def in_code(self, i: int) -> bool:
        """Whether a word is joined to one that has no meaning here, as in ``i9-14900K``: then it has none alone."""
        start = stop = i
        while start and self.words[start].before in JOINTS:
            start -= 1
        while stop + 1 < len(self.words) and self.words[stop + 1].before in JOINTS:
            stop += 1
        run = range(start, stop + 1)
        dated = len(run) > 1 and all(self.words[k].text.isdigit() for k in run) and len(self.words[start].text) == _YEAR
        return dated or (len(run) > 1 and any(k not in self.taken and _is_odd(self.words[k]) for k in run))

    def take(self, start: int, stop: int | None = None) -> None:
        """Marks words as understood."""
        self.taken.update(range(start, start + 1 if stop is None else stop))

    def name(self, start: int, stop: int) -> None:
        """Marks words as a name, whose words ask for nothing: the max of ``M4 Max`` is no longest context."""
        self.take(start, stop)
        for i in range(start, stop):
            self._forget(i)

    def _forget(self, i: int) -> None:
        if i in (at := self.places.get(self.words[i].text, [])):
            at.remove(i)

    def erase(self, start: int, stop: int) -> None:
        """Marks words as understood and as meaning nothing more: no rule finds them again."""
        for i in range(start, stop):
            self.take(i)
            self._forget(i)
            self.words[i] = replace(self.words[i], text=ERASED)

    def free(self) -> Iterator[int]:
        """Places of the words that are not understood yet."""
        return (i for i in range(len(self.words)) if i not in self.taken)

    def skip(self, i: int, over: Container[str], step: int = 1, most: int = 6) -> int:
        """The next place from i on, in steps, whose word is none of those to skip."""
        for _ in range(most):
            if not (word := self.at(i)) or word not in over:
                break
            i += step
        return i

    def starts(self, i: int, phrase: tuple[str, ...]) -> bool:
        """Whether a phrase stands at a place."""
        return all(self.at(i + k) == word for k, word in enumerate(phrase))

    def find(self, phrases: Iterable[tuple[str, ...]]) -> tuple[int, int] | None:
        """Where the first of these phrases stands."""
        for phrase in phrases:
            for i in self.free():
                if self.starts(i, phrase):
                    return i, i + len(phrase)
        return None

    def has(self, phrases: Iterable[tuple[str, ...]]) -> bool:
        """Whether one of these phrases stands somewhere among the words, understood or not."""
        said = f" {' '.join(w.text for w in self.words)} "
        return any(f" {' '.join(phrase)} " in said for phrase in phrases)
