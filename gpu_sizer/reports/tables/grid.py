"""A table before it has a format: columns, rows in groups, marks on cells, and the notes they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gpu_sizer.records import dataclass, field, replace
from gpu_sizer.reports.tables.text import one_line

if TYPE_CHECKING:
    from gpu_sizer.planning.uncounted import Uncounted


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what is read, and the value behind it for formats that hold data.

    ``marks`` are the texts of the notes that the cell leads to.
    """

    text: str
    value: str | int | float | bool | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in data formats, its heading, and how its cells stand.

    ``scale`` turns a value into the unit of the heading, ``number`` is its spreadsheet format.
    """

    key: str
    title: str
    right: bool = False
    scale: float = 1.0
    number: str = "General"
    marks: tuple[str, ...] = ()
    rank: int = 0
    """In which order columns are left out where a terminal has no room: the highest first, 0 never."""
    flow: bool = False
    """Whether its cells may go over several lines there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the first cell is its heading."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading; null where the table has no groups."""

    title: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole table. ``remarks`` hold for all of it; ``assumed`` says the same in one line."""

    title: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    remarks: tuple[str, ...] = ()
    assumed: str = ""
    group_key: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What was assumed, as data."""
    uncounted: tuple[Uncounted, ...] = ()
    """Pairs behind the cells that cannot be counted; a remark says the same."""

    @property
    def rows(self) -> Iterator[Row]:
        """Every row, group after group."""
        for group in self.groups:
            yield from group.rows


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a table in order of reading, each with its letter."""

    letters: dict[str, str]

    def marks(self, of: Cell | Column) -> str:
        """The letters of a cell or heading: ``a,b``; empty where it has none."""
        return ",".join(self.letters[m] for m in of.marks)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((letter, text) for text, letter in self.letters.items())


def letter(index: int) -> str:
    """a, b ... z, aa, ab ..."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def notes(grid: Grid) -> Notes:
    """Letters for the marks of a table, in order of reading: headings first, then row by row."""
    told: dict[str, str] = {}
    marks = [m for column in grid.columns for m in column.marks]
    marks += [m for row in grid.rows for cell in row.cells for m in cell.marks]
    for mark in marks:
        told.setdefault(mark, letter(len(told)))
    return Notes(told)


def transposed(grid: Grid) -> Grid:
    """The table with models as columns; groups become the first row."""
    rows = list(grid.rows)
    first, *others = grid.columns
    columns = [Column("column", "")]
    columns += [
        Column(r.key, r.cells[0].text, right=True, marks=r.cells[0].marks, rank=1)
        if r.cells
        else Column(r.key, r.key, rank=1)
        for r in rows
    ]
    body: list[Row] = []
    if grid.group_key is not None:
        titles = [Cell(g.title or "", g.title) for g in grid.groups for _ in g.rows]
        body.append(Row(grid.group_key, (Cell(grid.group_key.capitalize(), grid.group_key), *titles)))
    for index, column in enumerate(others, 1):
        heading = Cell(column.title, column.key, column.marks)
        body.append(Row(column.key, (heading, *(r.cells[index] for r in rows))))
    return Grid(
        grid.title,
        tuple(columns),
        (Group(None, tuple(body)),),
        grid.remarks,
        grid.assumed,
        None,
        {**grid.facts, "transposed": True, "heading": first.key},
        grid.uncounted,
    )


def cleaned(grid: Grid) -> Grid:
    """The table with every text on one line."""

    def cell(c: Cell) -> Cell:
        value = one_line(c.value) if isinstance(c.value, str) else c.value
        return Cell(one_line(c.text), value, tuple(map(one_line, c.marks)))

    groups = tuple(
        Group(
            one_line(g.title) if g.title is not None else None,
            tuple(Row(r.key, tuple(map(cell, r.cells))) for r in g.rows),
        )
        for g in grid.groups
    )
    columns = tuple(replace(c, title=one_line(c.title), marks=tuple(map(one_line, c.marks))) for c in grid.columns)
    remarks, assumed = tuple(map(one_line, grid.remarks)), one_line(grid.assumed)
    return replace(grid, title=one_line(grid.title), columns=columns, groups=groups, remarks=remarks, assumed=assumed)
