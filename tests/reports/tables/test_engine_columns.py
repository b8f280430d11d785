"""Columns of counts under other engines."""

from __future__ import annotations

import pytest

from gpu_sizer import RequestError, size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.registry import engine_names
from gpu_sizer.reports.tables.build import build_table
from gpu_sizer.reports.tables.engine_columns import with_engines
from gpu_sizer.reports.tables.spec import make_spec


def test_counts_are_what_size_says_under_each_engine() -> None:
    columns = list(with_engines(("name", "gpus"), ("all",)))
    spec = make_spec({"models": ["mixtral-8x7b"], "gpus": ["a6000"], "columns": columns})
    grid = build_table(spec, catalogue())
    (row,) = grid.groups[0].rows
    assert [c.value for c in row.cells[1:]] == [
        size("mixtral-8x7b", gpu="a6000", engine=name).gpu_count for name in engine_names()
    ]
    assert "the engine of each column starts" in " ".join(grid.remarks)


def test_an_engine_that_does_not_know_a_model_leaves_a_dash_with_its_reason() -> None:
    spec = make_spec({"models": ["qwen3.5-35b-a3b"], "gpus": ["h100"], "columns": ["name", "gpus@tgi"]})
    (row,) = build_table(spec, catalogue()).groups[0].rows
    assert row.cells[1].text == "–"
    assert "TGI 3.3.5 does not load Qwen3_5MoeForConditionalGeneration" in row.cells[1].marks[0]


@pytest.mark.parametrize(
    ("column", "message"),
    [("gpus@vlm", "unknown engine 'vlm'"), ("name@vllm", "the column name does not depend on the engine")],
)
def test_columns_that_make_no_sense(column: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        build_table(make_spec({"models": ["mixtral-8x7b"], "columns": [column]}), catalogue())
