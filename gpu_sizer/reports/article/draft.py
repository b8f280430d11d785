"""A draft in Markdown: headings, paragraphs, lists, figures and a table, put together from parts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape as escape_html

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.style import Chart
from gpu_sizer.reports.tables.formats.md import escape


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and the name of its files, without an ending."""

    name: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the article. ``table`` is Markdown that stands as it is; everything else is plain text."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    items: tuple[str, ...] = ()
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The whole article."""

    title: str
    standfirst: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every chart, in order of reading."""
        return tuple(f for section in self.sections for f in section.figures)


#: Where charts stand beside the draft.
CHARTS = "charts"


def chart_files(figure: Figure) -> tuple[str, str, str, str]:
    """Paths of a chart beside the draft: SVG, SVG for dark pages, PNG, data."""
    place = f"{CHARTS}/{figure.name}"
    return f"{place}.svg", f"{place}-dark.svg", f"{place}.png", f"{place}.csv"


def markdown(draft: Draft, *, dark: bool = False) -> str:
    """The draft as Markdown; ``dark`` where there are charts for dark pages, too."""
    return "\n".join(_lines(draft, dark)).rstrip() + "\n"


def _lines(draft: Draft, dark: bool) -> Iterator[str]:
    yield f"# {escape(draft.title)}"
    yield ""
    yield f"*{escape(draft.standfirst)}*"
    for section in draft.sections:
        yield ""
        yield f"## {escape(section.heading)}"
        for paragraph in section.paragraphs:
            yield ""
            yield escape(paragraph)
        if section.items:
            yield ""
        for item in section.items:
            yield f"- {escape(item)}"
        for figure in section.figures:
            yield ""
            yield from _figure(figure, dark)
        if section.table is not None:
            yield ""
            yield section.table.rstrip()


def _figure(figure: Figure, dark: bool) -> Iterator[str]:
    light, night, png, data = chart_files(figure)
    yield "<picture>"
    if dark:
        yield f'<source media="(prefers-color-scheme: dark)" srcset="{night}">'
    yield f'<img alt="{escape_html(figure.chart.alt)}" src="{light}">'
    yield "</picture>"
    yield ""
    yield f"*{escape(figure.chart.title)}.* {escape(figure.chart.source)} ([PNG]({png}), [data]({data}))"
