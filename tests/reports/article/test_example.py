"""The article of spring 2024 that the documentation keeps: complete, and still what ``size`` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "examples" / "spring-2024"
AGAIN = "make it again: gpu-sizer article -o docs/examples/spring-2024 --as-of 2024-05-15 --gpus a6000"
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


def test_the_readme_leads_to_it() -> None:
    assert "docs/examples/spring-2024/article.md" in (ROOT / "README.md").read_text()
