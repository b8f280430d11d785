"""Tables from the catalogue: what stands in a cell is what ``size`` says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import size, speed
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import GpuSizerError, RequestError
from gpu_sizer.reports.tables.build import build_table
from gpu_sizer.reports.tables.columns import KINDS, help_rows
from gpu_sizer.reports.tables.formats import FORMATS, render
from gpu_sizer.reports.tables.grid import Grid, Row
from gpu_sizer.reports.tables.spec import TableSpec, make_spec, read_spec, spec_yaml

FEW = "mixtral-8x7b,llama-3-70b,llama-3-8b,gpt-oss-20b,llama-2-7b"
CARDS = catalogue()


def _grid(**keys: Any) -> Grid:
    return build_table(make_spec({"models": FEW, "gpus": "a6000,rtx-4090", **keys}), CARDS)


def _column(grid: Grid, key: str) -> dict[str, Any]:
    index = [c.key for c in grid.columns].index(key)
    return {row.key: row.cells[index].value for row in grid.rows}


@pytest.mark.parametrize("load", [{}, {"context": "4k", "users": 8}, {"utilization": 0.8, "weights_dtype": "float16"}])
def test_counts_are_those_of_size(load: dict[str, Any]) -> None:
    options = {"gpu_memory_utilization" if k == "utilization" else k: v for k, v in load.items()}
    if "context" in options:
        options["context"] = 4096
    grid = _grid(columns="name,gpus,tensor,safe,free,layout", **load)
    for gpu in ("rtx-a6000", "rtx-4090"):
        for key in FEW.split(","):
            plan = size(key, gpu=gpu, **options)
            tensor = size(key, gpu=gpu, layouts="tensor", **options)
            assert _column(grid, f"gpus:{gpu}")[key] == plan.gpu_count
            assert _column(grid, f"safe:{gpu}")[key] == plan.safe_gpu_count
            assert _column(grid, f"tensor:{gpu}")[key] == tensor.gpu_count
            assert plan.per_gpu is not None
            assert plan.layout is not None
            assert _column(grid, f"free:{gpu}")[key] == plan.per_gpu.free_bytes
            assert _column(grid, f"layout:{gpu}")[key] == plan.layout.describe()


def test_a_release_that_no_engine_loads_there_has_its_type_all_the_same() -> None:
    named = "glm-5.2,glm-5.2-fp8,glm-5.2-nvfp4"
    grid = build_table(make_spec({"models": named, "gpus": "a6000", "columns": "name,dtype,gpus"}), CARDS)
    assert _column(grid, "dtype") == {"glm-5.2": "bfloat16", "glm-5.2-fp8": "float8-block", "glm-5.2-nvfp4": "nvfp4"}
    assert set(_column(grid, "gpus:rtx-a6000").values()) == {None}


def test_special_cells_are_marked() -> None:
    grid = build_table(make_spec({"models": FEW, "gpus": "a6000,rtx-4090", "max_gpus": 6, "context": "8k"}), CARDS)
    rows = {row.key: row for row in grid.rows}
    last = {key: row.cells[-1] for key, row in rows.items()}
    assert last["llama-3-70b"].text == "> 6"
    assert last["llama-3-70b"].value is None
    assert last["llama-3-70b"].marks == ("Does not fit on up to 6 GPUs of the kind.",)
    assert last["llama-2-7b"].text == "–"
    assert last["llama-2-7b"].marks == ("Takes at most 4,096 tokens of context.",)
    dtype = [c.key for c in grid.columns].index("dtype")
    assert rows["gpt-oss-20b"].cells[dtype].text == "MXFP4"
    assert rows["gpt-oss-20b"].cells[dtype].marks == ("MXFP4 as released (bfloat16 for the rest), and counted so.",)


def test_a_tight_count_is_marked() -> None:
    """Some context of one model on one GPU leaves less than the error: found by bisection, not assumed."""
    low, high = 8192, 131072
    tight = None
    while high - low > 256 and tight is None:
        middle = (low + high) // 2
        plan = size("llama-3.1-8b", gpu="rtx-4090", context=middle, max_gpus=1, details=False)
        if plan.verdict == "tight":
            tight = middle
        low, high = (middle, high) if plan.fits else (low, middle)
    assert tight is not None
    keys = {"models": "llama-3.1-8b", "gpus": "rtx-4090", "columns": "name,gpus", "context": str(tight)}
    cell = next(build_table(make_spec(keys), CARDS).rows).cells[1]
    assert cell.text == "1"
    assert cell.marks[0].startswith("Tight: the room left is within the estimate’s own error; 2 fit for certain")


def test_parameters_and_weights_are_those_of_a_plan() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    grid = _grid(columns="name,parameters,active,weights,kv,context,released,license,organization,id,hub,price,arena")
    assert _column(grid, "parameters")["mixtral-8x7b"] == plan.total_parameters == 46702792704
    assert _column(grid, "active")["mixtral-8x7b"] == plan.active_parameters
    assert _column(grid, "weights")["mixtral-8x7b"] == 2 * plan.total_parameters
    assert _column(grid, "kv")["mixtral-8x7b"] == 32768 * 32 * 2 * 8 * 128 * 2
    assert _column(grid, "released")["mixtral-8x7b"] == "2023-12-11"
    assert _column(grid, "arena")["mixtral-8x7b"] is None
    assert any("Prices in US dollars" in r for r in grid.remarks)


def test_remarks_state_what_was_assumed() -> None:
    grid = _grid(context="4k", users=3, as_of="2024-05-15", layouts="tensor", notes="By hand.")
    text = " ".join(grid.remarks)
    for what in ("vLLM", "4k tokens of context", "3 requests at once", "utilization 0.", "tensor parallelism only"):
        assert what in text
    assert "Models released by 2024-05-15." in text
    assert grid.remarks[-1] == "By hand."
    assert "gpt-oss-20b" not in {row.key for row in grid.rows}
    assert grid.facts["users"] == 3


def _keys(grid: Grid) -> list[str]:
    return [row.key for row in grid.rows]


def test_orders() -> None:
    assert _keys(_grid()) == FEW.split(",")
    assert _keys(_grid(sort="released,-gpus")) == [
        "llama-2-7b", "mixtral-8x7b", "llama-3-70b", "llama-3-8b", "gpt-oss-20b",
    ]  # fmt: skip
    beyond = _grid(sort="-rtx-4090", max_gpus=2)
    assert set(_keys(beyond)[:2]) == {"mixtral-8x7b", "llama-3-70b"}
    assert set(_keys(_grid(sort="rtx-4090", max_gpus=2))[-2:]) == {"mixtral-8x7b", "llama-3-70b"}
    days = [c.released for c in map(CARDS.models.get, _keys(build_table(TableSpec(gpus=(), columns=("name",)), CARDS)))]
    known = [d for d in days if d is not None]
    assert known == sorted(known)
    assert days[: len(known)] == known, "models without a date stand last"


def test_groups_and_filters() -> None:
    by_year = _grid(group_by="year")
    assert [g.title for g in by_year.groups] == ["2023", "2024", "2025"]
    assert [g.title for g in _grid(group_by="organization").groups] == ["Meta", "Mistral AI", "OpenAI"]
    assert _keys(_grid(organization="openai")) == ["gpt-oss-20b"]
    assert _keys(_grid(moe=True)) == ["mixtral-8x7b", "gpt-oss-20b"]
    assert _keys(_grid(min_params="40b")) == ["mixtral-8x7b", "llama-3-70b"]
    assert _keys(_grid(max_params="10b", license="llama 3")) == ["llama-3-8b"]
    assert _keys(_grid(filter="llama-3")) == ["llama-3-70b", "llama-3-8b"]
    assert _keys(_grid(since="2024-04-18", as_of="2024")) == ["llama-3-70b", "llama-3-8b"]
    turned = _grid(group_by="year", transpose=True)
    assert [c.value for c in next(turned.rows).cells] == ["year", "2023", "2023", "2024", "2024", "2025"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"columns": "name,gpu"}, "unknown column 'gpu'; did you mean gpus"),
    ({"columns": "name,name"}, "stands twice"),
    ({"columns": []}, "at least one column"),
    ({"sort": "price"}, "cannot sort by 'price'"),
    ({"group_by": "month"}, "group_by must be organization or year"),
    ({"gruop_by": "year"}, "did you mean 'group_by'"),
    ({"zzz": 1}, "known: title"),
    ({"as_of": "May"}, "as_of must be a date"),
    ({"min_params": "huge"}, "min_params must be a number of parameters"),
    ({"as_of": "2001-01-01"}, "no model of the catalogue is left"),
    ({"transpose": "yes"}, "transpose must be true or false"),
    ({"users": "many"}, "users must be a whole number"),
    ({"users": 0}, "users must be from 1"),
    ({"utilization": 2}, "utilization must be above 0"),
    ({"context": "banana"}, "must be a number of tokens"),
    ({"engine": "guess"}, "unknown engine"),
    ({"models": {"a": 1}}, "a list of names"),
    ({"models": "zx81-llm"}, "unknown model"),
    ({"gpus": "zx81"}, "unknown GPU"),
]


@pytest.mark.parametrize(("keys", "message"), BAD, ids=lambda v: str(v)[:40])
def test_what_makes_no_sense_is_told(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(GpuSizerError, match=message.replace("(", r"\(")):
        _grid(**keys)


def test_a_spec_remakes_its_table_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "article.yaml"
    file.write_text(
        "title: As it stood\nmodels: [llama-3-8b, mixtral-8x7b]\ngpus: [a6000]\nas_of: 2024-05-15\n"
        "columns: [name, released, gpus]\nsort: [-gpus]\ncontext: 8k\nusers: 2\nnotes:\n- One.\n"
    )
    spec = read_spec(file)
    assert spec.as_of == date(2024, 5, 15)
    assert spec.load == {"users": 2}
    again = tmp_path / "again.yaml"
    again.write_text(spec_yaml(spec))
    assert read_spec(again) == spec
    for name in FORMATS:
        if name == "xlsx":
            pytest.importorskip("openpyxl")
        assert render(build_table(spec, CARDS), name) == render(build_table(read_spec(again), CARDS), name)


def test_a_spec_with_a_mistake_names_its_file(tmp_path: Path) -> None:
    file = tmp_path / "article.yaml"
    file.write_text("colums: [name]\n")
    with pytest.raises(RequestError, match=r"article.yaml: colums: unknown key; did you mean 'columns'"):
        read_spec(file)
    with pytest.raises(GpuSizerError, match="No such file"):
        read_spec(tmp_path / "none.yaml")


def test_every_column_has_help_and_works() -> None:
    assert [key for key, _ in help_rows()] == list(KINDS)
    row: Row = next(
        build_table(make_spec({"models": "llama-3-8b", "gpus": "a6000", "columns": list(KINDS)}), CARDS).rows
    )
    assert len(row.cells) == len(KINDS)


@pytest.mark.parametrize("keys", [{}, {"context": "8k", "utilization": 0.8, "group_by": "year", "sort": "-parameters"}])
def test_processes_make_the_same_table(keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_sizer.reports.tables.build.MANY_CELLS", 1)
    spec = make_spec({"models": FEW, "gpus": "a6000,rtx-4090,mi300x", **keys})
    told: list[int] = []
    assert build_table(spec, CARDS, workers=2, advance=told.append) == build_table(spec, CARDS)
    assert sum(told) == len(FEW.split(","))


def test_speed_and_what_a_million_tokens_cost() -> None:
    columns = "tokens_per_second,usd_per_million_tokens"
    grid = _grid(models="llama-3-8b,llama-3-70b", gpus="h100,mi350x", context="8k", columns=f"id,{columns}")
    told = speed("llama-3-8b", gpu="h100", context=8192)
    assert told.speed is not None
    assert told.speed.tokens_per_second_per_user is not None
    rates = _column(grid, "tokens_per_second:h100-80gb")
    assert rates["llama-3-8b"] == pytest.approx(told.speed.tokens_per_second_per_user.about, rel=1e-3)
    assert rates["llama-3-70b"] < rates["llama-3-8b"]
    costs = _column(grid, "usd_per_million_tokens:h100-80gb")
    assert costs["llama-3-8b"] == pytest.approx(told.cost.per_million, rel=1e-3)
    # Of a GPU whose rate is in no source nothing is said but that.
    assert set(_column(grid, "tokens_per_second:mi350x").values()) == {None}
