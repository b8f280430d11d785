"""Every dot of the Arena's charts tells its name, in SVG and on pages."""

from __future__ import annotations

import csv
import re
from html import unescape
from pathlib import Path

import pytest

from gpu_sizer.cli.entry import run
from gpu_sizer.reports.charts.dots import dots, with_titles

pytest.importorskip("matplotlib")


def test_every_model_of_the_progress_chart_has_its_name_under_the_pointer(tmp_path: Path) -> None:
    file = tmp_path / "progress.svg"
    assert run(["arena", "progress", "--as-of", "2024-05-01", "-o", str(file)]) == 0
    names = [unescape(t).split(": ")[0] for t in re.findall(r"<g><title>([^<]*)</title>", file.read_text())]
    rows = list(csv.DictReader(file.with_suffix(".csv").open()))
    assert sorted(names) == sorted(
        f"{r['model']} ({r['organization']})" if r["organization"] else r["model"] for r in rows
    )
    assert "name:" not in file.read_text()


def test_names_are_text_whatever_is_in_them() -> None:
    import io

    from matplotlib.figure import Figure

    name = '<b a="1">&amp; ü</b></title><script>'
    figure = Figure()
    dots(figure.subplots(), [(1, 1.0, name), (2, 2.0, "plain")])
    stream = io.StringIO()
    figure.savefig(stream, format="svg")
    made = with_titles(stream.getvalue())
    assert "<script" not in made
    assert [unescape(t) for t in re.findall(r"<g><title>([^<]*)</title>", made)] == [name, "plain"]


def test_organizations_have_shades_and_the_source_leads_to_the_tracker(tmp_path: Path) -> None:
    from gpu_sizer.reports.arena.charts import TRACKER_URL
    from gpu_sizer.reports.charts.style import DARK, LIGHT, shade

    file = tmp_path / "progress.svg"
    assert run(["arena", "progress", "-o", str(file)]) == 0
    text = file.read_text()
    drawn = dict(re.findall(r"<g><title>([^<(]*)[^<]*</title>.*?(#[0-9a-f]{6})", text, re.DOTALL))
    google, anthropic = drawn["Gemini 4 Argon "], drawn["Claude Opus 5 "]
    assert {google, anthropic} <= {shade(LIGHT.series[0], LIGHT, step) for step in range(1, 4)}
    assert google != anthropic
    assert f'<a xlink:href="{TRACKER_URL}"' in text
    assert shade("#0072b2", LIGHT, 0) == "#0072b2"
    assert sum(bytes.fromhex(shade("#0072b2", LIGHT, 1)[1:])) < sum(bytes.fromhex("0072b2")), "darker on white"
    assert sum(bytes.fromhex(shade("#56b4e9", DARK, 1)[1:])) > sum(bytes.fromhex("56b4e9")), "lighter on black"


def test_a_pdf_keeps_links_and_no_names(tmp_path: Path) -> None:
    file = tmp_path / "progress.pdf"
    assert run(["arena", "progress", "--as-of", "2024-05-15", "-o", str(file)]) == 0
    assert b"closed-vs-open-arena-elo" in file.read_bytes()
    assert b"name:" not in file.read_bytes()
