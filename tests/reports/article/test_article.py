"""The article: one folder in which every number is computed and every link leads somewhere."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.entry import run
from gpu_sizer.reports.article.asked import asked
from gpu_sizer.reports.article.draft import Draft, Section, markdown
from gpu_sizer.reports.article.made import drafted
from gpu_sizer.reports.article.sections import listed
from gpu_sizer.reports.tables.formats import FORMATS

MODELS = "llama-2-7b,llama-2-70b,mixtral-8x7b,mixtral-8x22b,llama-3-8b,llama-3-70b,llama-3.1-405b,made-up-13b"
COMMAND = ["article", "--as-of", "2024-05-15", "--gpu", "a6000,h100", "--models", MODELS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("matplotlib")
    pytest.importorskip("openpyxl")
    place = tmp_path_factory.mktemp("article") / "spring"
    assert run([*COMMAND, "-o", str(place)]) == 0
    return place


def _files(place: Path) -> dict[str, bytes]:
    return {str(f.relative_to(place)): f.read_bytes() for f in sorted(place.rglob("*")) if f.is_file()}


def test_the_folder_is_whole(folder: Path) -> None:
    names = set(_files(folder))
    assert {f"table{ending}" for ending in FORMATS.values()} | {"article.md", "table.yaml"} <= names
    for chart in ("demand", "memory", "context", "matrix", "progress", "frontier"):
        assert {f"charts/{chart}.svg", f"charts/{chart}.png", f"charts/{chart}.csv"} <= names
    assert not any(Path(n).name.startswith(".") for n in names), "no temporary file is left"


def test_made_again_it_is_the_same(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert run([*COMMAND, "-o", str(tmp_path / "again")]) == 0
    assert _files(tmp_path / "again") == _files(folder)


def test_counts_are_those_of_size(folder: Path) -> None:
    data = json.loads((folder / "table.json").read_text())
    assert [r["key"] for r in data["rows"]] == [
        "llama-2-70b", "llama-2-7b", "mixtral-8x7b", "mixtral-8x22b", "llama-3-70b", "llama-3-8b",
    ]  # fmt: skip
    for row in data["rows"]:
        for gpu in ("rtx-a6000", "h100-80gb"):
            assert row["values"][f"gpus:{gpu}"] == size(row["key"], gpu=gpu).gpu_count
    matrix = list(csv.reader((folder / "charts" / "matrix.csv").open()))
    mixtral = next(r for r in matrix if r[0] == "Mixtral 8x7B")
    assert mixtral[matrix[0].index("RTX A6000")] == "3"


def test_the_table_can_be_made_again_from_its_spec(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["table", "--spec", str(folder / "table.yaml"), "--format", "md"]) == 0
    assert capsys.readouterr().out == (folder / "table.md").read_text()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(str(dict(attrs)["src"]))
            self.alts.append(str(dict(attrs)["alt"]))


def test_the_draft_reads_as_markdown_and_its_links_lead_somewhere(folder: Path) -> None:
    markdown_it: Any = pytest.importorskip("markdown_it")
    text = (folder / "article.md").read_text()
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(text)
    links = _Links()
    links.feed(html)
    assert len(links.images) == 6
    assert all(len(alt) > 40 for alt in links.alts)
    targets = re.findall(r'href="([^"]+)"', html) + links.images
    assert len(targets) == 18
    for target in targets:
        assert (folder / target).is_file(), target
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert "The table" in headings
    assert headings[-1] == "Methods"
    assert html.count("<table>") == 1


def test_the_draft_says_what_is_missing_and_what_stood_out(folder: Path) -> None:
    text = (folder / "article.md").read_text()
    assert "made-up-13b" in text.partition("## Methods")[2]
    assert "Llama 3.1 405B" not in text, "it came later"
    release = r"Llama 3 8B Instruct \(2024-04-18, of the same shape\)"
    assert re.search(rf"Llama 3 8B takes 1 RTX A6000; {release} scored \d+ points\.", text)
    largest = size("mixtral-8x22b", gpu="a6000")
    assert f"Mixtral 8x22B takes most: {largest.gpu_count}." in text
    assert "Mixtral 8x7B (3 against 4)" in text


def test_bad_input_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--models", "made-up-13b"], ["--as-of", "soon"], ["--gpu", "zx81"], ["--as-of", "2001-01-01"]):
        assert run(["article", "-o", str(tmp_path / "x"), *more]) == 2
        assert capsys.readouterr().err.startswith("gpu-sizer: ")
        assert not (tmp_path / "x").exists()


def test_texts_are_written_as_they_stand() -> None:
    made = Draft("A * b", "1 < 2 | x_y", (Section("H #1", ("[p] & q",), (), ("*i*",), "| t |"),))
    text = markdown(made)
    assert text == ("# A \\* b\n\n*1 &lt; 2 \\| x\\_y*\n\n## H \\#1\n\n\\[p\\] &amp; q\n\n- \\*i\\*\n\n| t |\n")


def test_few_models_are_told_in_words_that_fit_them() -> None:
    def draft(**options: Any) -> str:
        return markdown(drafted(asked(**options), catalogue())[0])

    one = draft(models=["llama-3-8b"])
    assert (
        "*1 open model, released on 2024-04-18, unquantized as its authors released it. It takes 1 RTX A6000.*" in one
    )
    assert "The record in RTX A6000s: Llama 3 8B took 1 (2024-04-18)." in one
    assert "least-squares" not in one
    assert "Beside its weights" not in one
    two = draft(models=["llama-3-8b", "llama-2-7b"], gpus=["h100"])
    assert "Each takes 1 H100 SXM5 80 GB.*" in two
    early = draft(models=["llama-7b"], as_of="2023-03-01")
    assert "score" not in early, "the Arena had no table yet"


def test_lists_of_names() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert listed([]) == ""
