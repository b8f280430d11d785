"""Whole names near a spelling: what :mod:`gpu_sizer.cards.names` does for one name, for the many of a question."""

from __future__ import annotations

from gpu_sizer.cards.names import NEAR, SUGGEST, is_slip, normal, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from difflib import SequenceMatcher

#: Names whose likeness differs by less are both meant.
MARGIN = 0.06
#: The longest spelling that is compared.
MOST_CHARACTERS = 48
#: Suggestions of a message.
SUGGESTED = 3


class NearNames:
    """One shelf's names, grouped by the numbers in them: those must agree before letters are compared."""

    __slots__ = ("_groups", "index")

    def __init__(self, index: Mapping[str, str]) -> None:
        self.index = index
        self._groups: dict[tuple[str, ...], list[str]] | None = None

    def _group(self, wanted: tuple[str, ...]) -> list[str]:
        if self._groups is None:
            self._groups = {}
            for key in self.index:
                self._groups.setdefault(numbers(key), []).append(key)
        return self._groups.get(wanted, [])

    def _scores(self, wanted: str, keys: Iterable[str], least: float) -> dict[str, float]:
        from difflib import SequenceMatcher

        matcher: SequenceMatcher[str] = SequenceMatcher(None, "", wanted, autojunk=False)
        found: dict[str, float] = {}
        for key in keys:
            shorter, both = min(len(key), len(wanted)), len(key) + len(wanted)
            begins = key.startswith(wanted) or wanted.startswith(key)
            if not begins and 2 * shorter < least * both:
                continue
            matcher.set_seq1(key)
            if begins or matcher.quick_ratio() >= least:
                score = matcher.ratio() + (0.3 if begins and least == SUGGEST else 0.0)
                identity = self.index[key]
                if score >= least:
                    found[identity] = max(score, found.get(identity, 0.0))
        return found

    def near(self, spelling: str) -> list[str]:
        """Ids that a misspelt name can mean, best first: letters nearly right, every number right."""
        wanted = normal(spelling)
        if not 3 <= len(wanted) <= MOST_CHARACTERS:
            return []
        slips = [key for key in self._group(numbers(wanted)) if is_slip(wanted, key)]
        scores = self._scores(wanted, slips, NEAR)
        best = sorted(scores, key=lambda i: (-scores[i], i))
        return [i for i in best if scores[i] > scores[best[0]] - MARGIN]

    def has_parts(self, identity: str, told: Sequence[str]) -> bool:
        """Whether one of an id's spellings has every one of these parts as it is told: R2 is no slip of V2."""
        return any(i == identity and all(part in key for part in told) for key, i in self.index.items())

    def suggestions(self, spelling: str) -> list[str]:
        """The nearest ids, for a message."""
        wanted = normal(spelling)[:MOST_CHARACTERS]
        scores = self._scores(wanted, self.index, SUGGEST) if wanted else {}
        return sorted(scores, key=lambda i: (-scores[i], i))[:SUGGESTED]
