"""The tables of re-releases, compiled into a file of its own that is opened only for a name that no card bears."""

from __future__ import annotations

import os
from functools import cached_property

from gpu_sizer.cards.names import normal
from gpu_sizer.cards.rerelease_table import Line
from gpu_sizer.fast.compiled import Compiled, Recipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Rereleases:
    """The tables of some folders.

    Args:
        folders: folders of ``*.yaml``; those that do not exist are passed by.
        newer: the one of them whose lines take the place of others.
    """

    def __init__(self, folders: Sequence[str], newer: str | None = None) -> None:
        self.newer = newer
        self.folders = tuple(f for f in folders if os.path.isdir(f))

    def recipe(self) -> Recipe:
        """What the compiled table is made from."""

        return Recipe("rereleases", self.folders, self._make, code=(os.path.dirname(os.path.abspath(__file__)),))

    @cached_property
    def _compiled(self) -> Compiled | None:
        return self.recipe().current()

    def _make(self) -> dict[str, Any]:
        from gpu_sizer.cards.rerelease_files import by_organisation, contents

        return by_organisation(contents(self.folders, self.newer))

    @cached_property
    def _made(self) -> dict[str, Any]:
        return self._make()

    def find(self, hub_id: str) -> tuple[str, Line, str] | None:
        """The card of a hub id, its line and the line's source; null where there is none.

        Args:
            hub_id: with its organisation, in whatever case; a name without one is in no table.
        """
        if hub_id.count("/") != 1 or not self.folders:
            return None
        key = normal(hub_id)
        organisation = key.partition("/")[0]
        tables = self._compiled.entry(organisation) if self._compiled is not None else self._made.get(organisation)
        for source, cards in (tables or {}).items():
            for card, lines in cards.items():
                for name, told, context, vocab_size in lines:
                    if normal(name) == key:
                        fmt, formats = (None, told) if isinstance(told, dict) else (told, None)
                        line = Line(hub_id=name, format=fmt, formats=formats, context=context, vocab_size=vocab_size)
                        return card, line, source
        return None
