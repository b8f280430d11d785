"""Every format, read again by somebody else's reader: nothing is lost, nothing is taken for markup."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer.errors import RequestError
from gpu_sizer.reports.tables.formats import FORMATS, STANDALONE, format_of, render
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row, letter, notes, transposed
from gpu_sizer.reports.tables.text import width
from tests.reports.tables.hostile import CLEAN, NOTE, hostile

GRID = hostile()
#: First and second cells of every row, as they must be read again.
PAIRS = [(text, text) for text in CLEAN]


def _text(name: str, **options: Any) -> str:
    return render(GRID, name, **options).decode()


def test_markdown_is_read_again() -> None:
    markdown = pytest.importorskip("markdown_it")
    tokens = markdown.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(_text("md"))

    def content(inline: Any) -> str:
        kinds = {child.type for child in inline.children}
        assert kinds <= {"text", "html_inline", "strong_open", "strong_close", "text_special"}, inline.content
        html = [c.content for c in inline.children if c.type == "html_inline"]
        assert all(re.fullmatch(r"</?sup>", h) for h in html), html
        return "".join(c.content for c in inline.children if c.type in ("text", "text_special"))

    inlines = [(tokens[i - 1].type, content(t)) for i, t in enumerate(tokens) if t.type == "inline"]
    cells = [text for kind, text in inlines if kind == "td_open"]
    rows = [tuple(cells[i : i + 3]) for i in range(0, len(cells), 3)]
    assert [r[0] for r in rows if r[1:] == ("", "")] == ["Gr_oup | & <1>", "=2"]
    assert [(a, b.removesuffix("a")) for a, b, c in rows if c] == PAIRS
    assert [text for kind, text in inlines if kind == "th_open"] == ["A|B & <C>", "100 % d_ea,b", "Number"]
    paragraphs = [text for kind, text in inlines if kind == "paragraph_open"]
    assert paragraphs[0] == "Title: 50% of a_b & <c> | d"
    assert f"a {NOTE}" in paragraphs
    assert paragraphs[-1].lstrip("\u200b") == "1. A remark & more_of it."
    assert not any(t.type.startswith(("ordered", "bullet", "heading", "code", "blockquote")) for t in tokens)


def test_markdown_source_is_aligned() -> None:
    lines = [line for line in _text("md").splitlines() if line.startswith("|")]
    assert len({width(line) for line in lines}) == 1


@pytest.mark.parametrize("standalone", [False, True])
def test_html_is_read_again(standalone: bool) -> None:
    html5lib = pytest.importorskip("html5lib")
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    text = _text("html", standalone=standalone)
    root = parser.parse(text) if standalone else parser.parseFragment(text)
    rows = []
    for line in root.iter("tr"):
        cells = ["".join(c.itertext()) for c in line]
        if len(cells) == 3:
            rows.append((cells[0], cells[1].removesuffix("a")))
    assert rows[1:] == PAIRS
    assert root.find(".//caption").text == "Title: 50% of a_b & <c> | d"
    assert {h.get("scope") for h in root.iter("th")} == {"col", "row", "rowgroup"}
    targets = {a.get("href")[1:] for a in root.iter("a")}
    assert targets == {p.get("id") for p in root.iter("p") if p.get("id")}
    classes = {c for e in root.iter() for c in (e.get("class") or "").split()}
    assert all(c.startswith("gpu-sizer") for c in classes)


def test_csv_is_read_again_and_holds_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(_text("csv"))))
    assert [(r["name"].removeprefix("'"), r["what"].removeprefix("'")) for r in rows] == PAIRS
    assert {r["number"] for r in rows} == {"1234"}
    assert rows[0]["notes"] == f"what: {NOTE} what: Second note. what: {NOTE}"
    assert {r["assumed"] for r in rows} == {"as & if"}
    assert rows[-1]["year"] == "'=2"
    for row in rows:
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "＝")), cell


def test_json_is_read_again() -> None:
    data = json.loads(_text("json"))
    assert [(r["texts"]["name"], r["values"]["what"]) for r in data["rows"]] == PAIRS
    assert data["rows"][0]["notes"] == {"what": [NOTE]}
    assert data["rows"][0]["values"]["number"] == 1234


def test_rst_is_read_again() -> None:
    core = pytest.importorskip("docutils.core")
    settings = {"report_level": 1, "halt_level": 1, "warning_stream": io.StringIO(), "input_encoding": "unicode"}
    tree = core.publish_doctree(_text("rst"), settings_overrides=settings)
    entries = [
        [e.astext() for e in row.children] for row in tree.findall() if row.tagname == "row" and len(row.children) == 3
    ]
    assert [(a, b.removesuffix("a")) for a, b, _ in entries[1:]] == PAIRS
    assert {n.tagname for e in tree.findall() if e.tagname == "entry" for n in e.children} == {"paragraph"}
    spans = [row.astext() for row in tree.findall() if row.tagname == "row" and len(row.children) == 1]
    assert spans == ["Gr_oup | & <1>", "=2"]
    assert [p.astext() for p in tree.children if p.tagname == "paragraph"] == [
        f"a {NOTE}",
        "b Second note.",
        "1. A remark & more_of it.",
    ]


@pytest.mark.parametrize("standalone", [False, True])
def test_latex_is_read_again(standalone: bool) -> None:
    walker = pytest.importorskip("pylatexenc.latexwalker")
    reader = pytest.importorskip("pylatexenc.latex2text")
    # Macros of LaTeX's own that the reader does not know by itself.
    signs = {"textbar": "|", "textless": "<", "textgreater": ">", "textasciitilde": "~", "textasciicircum": "^"}
    context = reader.get_default_latex_context_db()
    macros = [reader.MacroTextSpec(name, simplify_repl=sign) for name, sign in signs.items()]
    context.add_context_category("signs", prepend=True, macros=macros)
    to_text = reader.LatexNodes2Text(latex_context=context, strict_latex_spaces=True)
    source = _text("latex", standalone=standalone)
    walker.LatexWalker(source, tolerant_parsing=False).get_latex_nodes()
    body = source[source.index(r"\midrule") : source.index(r"\bottomrule")]
    rows = []
    for line in body.splitlines():
        if line.endswith(r" \\") and not line.startswith(r"\multicolumn"):
            cells = re.split(r"(?<!\\) & ", line.removesuffix(r" \\"))
            assert len(cells) == 3, line
            assert not cells[0].startswith(("[", "*"))
            cells[1] = cells[1].removesuffix(r"\textsuperscript{a}")
            plain = [c.replace(r"\symbol{34}", "QUOTE").replace("-{}-", "DASHES") for c in cells[:2]]
            told = [to_text.latex_to_text(c).replace("QUOTE", '"').replace("DASHES", "--") for c in plain]
            rows.append(tuple(told))
    # The reader turns apostrophes and grave accents into typographic ones, as TeX's fonts do.
    expected = [tuple(t.replace("``", "“").replace("'", "’").replace("`", "‘") for t in pair) for pair in PAIRS]
    found = [tuple(t.replace("``", "“").replace("'", "’").replace("`", "‘") for t in pair) for pair in rows]
    assert found == expected


def test_a_document_of_latex_has_the_size_in_which_its_table_fits_a_sheet() -> None:
    def sized(columns: int, words: str) -> str:
        heads = tuple(Column(f"c{i}", words) for i in range(columns))
        rows = (Row("r", tuple(Cell("0123456789", "") for _ in heads)),)
        return render(Grid("Title", heads, (Group(None, rows),)), "latex", standalone=True).decode()

    # A heading goes over lines where it is wider than its column: it makes no table wider.
    assert r"\begin{tabular}[b]{@{}l@{}}of some\\words\end{tabular}" in sized(2, "of some words")
    sizes = [sized(n, "of some words").split(r"\centering")[1].split()[0] for n in (5, 12, 14, 15, 40)]
    assert sizes == [r"\normalsize", r"\small", r"\footnotesize", r"\scriptsize", r"\scriptsize"]


def test_xlsx_is_read_again_and_holds_no_formula(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    file = tmp_path / "t.xlsx"
    file.write_bytes(render(GRID, "xlsx"))
    sheet = openpyxl.load_workbook(file).active
    rows = [list(row) for row in sheet.iter_rows(min_row=4)]
    cells = [(r[0].value, r[1].value.removesuffix(" a"), r[2]) for r in rows if r[2].value is not None]
    assert [(a, b) for a, b, _ in cells] == PAIRS
    assert {c.value for *_, c in cells} == {1234}
    assert not any(c.data_type == "f" for r in rows for c in r)


def test_terminal_table_is_as_wide_as_it_is() -> None:
    pytest.importorskip("rich")
    text = _text("rich")
    for content in CLEAN:
        assert content in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_table_is_the_same_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "xlsx":
        pytest.importorskip("openpyxl")
    first = render(GRID, name)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert render(hostile(), name) == first


@pytest.mark.parametrize("name", FORMATS)
def test_models_as_columns(name: str) -> None:
    if name == "xlsx":
        pytest.importorskip("openpyxl")
    turned = transposed(GRID)
    assert [c.key for c in turned.columns][:3] == ["column", "r0", "r1"]
    assert [r.key for r in turned.rows] == ["year", "what", "number"]
    assert [n for _, n in notes(turned)] == [NOTE, "Second note."]
    assert render(turned, name)


def test_formats_by_name_and_ending() -> None:
    assert format_of(None, ".tex") == "latex"
    assert format_of("md", ".tex") == "md"
    assert format_of(None, None) == "rich"
    with pytest.raises(RequestError, match="says no format"):
        format_of(None, ".docx")
    with pytest.raises(RequestError, match="the format is one of"):
        format_of("word", None)
    for name in set(FORMATS) - set(STANDALONE):
        with pytest.raises(RequestError, match="--standalone is for"):
            render(GRID, name, standalone=True)


def test_letters_go_on_after_z() -> None:
    assert [letter(i) for i in (0, 25, 26, 27, 701, 702)] == ["a", "z", "aa", "ab", "zz", "aaa"]
