"""The page in a frame of an article."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gpu_sizer import RequestError, page
from gpu_sizer.cli.entry import run
from gpu_sizer.page.embed import MOST_MODELS, address, frame, with_frame


def test_an_address_is_a_state_of_the_page() -> None:
    load = {"context": 8192, "users": None, "block_size": 32}
    found = address("https://host.example/site/", ["a", "b"], ["rtx-a6000", "h100-80gb"], load, alone=True)
    asked = {"model": ["a,b"], "gpu": ["rtx-a6000,h100-80gb"], "context": ["8192"], "embed": ["1"]}
    assert parse_qs(urlsplit(found).query) == asked
    state = (Path(page.__file__).parent / "static" / "state.js").read_text(encoding="utf-8")
    assert set(asked) <= set(re.findall(r"(\w+):", state.partition("DEFAULTS = {")[2].partition("}")[0]))
    assert f"MOST_MODELS = {MOST_MODELS};" in state
    for wrong in ("javascript:alert(1)", "host/site", "https://host/?q=x", "file:///etc/passwd", ""):
        with pytest.raises(RequestError, match="no address of a page"):
            address(wrong, ["a"], ["b"], {}, alone=False)


def test_names_in_a_frame_are_text() -> None:
    made = frame("https://host.example/", ['"><script>'], ["h100"], {}, '"><b>')
    assert "<script>" not in made
    assert "<b>" not in made
    assert made.count("<iframe") == made.count("</iframe>") == 1


@pytest.mark.parametrize(("host", "told"), [("http://127.0.0.1:8080/", True), ("https://host.example/", False)])
def test_a_frame_of_ones_own_machine_says_when_it_is_there(host: str, told: bool) -> None:
    assert ("gpu-sizer serve" in frame(host, ["a"], ["h100"], {}, "t")) is told


def test_the_frame_stands_below_the_table() -> None:
    text = "# x\n\n## The table\n\n| a |\n\n## Methods\n\nm\n"
    assert with_frame(text, "F\n") == "# x\n\n## The table\n\n| a |\n\nF\n\n## Methods\n\nm\n"
    assert with_frame("# x\n", "F\n") == "# x\n\nF\n"


def test_an_article_holds_a_live_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["article", "-o", str(tmp_path / "a"), "--models", "mixtral-8x7b,llama-3-70b", "--gpus", "a6000,h100"]
    assert run([*words, "--live", "https://host.example/site/"]) == 0
    text = (tmp_path / "a" / "article.md").read_text(encoding="utf-8")
    assert text.index("## The table") < text.index("<iframe") < text.index("## Methods")
    assert "?model=llama-3-70b,mixtral-8x7b&amp;gpu=rtx-a6000,h100-80gb" in text
    capsys.readouterr()
    assert run([*words[:2], str(tmp_path / "b"), *words[3:], "--live", "nowhere"]) == 2
    assert "no address of a page" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
