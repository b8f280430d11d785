"""Tables as LaTeX with the rules of booktabs; a long table breaks over pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes

ENDING = ".tex"
#: It can be a page or document of its own.
STANDALONE = True

#: Rows that still stand on one page.
ONE_PAGE = 45
#: A sheet of a document, without its margins: letter paper, turned (11 in less 3 cm, in points).
_SHEET = 709
#: Sizes of type and their heights in points, as LaTeX's standard classes have them, down to what is read with ease.
_SIZES = {"normalsize": 10, "small": 9, "footnotesize": 8, "scriptsize": 7}
#: Width of a sign on average in parts of the height, and the room on both sides of a column in points.
_SIGN, _SEPARATION = 0.52, 8

#: What has a meaning of its own, and signs that the standard fonts lack under their own name. A quotation mark is
#: given by number, since babel makes it active in some languages; brackets and stars are put in braces, since a row
#: may begin with them behind ``\\\\``.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "×": r"\(\times\)",
    "±": r"\(\pm\)",
    "\u00a0": "~",
}
_TABLE = str.maketrans(_SPECIAL)


def escape(text: str) -> str:
    """A text that LaTeX prints as it stands; two hyphens in a row stay two."""
    return "-{}-".join(part.translate(_TABLE) for part in text.split("--"))


def write(grid: Grid, *, standalone: bool = False) -> str:
    """A table environment (needs ``booktabs``, a long one ``longtable``); ``standalone`` makes it a document."""
    long = sum(1 for _ in grid.rows) > ONE_PAGE
    size = [f"\\{_size(grid)}", f"\\setlength{{\\tabcolsep}}{{{_SEPARATION / 2:g}pt}}"] if standalone else []
    body = "\n".join([*size, *_long(grid)] if long else _short(grid, size)) + "\n"
    if not standalone:
        return f"% needs \\usepackage{{booktabs}}{' and longtable' if long else ''}\n{body}"
    packages = ["[T1]{fontenc}", "[utf8]{inputenc}", "{booktabs}", "{longtable}", "[margin=1.5cm,landscape]{geometry}"]
    head = "\n".join(f"\\usepackage{p}" for p in packages)
    return f"\\documentclass{{article}}\n{head}\n\\begin{{document}}\n{body}\\end{{document}}\n"


def _widths(grid: Grid) -> list[int]:
    """Signs of the widest cell of each column, or of the longest word of its heading: a heading goes over lines."""
    words = [max(map(len, column.title.split()), default=0) for column in grid.columns]
    return [max([w, *(len(row.cells[i].text) for row in grid.rows)]) for i, w in enumerate(words)]


def _size(grid: Grid) -> str:
    """The largest size of type in which the table is no wider than a sheet, else the smallest."""
    widths = _widths(grid)
    room = _SHEET - _SEPARATION * (len(widths) - 1)
    return next((name for name, height in _SIZES.items() if sum(widths) * _SIGN * height <= room), [*_SIZES][-1])


def _rows(grid: Grid) -> tuple[str, list[str], list[str]]:
    """The heading, the body and the notes, line by line."""
    known = notes(grid)

    def text(of: Cell | Column, content: str) -> str:
        marks = known.marks(of)
        return escape(content) + (f"\\textsuperscript{{{marks}}}" if marks else "")

    def heading(column: Column, width: int) -> str:
        *above, last = wrap(column.title, width, break_long_words=False, break_on_hyphens=False) or [""]
        lines = [*map(escape, above), text(column, last)]
        if not above:
            return lines[0]
        over = "\\\\".join(lines)
        return f"\\begin{{tabular}}[b]{{@{{}}{_side(column)}@{{}}}}{over}\\end{{tabular}}"

    head = " & ".join(map(heading, grid.columns, _widths(grid))) + r" \\"
    body: list[str] = []
    for group in grid.groups:
        if group.title is not None:
            if body:
                body.append(r"\addlinespace")
            body.append(f"\\multicolumn{{{len(grid.columns)}}}{{@{{}}l}}{{\\textbf{{{escape(group.title)}}}}} \\\\")
        body += [" & ".join(text(c, c.text) for c in row.cells) + r" \\" for row in group.rows]
    told = [f"\\textsuperscript{{{mark}}}~{escape(note)}\\par" for mark, note in known]
    told += [f"{escape(remark)}\\par" for remark in grid.remarks]
    return head, body, told


def _side(column: Column) -> str:
    return "r" if column.right else "l"


def _alignment(grid: Grid) -> str:
    return "@{}" + "".join(map(_side, grid.columns)) + "@{}"


def _notes(lines: list[str], width: str) -> Iterator[str]:
    if lines:
        yield r"\par\medskip\noindent"
        yield f"\\begin{{minipage}}{{{width}}}\\footnotesize\\raggedright"
        yield from lines
        yield r"\end{minipage}"


def _short(grid: Grid, size: Sequence[str]) -> Iterator[str]:
    head, body, told = _rows(grid)
    yield r"\begin{table}[htbp]"
    # A float begins in the document's own size.
    yield from (r"\centering", *size)
    yield f"\\caption{{{escape(grid.title)}}}\\smallskip"
    yield f"\\begin{{tabular}}{{{_alignment(grid)}}}"
    yield from (r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}")
    yield from _notes(told, r"\linewidth")
    yield r"\end{table}"


def _long(grid: Grid) -> Iterator[str]:
    head, body, told = _rows(grid)
    yield f"\\begin{{longtable}}{{{_alignment(grid)}}}"
    yield f"\\caption{{{escape(grid.title)}}}\\\\"
    yield from (r"\toprule", head, r"\midrule", r"\endfirsthead")
    yield from (r"\toprule", head, r"\midrule", r"\endhead")
    yield from (r"\bottomrule", r"\endfoot")
    yield from body
    yield r"\end{longtable}"
    yield from _notes(told, r"\linewidth")
