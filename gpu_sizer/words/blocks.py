"""A result in words before it has a medium: a headline, and blocks of a few kinds that every medium can draw."""

from __future__ import annotations

from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol

    from gpu_sizer.memory.estimate import Verdict

    Tone = Literal["plain", "dim", "note"]

    class Titled(Protocol):
        """What of a column of any table its width depends on."""

        @property
        def title(self) -> str: ...
        @property
        def right(self) -> bool: ...
        @property
        def rank(self) -> int: ...
        @property
        def flow(self) -> bool: ...


#: How much is shown: the choices alone, what rests below them too, or every reason that is known.
BRIEF, USUAL, WHY = 0, 1, 2
#: Rows of a list of which the first alone are asked for.
FEW = 5


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, each on a line of its own; below a title they are indented."""

    lines: tuple[str, ...]
    title: str = ""
    tone: Tone = "plain"
    close: bool = False
    """Without an empty line before it."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Short labels, each with the sentence that belongs to it."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""
    close: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What fills one GPU, in bytes by name, and what is left of the budget (or missing, with its error)."""

    title: str
    parts: tuple[tuple[str, int], ...]
    left: tuple[str, int]
    band_bytes: int
    budget_bytes: int
    capacity_bytes: int
    close: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    ``rank`` says in which order columns are left out where there is no room: the highest first, 0 never. Cells that
    ``flow`` may go over several lines, between words; all others stand whole.
    """

    title: str
    right: bool = False
    rank: int = 0
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    close: bool = False


if TYPE_CHECKING:
    Block = Paragraph | Pairs | Memory | Table


@dataclass(frozen=True, slots=True)
class Told:
    """A result in words. ``verdict`` colours the headline."""

    headline: str
    verdict: Verdict
    blocks: tuple[Block, ...] = ()

    def led_by(self, headline: str, *blocks: Block) -> Told:
        """The same under another headline, with further blocks before its own."""
        return replace(self, headline=headline, blocks=(*blocks, *self.blocks))

    def followed_by(self, *blocks: Block) -> Told:
        """The same with further blocks at its end."""
        return replace(self, blocks=(*self.blocks, *blocks))
