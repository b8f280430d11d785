"""Tables as LaTeX with the rules of booktabs; a long table breaks over pages."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.reports.tables.grid import Cell, Column, Grid, notes

ENDING = ".tex"
#: It can be a page or document of its own.
STANDALONE = True

#: Rows that still stand on one page.
ONE_PAGE = 45

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
    body = "\n".join(_long(grid) if long else _short(grid)) + "\n"
    if not standalone:
        return f"% needs \\usepackage{{booktabs}}{' and longtable' if long else ''}\n{body}"
    packages = ["[T1]{fontenc}", "[utf8]{inputenc}", "{booktabs}", "{longtable}", "[margin=1.5cm,landscape]{geometry}"]
    head = "\n".join(f"\\usepackage{p}" for p in packages)
    return f"\\documentclass{{article}}\n{head}\n\\begin{{document}}\n\\small\n{body}\\end{{document}}\n"


def _rows(grid: Grid) -> tuple[str, list[str], list[str]]:
    """The heading, the body and the notes, line by line."""
    known = notes(grid)

    def text(of: Cell | Column, content: str) -> str:
        marks = known.marks(of)
        return escape(content) + (f"\\textsuperscript{{{marks}}}" if marks else "")

    head = " & ".join(text(c, c.title) for c in grid.columns) + r" \\"
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


def _alignment(grid: Grid) -> str:
    return "@{}" + "".join("r" if c.right else "l" for c in grid.columns) + "@{}"


def _notes(lines: list[str], width: str) -> Iterator[str]:
    if lines:
        yield r"\par\medskip"
        yield f"\\begin{{minipage}}{{{width}}}\\footnotesize\\raggedright"
        yield from lines
        yield r"\end{minipage}"


def _short(grid: Grid) -> Iterator[str]:
    head, body, told = _rows(grid)
    yield r"\begin{table}"
    yield r"\centering"
    yield f"\\caption{{{escape(grid.title)}}}"
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
