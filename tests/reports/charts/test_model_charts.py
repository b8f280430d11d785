"""Charts of models: what they say is computed, and they can be drawn in every form."""

from __future__ import annotations

import csv
import math
import re
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gpu_sizer import size, speed
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.entry import run
from gpu_sizer.planning.breakpoints import Step
from gpu_sizer.records import replace
from gpu_sizer.reports.charts.context import Line, context_chart, rounded, tokens_text
from gpu_sizer.reports.charts.demand import Exceptional, demand, demand_chart, months, sentences, title
from gpu_sizer.reports.charts.files import csv_text, svg_text
from gpu_sizer.reports.charts.growth import Measured, growth, records
from gpu_sizer.reports.charts.interactivity import FrontierLine, FrontierPoint, frontier, frontier_chart
from gpu_sizer.reports.charts.matrix import Count, Counted, matrix_chart
from gpu_sizer.reports.charts.memory import memory_chart
from gpu_sizer.reports.charts.speed import SpeedLine, SpeedPoint, speed_chart
from gpu_sizer.reports.charts.style import LIGHT, LONGEST_NAME, TALLEST, Chart, shortened
from gpu_sizer.reports.charts.text import Bar, Bars, view

BEGIN = date(2023, 1, 1)
#: A model a quarter, each twice the one before, and small ones between.
DOUBLING = [Measured(BEGIN + timedelta(days=91 * i), 2.0**i, f"large {i}") for i in range(5)]
SMALL = [Measured(BEGIN + timedelta(days=91 * i + 30), 1.0, f"small {i}") for i in range(5)]


def test_records_and_their_trend() -> None:
    best = records([*SMALL, *reversed(DOUBLING)])
    assert list(best) == DOUBLING
    trend = growth(best)
    assert trend is not None
    assert trend.points == 5
    assert math.isclose(trend.doubling_months, 91 / (365.25 / 12))
    assert math.isclose(trend.at(DOUBLING[3].day), 8.0)


def test_a_record_takes_clearly_more() -> None:
    near = [Measured(BEGIN, 100.0, "a"), Measured(BEGIN + timedelta(days=1), 101.0, "b")]
    assert [m.name for m in records([*near, Measured(BEGIN + timedelta(days=2), 104.5, "c")])] == ["a", "c"]
    assert [m.name for m in records([Measured(BEGIN, 24, "a"), Measured(BEGIN + timedelta(days=1), 25, "b")])] == [
        "a",
        "b",
    ]


def test_records_of_one_season_tell_no_trend() -> None:
    season = [Measured(BEGIN + timedelta(days=30 * i), 2.0**i, str(i)) for i in range(5)]
    assert len(records(season)) == 5
    assert growth(season) is None


def test_of_one_day_the_largest_is_the_record() -> None:
    same = [Measured(BEGIN, 1.0, "a"), Measured(BEGIN, 4.0, "b"), Measured(BEGIN, 2.0, "c")]
    assert [m.name for m in records(same)] == ["b"]
    assert growth(same) is None, "all on one day"
    assert growth(DOUBLING[:2]) is None, "too few"
    falling = [Measured(BEGIN + timedelta(days=i), 8.0 / 2**i, str(i)) for i in range(3)]
    assert growth(falling) is None


def test_the_headline_says_how_fast() -> None:
    found = demand([*DOUBLING, *SMALL], "RTX A6000s", "full context")
    assert title(found) == "The largest open models double their GPUs every 3.0 months"
    assert title(demand(SMALL, "GiB", "x")) == "small 0 takes most: 1 GiB"
    assert [months(v) for v in (3.04, 14.2, 30.0)] == ["3.0 months", "14 months", "2.5 years"]
    broke = demand(
        DOUBLING,
        "H100s",
        "x",
        exceptions=[
            Exceptional("large 0", 1, "big", 9, BEGIN, 1100.0, "large 0"),
            Exceptional("gone", 1, "b", 2, BEGIN, 1.0, "gone"),
        ],
    )
    assert [e.name for e in broke.exceptions] == ["large 0"]
    assert "large 0 scored as high on 1 as big" in sentences(broke)[-1]


def _speeds() -> list[SpeedLine]:
    """Two lines that end near each other, and one of a single point."""
    falling = [SpeedPoint(1 << n, 20 / (n + 1), 40 / (n + 1), 60 / (n + 1), 40.0) for n in range(6)]
    nearly = [replace(p, about=p.about * 1.02) for p in falling]
    return [
        SpeedLine("2 × H100 SXM5 80 GB", tuple(falling)),
        SpeedLine("4 × RTX A6000", tuple(nearly)),
        SpeedLine("8 × L4", (SpeedPoint(1, 3.0, 5.0, 9.0, 5.0),)),
    ]


def _frontiers() -> list[FrontierLine]:
    """Two frontiers that cross, and one of a single point."""
    falling = [FrontierPoint(2, "tensor parallel 2", 1 << n, 80 / (n + 1), 40 * (n + 1), 900.0) for n in range(6)]
    steeper = [replace(p, each=p.each * 1.3, per_gpu=p.per_gpu * 0.7) for p in falling]
    one = FrontierPoint(1, "one GPU", 1, 12.0, 12.0, 3.0)
    return [
        FrontierLine("H100 SXM5 80 GB", tuple(falling)),
        FrontierLine("RTX A6000", tuple(steeper)),
        FrontierLine("L4", (one,)),
    ]


def _charts() -> dict[str, Chart]:
    exceptions = [Exceptional("small 4", 1, "large 4", 16, BEGIN, 1150.0, "small 4")]
    plans = [size(m, gpu="a6000", details=False) for m in ("mixtral-8x7b", "llama-3-8b", "llama-3.1-405b")]
    plans.append(size("llama-3.1-405b", gpu="a6000", max_gpus=2, details=False))
    lines = [
        Line(1, (Step(1, 9000), Step(2, 131072)), False),
        Line(4, (Step(1, 500), Step(2, 131072)), False),
        Line(64, (Step(3, 2048), Step(17, 40000)), True),
    ]
    rows = [
        Counted("A model with a long name", (Count(1, "1"), Count(64, "64", tight=True))),
        Counted("Another", (Count(None, "> 64"), Count(None, "–"))),
    ]
    return {
        "demand": demand_chart(demand([*DOUBLING, *SMALL], "RTX A6000s", "x", exceptions=exceptions), "Source."),
        "flat": demand_chart(demand(SMALL[:1], "GiB", "x"), "Source."),
        "memory": memory_chart(plans, "full context", "Source."),
        "context": context_chart("A model", "H100", lines, 131072, "weights as released", "Source."),
        "speed": speed_chart("A model", _speeds(), "prompts of 1,024 tokens", "Source."),
        "frontier": frontier_chart("A model", _frontiers(), "prompts of 1,024 tokens", "Source."),
        "matrix": matrix_chart(["L4", "H100 SXM5 80 GB"], rows, "full context", "Source."),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_is_drawn_without_labels_that_overlap(theme: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from gpu_sizer.reports.charts.style import THEMES, figure, settings

    for name, chart in _charts().items():
        with settings(THEMES[theme]):
            drawn = figure(chart, THEMES[theme])
            renderer = drawn.canvas.get_renderer()
            drawn.draw(renderer)
            texts = [t for t in (*drawn.texts, *drawn.axes[0].texts) if t.get_text().strip()]
            axes = drawn.axes[0]
            ticks = [
                tick.label1 if tick.label1.get_visible() else tick.label2
                for axis in (axes.xaxis, axes.yaxis)
                for tick in axis.get_major_ticks()
                if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
            ]
            boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in (*texts, *ticks)]
        whole = drawn.bbox
        for i, (text, box) in enumerate(boxes):
            assert box.x0 >= whole.x0 - 1, f"{name}: {text!r} leaves the picture"
            assert box.x1 <= whole.x1 + 1, f"{name}: {text!r} leaves the picture"
            for other, box_of in boxes[i + 1 :]:
                width = min(box.x1, box_of.x1) - max(box.x0, box_of.x0)
                height = min(box.y1, box_of.y1) - max(box.y0, box_of.y0)
                assert width <= 1 or height <= 1, f"{name}: {text!r} covers {other!r}"


def test_data_beside_a_chart_is_what_it_shows() -> None:
    charts = _charts()
    plan = size("mixtral-8x7b", gpu="a6000", details=False)
    assert plan.per_gpu is not None
    memory = [dict(zip(charts["memory"].header, r, strict=True)) for r in charts["memory"].rows]
    row = next(r for r in memory if r["model"] == "Mixtral 8x7B")
    assert row["gpus"] == "3"
    assert float(row["weights_gib"]) == pytest.approx(plan.per_gpu.weights_bytes / 2**30, abs=0.001)
    assert charts["context"].rows[-1] == ("64", "17", "40000")
    assert charts["matrix"].rows[0] == ("A model with a long name", "1", "64")
    assert ("2023-01-01", "large 0", "1", "record", "", "") in charts["demand"].rows
    for chart in charts.values():
        assert all(len(r) == len(chart.header) for r in chart.rows)
        assert chart.alt
        assert chart.source


#: What each chart says above itself: a finding, with its figures.
TITLES = {
    "demand": "The largest open models double their GPUs every 3.0 months",
    "flat": "small 0 takes most: 1 GiB",
    "context": "A model takes 1 × H100 up to 8.79k tokens of context, 2 at its full 128k",
    "speed": "On 4 × RTX A6000 a user of A model gets 40.8 tokens a second alone, 6.8 among 32",
    "frontier": "Each H100 SXM5 80 GB gives 240 tokens a second of A model; one user alone gets 80",
    "matrix": "Half of these 2 models take up to 1 × L4, or 64 × H100 SXM5 80 GB",
}


@pytest.mark.parametrize("name", TITLES)
def test_titles_say_the_finding(name: str) -> None:
    assert _charts()[name].title == TITLES[name]


def test_the_title_of_bars_says_what_they_hold() -> None:
    mixtral, llama, small = (size(m, gpu="a6000", details=False) for m in ("mixtral-8x7b", "llama-3-70b", "llama-3-8b"))
    titles = [
        memory_chart(plans, "x", "y").title
        for plans in (
            [mixtral], [small], [mixtral, size("mixtral-8x7b", gpu="h100", details=False)], [mixtral, llama, small],
            [size("llama-3-70b", gpu="l4", max_gpus=2, details=False)],
        )
    ]  # fmt: skip
    assert re.fullmatch(r"Mixtral 8x7B puts [\d.]+ GiB on each of 3 × RTX A6000; [\d.]+ GiB stay free", titles[0])
    assert re.fullmatch(r"Llama 3 8B puts [\d.]+ GiB on one RTX A6000; [\d.]+ GiB stay free", titles[1])
    assert titles[2] == "Mixtral 8x7B takes 2 × H100 SXM5 80 GB or 3 × RTX A6000", "the fullest first"
    shares = re.fullmatch(r"Weights are (\d+) to (\d+) % of what [\w ,]+ put on each RTX A6000", titles[3])
    parts = [p.per_gpu.weights_bytes / p.per_gpu.needed_bytes for p in (mixtral, llama, small) if p.per_gpu]
    assert shares is not None
    assert [int(s) for s in shares.groups()] == [round(100 * min(parts)), round(100 * max(parts))]
    assert titles[4] == "Llama 3 70B does not fit on up to 2 × L4"


def test_bars_are_sorted_and_what_fits_nowhere_stands_last() -> None:
    chart = _charts()["memory"]
    at = [chart.header.index(f"{part}_gib") for part in ("weights", "kv_cache", "activations", "overhead")]
    needed = [sum(float(row[i] or 0) for i in at) for row in chart.rows]
    assert needed == sorted(needed, reverse=True)
    assert needed[-1] == 0


def test_models_above_what_was_searched_are_named_where_they_cannot_stand() -> None:
    names = [f"Model {n}" for n in range(4)]
    told = [demand_chart(demand(SMALL, "RTX A6000s", "x", above=names[:n]), "").subtitle for n in (0, 1, 4)]
    assert "Above what was searched" not in told[0]
    assert told[1].endswith(". Above what was searched: Model 0")
    assert told[2].endswith(". Above what was searched: Model 0, Model 1 and 2 more")


def test_no_chart_grows_beyond_what_a_reader_scrolls() -> None:
    plan = size("llama-3-8b", gpu="a6000", details=False)
    for chart, shown in (
        (memory_chart([plan] * 60, "load", "source"), "the 27 fullest of 60"),
        (
            matrix_chart(["L4"], [Counted(f"m{i}", (Count(1, "1"),)) for i in range(400)], "x", "y"),
            "the last 66 of 400",
        ),
    ):
        assert chart.height <= TALLEST
        assert shown in chart.subtitle
        assert len(chart.rows) in (60, 400), "the data are whole"


def test_every_dot_bar_and_cell_has_its_name_under_the_pointer() -> None:
    pytest.importorskip("matplotlib")
    charts = _charts()
    names = {n: re.findall(r"<g><title>([^<]*)</title>", svg_text(c, LIGHT)) for n, c in charts.items()}
    assert len(names["demand"]) == len(DOUBLING) + len(SMALL)
    assert "large 4: 16 (2023-12-31)" in names["demand"]
    assert len(names["memory"]) == 4 * 3
    assert any(n.startswith("Mixtral 8x7B: weights 30.") for n in names["memory"])
    assert "64 users: 17 up to 40,000 tokens" in names["context"]
    assert "8 × L4, 1 at once: 5 tokens a second each" in names["speed"]
    assert names["matrix"] == [
        "A model with a long name, L4: 1", "A model with a long name, H100 SXM5 80 GB: 64, tight",
        "Another, L4: &gt; 64", "Another, H100 SXM5 80 GB: –",
    ]  # fmt: skip


def test_steps_are_marked_where_there_is_room() -> None:
    pytest.importorskip("matplotlib")
    from gpu_sizer.reports.charts.style import figure, settings

    counts = (6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)
    lines = [Line(1, tuple(Step(n, 2048 * n) for n in counts), False)]
    with settings(LIGHT):
        drawn = figure(context_chart("M", "G", lines, 131072, "x", "y"), LIGHT)
    assert [int(t.get_text()) for t in drawn.axes[0].get_yticklabels()] == list(counts)


def test_many_gpus_stand_below_one_another() -> None:
    gpus = [f"GPU {i}" for i in range(40)]
    models = [Counted(name, tuple(Count(i + 1, str(i + 1)) for i in range(40))) for name in ("one", "two")]
    chart = matrix_chart(gpus, models, "load", "source")
    assert chart.header == ("model", *gpus), "the data stay as they are"
    assert chart.height > matrix_chart(gpus[:2], models, "load", "source").height * 4


def test_alternative_texts_are_short_enough_to_listen_to() -> None:
    cells = tuple(Count(n, str(n)) for n in (1, 4))
    many = [Counted(f"model {i}", cells) for i in range(60)] + [Counted("huge", (Count(None, "> 64"), Count(9, "9")))]
    told = matrix_chart(["L4", "T4"], many, "load", "source").alt
    assert told == "61 models by 2 GPUs. L4: 1, 1 on no number searched. T4: 4 (model 0) to 9 (huge)."
    steps = tuple(Step(n, 100 * n) for n in range(2, 40))
    told = context_chart("M", "G", [Line(1, steps, False), Line(4, steps[:1], True)], 3900, "load", "source").alt
    assert told.startswith("1 user: 2 up to 200 tokens, in 37 steps to 39 up to 3,900. 4 users: 2 up to 200 tokens, ")
    assert told.endswith("then more than searched.")


def test_names_as_they_stand_in_a_chart() -> None:
    long = "The Language Model of the Institute for Advanced Studies, Instruct "
    assert shortened("Llama 3 8B") == "Llama 3 8B"
    first, second = shortened(long + "v1"), shortened(long + "v2")
    assert len(first) <= LONGEST_NAME
    assert first != second, "the end tells siblings apart"
    assert "…" in first


def test_lengths_as_people_write_them() -> None:
    assert [tokens_text(n) for n in (1024, 131072, 1 << 20, 1000)] == ["1k", "128k", "1M", "1,000"]
    assert [rounded(n) for n in (2048, 14496, 200000, 9058304)] == ["2k", "14.2k", "195k", "8.64M"]


COMMANDS = [
    ["demand", "--models", "llama-2-70b,mixtral-8x7b,llama-3-8b,llama-3.1-405b", "--gpu", "a6000"],
    ["demand", "--models", "llama-2-70b,mixtral-8x7b", "--measure", "gib"],
    ["memory", "mixtral-8x7b", "llama-3-8b", "--gpu", "a6000", "--gpu", "h100"],
    ["context", "llama-3-8b", "--gpu", "l4", "--users", "1,8"],
    ["speed", "llama-3-8b", "--gpu", "l4,h100"],
    ["frontier", "llama-3-8b", "--gpu", "l4,h100"],
    ["matrix", "--models", "llama-3-8b,mixtral-8x7b", "--gpu", "l4,h100"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_text_needs_no_chart_library(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert run(["chart", *command, "--format", "text"]) == 0
    out = capsys.readouterr().out
    assert "Llama" in out or "Mixtral" in out
    assert "\x1b" not in out
    assert all(len(line) <= 100 or command[0] == "matrix" for line in out.splitlines())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_keep_their_figures_in_a_terminal_of_any_width(width: int) -> None:
    labels = [
        "Mixtral 8x7B (3 × RTX A6000, pipeline of 3)",
        "A model whose name is as long as a line of a book, and longer",
    ]
    bars = tuple(Bar(label, (30.0, 2.0), "33.2 of 43.7 GiB") for label in labels)
    chart = Bars("Title", "subtitle", bars, 47.5, "source", ("weights", "cache"))
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(view(chart, width, coloured=False))
    lines = str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert text.count("33.2 of 43.7 GiB") == 2
    assert "█" in text
    assert "…" not in text
    assert all(word in text for label in labels for word in label.split())


def test_data_begin_no_formula() -> None:
    chart = context_chart("M", "G", [Line(1, (Step(1, 8),), False)], 8, "load", "source")
    made = replace(chart, header=("model", "gpus"), rows=(("=cmd|' /C calc'!A0", "-1.5"), ("@x", "inf")))
    assert list(csv.reader(csv_text(made).splitlines())) == [
        ["model", "gpus"], ["'=cmd|' /C calc'!A0", "-1.5"], ["'@x", "inf"],
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_commands_write_chart_and_data(command: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "chart.svg"
    assert run(["chart", *command, "-o", str(file)]) == 0
    rows = list(csv.reader((tmp_path / "chart.csv").open()))
    assert len(rows) > 1
    content = file.read_bytes()
    assert run(["chart", *command, "-o", str(file)]) == 0
    assert file.read_bytes() == content, "the same chart is the same file"


def test_the_matrix_holds_what_size_says(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    assert run(["chart", "matrix", "--models", "mixtral-8x7b,llama-3-70b", "--gpu", "a6000,l4", "-o", str(file)]) == 0
    rows = list(csv.reader(file.open()))
    for row, model in zip(rows[1:], ("mixtral-8x7b", "llama-3-70b"), strict=True):
        assert row[1:] == [str(size(model, gpu=g, details=False).gpu_count) for g in ("a6000", "l4")]


def test_the_speeds_of_a_chart_are_those_of_the_library(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(["chart", "speed", "llama-3-8b", "--gpu", "h100", "-o", str(tmp_path / "speed.svg")]) == 0
    with (tmp_path / "speed.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 5
    for row in rows:
        found = speed("llama-3-8b", gpu="h100", users=int(row["users"])).speed
        assert found is not None
        assert found.tokens_per_second_per_user is not None
        assert float(row["about"]) == pytest.approx(found.tokens_per_second_per_user.about, rel=1e-3)
        assert float(row["low"]) == pytest.approx(found.tokens_per_second_per_user.low, rel=1e-3)


def test_no_layout_beats_a_frontier_in_both(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    assert run(["chart", "frontier", "llama-3-70b", "--gpu", "h100", "-o", str(file)]) == 0
    rows = [(int(r["gpus"]), float(r["each"]), float(r["per_gpu"])) for r in csv.DictReader(file.open())]
    assert [each for _, each, _ in rows] == sorted((each for _, each, _ in rows), reverse=True)
    assert [of_gpu for *_, of_gpu in rows] == sorted(of_gpu for *_, of_gpu in rows)
    for count, users in ((2, 8), (4, 32), (8, 16)):
        found = speed("llama-3-70b", gpu="h100", gpu_count=count, users=users).speed
        assert found is not None
        assert found.tokens_per_second_per_user is not None
        each, of_gpu = found.tokens_per_second_per_user.about, found.tokens_per_second.about / count
        assert any(e >= each * 0.999 and g >= of_gpu * 0.999 for _, e, g in rows)


def test_a_frontier_keeps_what_nothing_beats() -> None:
    of = [FrontierPoint(1, "", n, x, y, 1.0) for n, x, y in ((1, 9, 1), (2, 8, 1), (3, 8, 3), (4, 2, 2))]
    assert [p.users for p in frontier(of)] == [1, 3]


def test_steps_of_context_are_where_size_changes(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    assert run(["chart", "context", "mixtral-8x7b", "--gpu", "a6000", "--users", "16", "-o", str(file)]) == 0
    for _, count, upto in list(csv.reader(file.open()))[1:]:
        assert size("mixtral-8x7b", gpu="a6000", users=16, context=int(upto), details=False).gpu_count == int(count)
        if int(upto) < catalogue().model("mixtral-8x7b").context.native:
            more = size("mixtral-8x7b", gpu="a6000", users=16, context=int(upto) + 1, details=False)
            assert more.gpu_count is None or more.gpu_count > int(count)


BAD = [
    ["demand", "--measure", "watts"],
    ["demand", "--since", "2090"],
    ["demand", "-o", "chart.docx"],
    ["demand", "--format", "pie"],
    ["demand", "--format", "text", "-o", "x.svg"],
    ["memory", "llama-3-8b"],
    ["memory", "llama-2-7b", "--gpu", "a6000", "--context", "32k"],
    ["context", "llama-3-8b", "--gpu", "a6000", "--users", "one"],
    ["context", "llama-3-8b", "--gpu", "a6000", "--users", "1,2,3,4,5,6,7"],
    ["context", "llama-3-8b", "--gpu", "a6000", "--users", "0"],
    ["context", "llama-3.1-405b", "--gpu", "t4", "--max-gpus", "2"],
    ["matrix", "--gpu", "all", "-o", "m.svg"],
    ["memory", "kimi-k3", "--gpu", "t4", "-o", "m.svg"],
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chart", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gpu-sizer: ")
    assert "Traceback" not in err
