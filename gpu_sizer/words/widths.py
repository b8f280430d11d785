"""How wide the columns of a table are in a given room, and which are left out so that no cell is broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from gpu_sizer.words.blocks import Titled

#: Characters between two columns.
GAP = 2
#: What a column of prose needs at least, where its text is longer.
PROSE = 18


@dataclass(frozen=True, slots=True)
class Widths:
    """The columns that are shown, by place, how wide each is, and the titles of those left out."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...]

    def remark(self) -> str:
        """What a table says of the columns that it leaves out; empty where it shows all."""
        if not self.left_out:
            return ""
        return f"Left out for want of width: {', '.join(self.left_out)}."


def _longest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)


def fitted(columns: Sequence[Titled], rows: Sequence[Sequence[str]], room: int) -> Widths:
    """The columns of a table within a number of characters.

    Those of the highest rank are left out first, of equal ones the last. Titles go over several lines between words, so
    do cells of columns that flow. What has no rank is never left out, even where there is no room.
    """
    least, wished = [], []
    for i, column in enumerate(columns):
        cells = [row[i] for row in rows]
        title = _longest(column.title.split())
        words = [word for cell in cells for word in cell.split()]
        body = min(_longest(cells), max(PROSE, _longest(words))) if column.flow else _longest(cells)
        least.append(max(title, body))
        wished.append(max(len(column.title), _longest(cells)))
    shown = list(range(len(columns)))
    out: list[int] = []
    while sum(least[i] for i in shown) + GAP * (len(shown) - 1) > room:
        last = max((i for i in shown if columns[i].rank), key=lambda i: (columns[i].rank, i), default=None)
        if last is None:
            break
        shown.remove(last)
        out.append(last)
    spare = room - sum(least[i] for i in shown) - GAP * (len(shown) - 1)
    widths = []
    for i in shown:
        more = max(0, min(spare, wished[i] - least[i]))
        spare -= more
        widths.append(least[i] + more)
    return Widths(tuple(shown), tuple(widths), tuple(columns[i].title for i in sorted(out)))
