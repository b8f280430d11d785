"""Charts: labels that never cover one another, files that say what they show."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gpu_sizer.errors import RequestError
from gpu_sizer.reports.charts import frontier as frontier_chart
from gpu_sizer.reports.charts import progress as progress_chart
from gpu_sizer.reports.charts.files import write_chart
from gpu_sizer.reports.charts.frontier import Fewer, Placed
from gpu_sizer.reports.charts.geometry import crosses, meet, overlap, ticks
from gpu_sizer.reports.charts.places import Obstacles, arrange, places
from gpu_sizer.reports.charts.progress import Dot, Series, Span, steps
from gpu_sizer.reports.charts.style import Chart, wrapped

FRAME = (0.0, 0.0, 1000.0, 700.0)


def test_labels_never_cover_one_another() -> None:
    generator = random.Random(5)
    points = tuple((generator.uniform(0, 1000), generator.uniform(0, 700)) for _ in range(40))
    every = [places(p, (90.0, 14.0), FRAME, Obstacles(points), 1.5) for p in points]
    chosen = arrange(every)
    assert len(chosen) == 40
    assert not any(overlap(a.box, b.box) for a, b in combinations(chosen.values(), 2))
    assert arrange(every) == chosen


def test_a_label_without_room_is_left_out() -> None:
    assert places((5.0, 5.0), (90.0, 14.0), (0.0, 0.0, 50.0, 50.0), Obstacles(), 1.0) == []
    assert arrange([[]]) == {}


def test_a_label_is_left_out_rather_than_placed_at_more_than_it_is_worth() -> None:
    # Every place of the second label covers several specks.
    free, crowded = Obstacles(), Obstacles(specks=tuple((x * 10.0, y * 8.0) for x in range(100) for y in range(90)))
    every = [places((500.0, 350.0), (90.0, 14.0), FRAME, o, 1.5) for o in (free, crowded)]
    assert set(arrange(every)) == {0, 1}
    assert set(arrange(every, [20.0, 20.0])) == {0}


def test_lines_are_as_few_as_fit_and_about_equally_long() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(dpi=100)
    FigureCanvasAgg(made)
    text = "Source: Chatbot Arena, overall, ratings of 2024-06-29 for the models listed on 2024-05-01; and more"
    assert wrapped(made, text, 8.5, 20.0) == text
    lines = wrapped(made, text, 8.5, 5.5).splitlines()
    assert len(lines) == 2
    # A word that is wider than a line stands in one of its own.
    assert wrapped(made, f"a {'x' * 390} b", 15.0, 6.0).splitlines() == ["a", "x" * 390, "b"]
    assert " ".join(lines) == text
    assert min(map(len, lines)) > 0.7 * max(map(len, lines))


def test_lines_and_boxes() -> None:
    assert crosses((0, 0, 10, 10), (-5, 5, 15, 5))
    assert not crosses((0, 0, 10, 10), (-5, 11, 15, 11))
    assert meet((0, 0, 10, 10), (0, 10, 10, 0))
    assert not meet((0, 0, 10, 10), (0, 1, 10, 11))


def test_steps_go_on_to_the_end() -> None:
    first, second = Dot(date(2024, 1, 1), 1, "a"), Dot(date(2024, 2, 1), 2, "b")
    assert [y for _, y in steps([first, second], date(2024, 3, 1))] == [1, 1, 2, 2]
    assert ticks([1, 4, 17], [1, 2, 4, 16, 17, 20]) == [1, 2, 4, 17, 20]


def _chart() -> Chart:
    day = date(2024, 1, 1)
    dots = tuple(Dot(day + timedelta(days=40 * i), 1000 + 30 * i, f"model {i}") for i in range(8))
    series = (Series("One", dots, dots, (), ((day, 1000.0), (day + timedelta(days=300), 1200.0))),)
    span = Span((dots[1].day, 1100.0), (dots[4].day, 1100.0), "120 days")

    def draw(axes: object, look: object) -> None:
        progress_chart.draw(axes, look, series, day + timedelta(days=300), [span], "score")  # type: ignore[arg-type]

    return Chart("A <title>", "subtitle", "Source: made up.", "Alt & text.", ("a", "b"), (("1", "x,y"),), draw)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".html"])
def test_files_of_every_kind(tmp_path: Path, suffix: str, theme: str) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"chart{suffix}"
    written = write_chart(_chart(), file, theme)
    assert written == [file, tmp_path / "chart.csv"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert list(csv.reader((tmp_path / "chart.csv").open())) == [["a", "b"], ["1", "x,y"]]
    content = file.read_bytes()
    assert write_chart(_chart(), file, theme)
    assert file.read_bytes() == content, "the same chart is the same file"
    if suffix == ".svg":
        root = ElementTree.fromstring(content)
        assert root.get("role") == "img"
        assert root[0].text == "A <title>"
        assert root[1].text == "Alt & text."
        # Text is text, with a rim where lines run below it, in letters that every reader has.
        told = {"".join(t.itertext()): str(t.get("style")) for t in root.iter("{http://www.w3.org/2000/svg}text")}
        assert {"A <title>", "subtitle", "score", "model 7", "120 days"} <= set(told)
        assert "paint-order: stroke" in told["model 7"]
        assert "stroke" not in told["subtitle"]
        assert all("Verdana, sans-serif" in style for style in told.values())
    if suffix == ".pdf":
        assert content.startswith(b"%PDF")
        assert b"/URI" not in content, "names of dots are no links"
    if suffix == ".html":
        assert content.count(b"<svg") == 2
        assert b"prefers-color-scheme: dark" in content


def test_the_frontier_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    models = [Placed(1, 1150, "small"), Placed(4, 1200, "large"), Placed(6, 1190, "old")]

    def draw(axes: object, look: object) -> None:
        fewer = [Fewer(models[0], models[2])]
        frontier_chart.draw(axes, look, models, models[:2], fewer, "GPUs")  # type: ignore[arg-type]

    assert write_chart(Chart("t", "s", "x", "a", ("a",), (), draw), tmp_path / "f.png")


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"ends in .svg, .png, .pdf, .html or .csv"):
        write_chart(_chart(), tmp_path / "chart.gif")
    with pytest.raises(RequestError, match="light or dark"):
        write_chart(_chart(), tmp_path / "chart.csv", "pink")
    with pytest.raises(RequestError, match="there is no folder"):
        write_chart(_chart(), tmp_path / "nowhere" / "chart.csv")
