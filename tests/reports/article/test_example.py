"""The article of spring 2024 that the documentation keeps: complete, and still what ``size`` says."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.page.embed import table_frame, with_frame
from gpu_sizer.reports.article.asked import asked
from gpu_sizer.reports.article.folder import texts
from gpu_sizer.reports.article.made import drafted

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "examples" / "spring-2024"
AGAIN = "the kept article is not what today's cards and estimates say: run `make docs`, read the changes, commit them"
#: Where its live table is looked for: at a server with its usual port on the reader's machine.
LIVE = "http://127.0.0.1:8080/"
#: The models that the article is about, with their release dates.
ABOUT = {
    "llama-2-7b": "2023-07-18",
    "llama-2-13b": "2023-07-18",
    "llama-2-70b": "2023-07-18",
    "falcon-40b": None,
    "falcon-180b": "2023-09-06",
    "mistral-7b-v0.1": "2023-09-27",
    "mixtral-8x7b": "2023-12-11",
    "mixtral-8x22b": "2024-04-17",
    "yi-34b": None,
    "qwen1.5-72b": None,
    "dbrx": "2024-03-27",
    "command-r-plus": None,
    "grok-1": "2024-03-17",
    "llama-3-8b": "2024-04-18",
    "llama-3-70b": "2024-04-18",
}


def _rows() -> dict[str, dict[str, Any]]:
    data = json.loads((FOLDER / "table.json").read_text())
    return {row["key"]: row["values"] for row in data["rows"]}


def test_it_has_the_models_of_the_article_with_their_dates() -> None:
    rows = _rows()
    assert set(ABOUT) <= set(rows), f"missing: {set(ABOUT) - set(rows)}; {AGAIN}"
    for key, day in ABOUT.items():
        assert rows[key]["released"], key
        assert day is None or rows[key]["released"] == day, key
    assert max(str(r["released"]) for r in rows.values()) <= "2024-05-15"


@pytest.mark.parametrize("key", ABOUT)
def test_each_count_is_what_size_says(key: str) -> None:
    assert _rows()[key]["gpus:rtx-a6000"] == size(key, gpu="rtx-a6000", details=False).gpu_count, AGAIN


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """What `make docs` writes, but for the pictures."""
    pytest.importorskip("openpyxl")
    draft, table = drafted(asked(as_of="2024-05-15", gpus=["a6000"]), catalogue())
    files = texts(draft, table)
    frame = table_frame(LIVE, table.spec, catalogue())
    return files | {"article.md": with_frame(files["article.md"].decode(), frame).encode()}


def test_made_again_it_is_the_same_byte_for_byte(made: dict[str, bytes]) -> None:
    for name, data in made.items():
        assert (FOLDER / name).read_bytes() == data, f"{name}: {AGAIN}"
    pictures = {f"charts/{Path(n).stem}{e}" for n in made if n.startswith("charts/") for e in (".svg", ".png")}
    kept = {str(f.relative_to(FOLDER)) for f in FOLDER.rglob("*") if f.is_file()}
    assert kept == set(made) | pictures


def test_make_docs_makes_it() -> None:
    command = f"gpu-sizer article -o docs/examples/spring-2024 --as-of 2024-05-15 --gpu a6000 --live {LIVE}"
    assert command in (ROOT / "Makefile").read_text()


def test_nothing_of_a_later_day_is_in_it(made: dict[str, bytes]) -> None:
    text = made["article.md"].decode()
    cards = catalogue().models.all()
    late = {c.name for c in cards if c.released is None or c.released > date(2024, 5, 15)}
    late -= {n for n in late if any(n in c.name for c in cards if c.name not in late)}
    shown = [name for name in late if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text)]
    assert shown == []
    days = re.findall(r"\b20\d\d-\d\d-\d\d\b", text)
    # The Bradley–Terry ratings that the models of the day were given first.
    assert {d for d in days if d > "2024-05-15"} == {"2024-06-29"}


def test_the_readme_leads_to_it() -> None:
    assert "docs/examples/spring-2024/article.md" in (ROOT / "README.md").read_text()
