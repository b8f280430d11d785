"""What an engine that counts many loads at once tells of a layout: lines along which free memory falls.

Under equal engine settings only the blocks that requests take differ from load to load.
"""

from __future__ import annotations

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    import numpy as np
    from numpy.typing import NDArray

    from gpu_sizer.load import Settings
    from gpu_sizer.memory.layout import Layout

    Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Contexts and users, as ranges of indices, under one set of engine settings, or all but one.

    Where ``ramp`` is true the engine's sequences are the users of a replica, and so differ from column to column.
    """

    first_context: int
    stop_context: int
    first_users: int
    stop_users: int
    settings: Settings
    ramp: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A layout under fixed settings, or under as many sequences as there are users in each column of cells."""

    spare: tuple[Whole, ...]
    """Bytes left for the cache on the stages that differ: in each column, or once for all."""
    block: tuple[int, ...]
    """Bytes of a block on these stages."""
    roomy: int
    """Free bytes from which on the layout fits; fewer are tight."""
    outside: int
    """Bytes beside the budget for block tables; a layout whose tables take more is tight."""
    whole_block: int
    """Bytes of a block over all stages where the engine compares the whole cache with one stage, else 0."""
    request_blocks: Whole
    """Blocks that one request takes, by context."""
    table_bytes: Whole
    """Bytes of one sequence's block tables that stand beside the budget, by context."""


if TYPE_CHECKING:

    class Lines(Protocol):
        """One model on one kind of GPU under the loads of a sweep."""

        def ends(self) -> list[int]:
            """Where the contexts are parted, as indices: beyond each of these the settings may follow another rule."""

        def line(self, layout: Layout, part: Rectangle) -> Line | None:
            """The line of an accepted layout over one part, or null where not even the easiest load of it fits."""
