"""Whole names near a spelling, for the many spellings that a question can hold."""

from __future__ import annotations

from gpu_sizer.cards.names import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gpu_sizer.cards.catalogue import Shelf

#: The longest spelling that is compared.
MOST_CHARACTERS = 48


class NearNames:
    """One shelf's names."""

    __slots__ = ("_shelf",)

    def __init__(self, shelf: Shelf[Any]) -> None:
        self._shelf = shelf

    @property
    def index(self) -> Mapping[str, str]:
        """Normal forms of names, and the ids that they mean."""
        return self._shelf.index

    def near(self, spelling: str) -> list[str]:
        """Ids that a misspelt name can mean, best first: letters nearly right, every number right."""
        wanted = normal(spelling)
        return self._shelf.known.misspelt(wanted) if len(wanted) <= MOST_CHARACTERS else []

    def has_parts(self, identity: str, told: Sequence[str]) -> bool:
        """Whether one of an id's spellings has every one of these parts as it is told: R2 is no slip of V2."""
        return any(i == identity and all(part in key for part in told) for key, i in self.index.items())

    def suggestions(self, spelling: str) -> list[str]:
        """The nearest ids, for a message."""
        wanted = normal(spelling)[:MOST_CHARACTERS]
        return self._shelf.known.nearest(wanted) if wanted else []
