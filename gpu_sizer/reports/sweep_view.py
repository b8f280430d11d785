"""What a terminal, ``print`` and a notebook show of a sweep."""

from __future__ import annotations

from itertools import islice

from gpu_sizer.load import VARIED
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning import sweep as swept
from gpu_sizer.reports.notebook import page, table
from gpu_sizer.units import gib
from gpu_sizer.words.blocks import Column
from gpu_sizer.words.plain import aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Rows of a sweep that are shown; all are in its records.
SHOWN = 20
#: Columns behind those of the settings that vary.
_COUNTED = (
    Column("context", right=True),
    Column("users", right=True),
    Column("count", right=True),
    Column("verdict", rank=3),
    Column("layout", rank=2, flow=True),
    Column("free a GPU", right=True, rank=1),
)


class Sweep(swept.Sweep):
    """A whole sweep in memory: ``counts``, ``layouts`` and ``free_bytes`` have the shape of the axes."""

    def _table(self) -> tuple[list[Column], list[list[str]]]:
        return sweep_table(islice((record for block in self.blocks() for record in block.records()), SHOWN))

    def __str__(self) -> str:
        return "\n".join([*aligned(*self._table()), *([rest] if (rest := more(self.axes.size)) else [])])

    def __repr__(self) -> str:
        a = self.axes
        kinds = (
            (a.models, "model", "models"),
            (a.gpus, "GPU", "GPUs"),
            (a.contexts, "context", "contexts"),
            (a.users, "number of users", "numbers of users"),
        )
        told = ", ".join(f"{len(values)} {one if len(values) == 1 else many}" for values, one, many in kinds)
        return f"<Sweep: {a.size:,} cells: {told}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rest = more(self.axes.size)
        return page(table(*self._table()) + (f"<p>{rest}</p>" if rest else ""))


def more(cells: int, shown: int = SHOWN) -> str:
    """How many of a number of cells are shown; empty where all are."""
    return f"{shown} of {cells:,} cells" if cells > shown else ""


def sweep_table(records: Iterable[dict[str, Any]]) -> tuple[list[Column], list[list[str]]]:
    """The columns of some cells, and a row of texts for each.

    Args:
        records: of :meth:`gpu_sizer.planning.sweep.Block.records`.
    """
    cells = list(records)
    # A setting of which no cell says anything is a default that nobody asked about.
    varied = [s.name for s in VARIED if any(r[s.name] is not None for r in cells)]
    columns = [Column("model"), Column("GPU"), *(Column(name, rank=4) for name in varied), *_COUNTED]
    return columns, [_row(r, varied) for r in cells]


def _row(r: dict[str, Any], varied: list[str]) -> list[str]:
    settings = ["default" if r[name] is None else str(r[name]) for name in varied]
    head = [r["model"], r["gpu"], *settings, f"{r['context']:,}", f"{r['users']:,}"]
    if r["gpu_count"] is None:
        return [*head, "-", r["verdict"], "", ""]
    sizes = (r["tensor_parallel_size"], r["pipeline_parallel_size"], r["data_parallel_size"], r["expert_parallel"])
    return [*head, f"{r['gpu_count']:,}", r["verdict"], Layout(*sizes).describe(), gib(r["free_bytes"])]
