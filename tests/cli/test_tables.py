"""The command ``table``: formats, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_sizer.cli.entry import run

FEW = ["table", "--models", "llama-3-8b,mixtral-8x7b", "--gpu", "a6000"]


def test_markdown_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*FEW, "--format", "md", "--columns", "name,gpus"]) == 0
    out, err = capsys.readouterr()
    assert "| Mixtral 8x7B |                3 |" in out
    assert err == ""


def test_json_is_what_size_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*FEW, "--format", "json", "--columns", "name,gpus,arena", "--as-of", "2024-05-15"]) == 0
    rows = {r["key"]: r["values"] for r in json.loads(capsys.readouterr().out)["rows"]}
    assert run(["size", "mixtral-8x7b", "--gpu", "a6000", "--json"]) == 0
    assert rows["mixtral-8x7b"]["gpus:rtx-a6000"] == json.loads(capsys.readouterr().out)["gpu_count"]
    assert rows["llama-3-8b"]["arena"] > rows["mixtral-8x7b"]["arena"]


def test_files_by_their_endings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending in ("md", "html", "tex", "csv", "json", "rst", "txt"):
        file = tmp_path / f"t.{ending}"
        assert run([*FEW, "-o", str(file)]) == 0
        assert "Mixtral 8x7B" in file.read_text()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("wrote") == 7
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        f"t.{e}" for e in sorted(("md", "html", "tex", "csv", "json", "rst", "txt"))
    ]


def test_options_come_on_top_of_a_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("models: [mixtral-8x7b]\ngpus: [a6000]\ncolumns: [name, gpus]\ntitle: Mine\n")
    assert run(["table", "--spec", str(spec), "--gpu", "h100", "--format", "csv"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("name,gpus:h100-80gb,")
    assert out[1].startswith("Mixtral 8x7B,2,")


def test_columns_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["table", "--columns", "help"]) == 0
    assert capsys.readouterr().out.startswith("name ")


BAD = [
    ["--format", "docx"],
    ["--format", "xlsx"],
    ["-o", "table.docx"],
    ["-o", "/nowhere/table.md"],
    ["--standalone", "--format", "md"],
    ["--spec", "nowhere.yaml"],
    ["--columns", "nme"],
    ["--group-by", "month"],
    ["--as-of", "2021-01-01"],
    ["--users", "0"],
]


@pytest.mark.parametrize("more", BAD, ids=" ".join)
def test_bad_input_gets_one_line(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*FEW, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gpu-sizer: ")
    assert err.count("\n") == 1
