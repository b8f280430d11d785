"""Names that are nearly right: parts of a name that mean one card, and letters that slipped. Numbers must be right."""

from __future__ import annotations

from gpu_sizer.cards.families import BESIDE, FORMATS, digits, is_size
from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_sizer.cards.families import Vocabulary

#: Near enough to take one word for another.
NEAR = 0.8
#: Words of one question that are tried against the catalogue's; more are never names.
MOST_TRIES = 24
#: Words that a release's name may have beside the model's own without being another model.
RELEASED = BESIDE | FORMATS | word_set("awq gptq gguf ggml qat quantized autoround bnb nf4 bit hqq exl block static")


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
