"""Any text at all in a cell: every format gives it back to somebody else's reader."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpu_sizer.reports.tables.formats import render
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row, cleaned

#: Text with much of what means something: markup, enumerations, controls, other scripts.
MARKUP = st.text(alphabet="ab1.)(-+=*_`|\\[]{}<>&%$#~^:!\"'@/?;, \n\t\r\x00é模‮", max_size=24)
ANY = st.text(max_size=16)


def _grid(text: str) -> Grid:
    rows = (Row("r", (Cell(text, text), Cell(text, text, (f"note {text}",)), Cell("end", "end"))),)
    columns = (Column("a", f"h {text}"), Column("b", "b"), Column("c", "c", right=True))
    return cleaned(Grid(f"t {text}", columns, (Group(None, rows),), (f"remark {text}",)))


def _expected(grid: Grid) -> str:
    return next(grid.rows).cells[0].text


@settings(max_examples=80, deadline=None)
@given(MARKUP | ANY)
@example("`` ` ``")
@example("\\")
@example("1)")
def test_read_again(text: str) -> None:
    markdown_it: Any = pytest.importorskip("markdown_it")
    html5lib: Any = pytest.importorskip("html5lib")
    core: Any = pytest.importorskip("docutils.core")
    walker: Any = pytest.importorskip("pylatexenc.latexwalker")
    grid = _grid(text)
    wanted = _expected(grid)

    assert json.loads(render(grid, "json"))["rows"][0]["texts"]["a"] == wanted

    row = list(csv.reader(io.StringIO(render(grid, "csv").decode())))[1]
    assert row[0].removeprefix("'") == wanted.removeprefix("'")
    assert not row[0].lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))

    fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(
        render(grid, "html").decode()
    )
    assert fragment.find(".//tbody/tr/th").text == (wanted or None)

    tokens = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(render(grid, "md").decode())
    cells = [tokens[i + 1].children for i, t in enumerate(tokens) if t.type == "td_open"]
    assert len(cells) == 3
    assert "".join(c.content for c in cells[0]) == wanted
    assert {c.type for c in cells[0]} <= {"text", "text_special"}

    quiet = {"report_level": 2, "halt_level": 2, "warning_stream": io.StringIO(), "input_encoding": "unicode"}
    tree = core.publish_doctree(render(grid, "rst").decode(), settings_overrides=quiet)
    entries = [e for e in tree.findall() if e.tagname == "entry"]
    assert entries[3].astext().replace("\n", " ") == wanted

    walker.LatexWalker(render(grid, "latex").decode(), tolerant_parsing=False).get_latex_nodes()
