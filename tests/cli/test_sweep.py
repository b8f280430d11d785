"""The command ``sweep``: every format says what ``size`` says, and a file is there whole or not at all."""

from __future__ import annotations

import csv
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import gpu_sizer
from gpu_sizer.cli.entry import run
from gpu_sizer.planning import sweep as planning

MODELS, GPUS = ("mixtral-8x7b", "llama-3-8b"), ("rtx-a6000", "h100-80gb")
COMMAND = [
    *("sweep", "--models", ",".join(MODELS), "--gpu", ",".join(GPUS), "--context", "1k,64k", "--users", "1,40"),
    *("--kv-cache-dtype", "default,fp8", "--utilization", "default,0.85"),
]
CELLS = 64


def expected() -> list[dict[str, Any]]:
    """The same cells, one call of ``size`` each."""
    found = []
    axes = product(MODELS, GPUS, (None, "fp8"), (None, 0.85), (1024, 65536), (1, 40))
    for model, gpu, cache, share, context, users in axes:
        longest = gpu_sizer.load_model(model).context.native
        plan = None
        if context <= longest:
            plan = gpu_sizer.size(
                model,
                gpu=gpu,
                context=context,
                users=users,
                kv_cache_dtype=cache,
                gpu_memory_utilization=share,
                details=False,
            )
        layout = plan.layout if plan else None
        found.append(
            {
                "model": model,
                "gpu": gpu,
                "weights_dtype": None,
                "kv_cache_dtype": cache,
                "gpu_memory_utilization": share,
                "context": context,
                "users": users,
                "verdict": plan.verdict if plan else "does_not_fit",
                "gpu_count": plan.gpu_count if plan else None,
                "tensor_parallel_size": layout.tensor_parallel_size if layout else None,
                "pipeline_parallel_size": layout.pipeline_parallel_size if layout else None,
                "data_parallel_size": layout.data_parallel_size if layout else None,
                "expert_parallel": layout.expert_parallel if layout else None,
                "free_bytes": plan.per_gpu.free_bytes if plan and plan.per_gpu else None,
            }
        )
    return found


def as_csv(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_json_says_what_size_says(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run([*COMMAND, "--format", "json"]) == 0
    said = json.loads(capfdbinary.readouterr().out)
    assert len(said) == CELLS
    assert said == expected()


def test_csv_says_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep.csv"
    assert run([*COMMAND, "-o", str(file)]) == 0
    assert capfd.readouterr().out == ""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [{k: as_csv(v) for k, v in row.items()} for row in expected()]


def test_parquet_says_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "sweep.parquet"
    assert run([*COMMAND, "-o", str(file)]) == 0
    assert parquet.read_table(file).to_pylist() == expected()


def test_the_library_call_gives_the_same_counts() -> None:
    swept = gpu_sizer.sweep(
        MODELS, GPUS, contexts="1k,64k", users=(1, 40), kv_cache_dtypes=(None, "fp8"), utilizations=(None, 0.85)
    )
    assert swept.to_records() == expected()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_interrupted_sweep_leaves_no_part_of_a_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    real = planning.sweep_blocks

    def interrupted(*arguments: Any, **load: Any) -> Any:
        for number, block in enumerate(real(*arguments, **load)):
            if number == 3:
                raise KeyboardInterrupt
            yield block

    monkeypatch.setattr(planning, "sweep_blocks", interrupted)
    file = tmp_path / f"sweep.{form}"
    file.write_bytes(b"as before")
    assert run([*COMMAND, "-o", str(file)]) == 130
    assert [f.name for f in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == b"as before"


WRONG = {
    "a length that is none": (["--context", "x"], "context must be a number of tokens"),
    "a spacing that is none": (["--context", "1k:8k:cube3"], "is not FIRST:LAST:logN"),
    "a share that is none": (["--utilization", "much"], "utilization must be numbers"),
    "a share above one": (["--utilization", "1.5"], "utilization must be above 0 and at most 1"),
    "an unknown cache type": (["--kv-cache-dtype", "fp3"], "unknown kv cache dtype"),
    "an unknown cache type after a known one": (["--kv-cache-dtype", "default,fp3"], "unknown kv cache dtype"),
    "a kind of layouts that is none": (["--layouts", "x"], "layouts must be one of any, tensor, pipeline"),
    "no number as a share": (["--utilization", "nan"], "utilization must be above 0 and at most 1"),
    "an unknown weight type": (["--weights-dtype", "fp3"], "unknown weights dtype"),
    "an unknown format": (["-f", "xml"], "sweeps are written as csv, json, parquet"),
    "Parquet to a pipe": (["-f", "parquet"], "add -o sweep.parquet"),
    "an unknown model": (["--models", "no-such-model-9b"], "unknown model"),
    "no model": (["--models", ","], "holds no name"),
    "a folder that is not there": (["-o", "/no/such/folder/s.csv"], "there is no folder"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_is_one_sentence(options: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["sweep", "--gpu", "l4", "--users", "1"]
    command += [] if "--models" in options else ["--models", "llama-3-8b"]
    assert run([*command, *options]) == 2
    said = capfd.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
