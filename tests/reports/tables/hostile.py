"""A table whose cells hold everything that means something to some format."""

from __future__ import annotations

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row, cleaned

TEXTS = (
    "a|b & <c> 100% d_e_f",
    "\"q\" 'r' \\n \\\\ {w} ^v ~z~~ `y` ``",
    "*s* **t** [u](v) ![i](j) $x$ #1 a_b_",
    "=SUM(A1:A9)",
    "+1",
    "-2",
    "@cmd",
    "＝A1",
    "4. first",
    "- item",
    "(i) item",
    "> quoted",
    "::",
    "a::b",
    "|x|",
    "...",
    "a--b---c",
    "[1] at the row's begin",
    "line\nbreak\ttab\r\nend",
    "bell\x07 and nul\x00",
    "模型 and é",
    ".. note:: no",
    ":field: no",
    "&amp; &lt;b&gt; &#42;",
    "\\textbf{no} \\| \\\\",
    "$5 or 10%",
    "x" * 300,
)
#: What is read again: one line, no control characters.
CLEAN = tuple(" ".join(t.replace("\x07", "").replace("\x00", "").split()) for t in TEXTS)
NOTE = "A note: 1 < 2 & a_b | 100% *really*."


def hostile() -> Grid:
    """Two groups; each text stands first in a row and second in a row."""
    rows = tuple(Row(f"r{i}", (Cell(t, t), Cell(t, t, (NOTE,)), Cell("1,234", 1234))) for i, t in enumerate(TEXTS))
    columns = (
        Column("name", "A|B & <C>"),
        Column("what", "100 % d_e", marks=(NOTE, "Second note.")),
        Column("number", "Number", right=True, number="#,##0"),
    )
    groups = (Group("Gr_oup | & <1>", rows[:5]), Group("=2", rows[5:]))
    return cleaned(
        Grid("Title: 50% of a_b & <c> | d", columns, groups, ("1. A remark & more_of it.",), "as & if", "year")
    )
