"""An article as the files of one folder: the draft, its table in every format, the charts and their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.errors import RequestError
from gpu_sizer.files import write_file
from gpu_sizer.reports.article.draft import CHARTS, chart_files, markdown
from gpu_sizer.reports.charts.files import csv_text
from gpu_sizer.reports.tables.formats import FORMATS, STANDALONE, render
from gpu_sizer.reports.tables.spec import spec_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpu_sizer.reports.article.draft import Draft
    from gpu_sizer.reports.article.made import Kept


def texts(
    made: Draft, table: Kept, dark: bool = False, tell: Callable[[str], None] = lambda line: None
) -> dict[str, bytes]:
    """The files without pictures by their path in the folder: draft, table, what remakes it, and the charts' data.

    Args:
        made: the draft.
        table: the table and its spec.
        dark: whether there are charts for dark pages, too.
        tell: called with what is left out, and why.
    """
    contents = {"article.md": markdown(made, dark=dark).encode(), "table.yaml": spec_yaml(table.spec).encode()}
    for name, ending in FORMATS.items():
        try:
            # Beside a draft they are opened and printed; `gpu-sizer table` writes parts to paste.
            contents[f"table{ending}"] = render(table.grid, name, standalone=name in STANDALONE)
        except RequestError as error:
            tell(f"table{ending} is left out: {error}")
    return contents | {chart_files(f)[-1]: csv_text(f.chart).encode() for f in made.figures}


def pictures(made: Draft, dark: bool = False) -> dict[str, bytes]:
    """The charts as files by their path in the folder.

    Raises:
        RequestError: matplotlib is not installed.
    """
    from gpu_sizer.reports.charts.files import png_bytes, svg_bytes
    from gpu_sizer.reports.charts.style import DARK, LIGHT

    contents: dict[str, bytes] = {}
    for figure in made.figures:
        light, night, png, _ = chart_files(figure)
        contents[light] = svg_bytes(figure.chart, LIGHT)
        if dark:
            contents[night] = svg_bytes(figure.chart, DARK)
        contents[png] = png_bytes(figure.chart, LIGHT)
    return contents


def write(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Everything is made before the first file is written; the paths written.

    Raises:
        RequestError: the folder cannot be made.
    """
    try:
        (folder / CHARTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{folder}: {error.strerror or 'cannot be made'}") from None
    for name, data in contents.items():
        write_file(folder / name, data)
    return [folder / name for name in contents]
