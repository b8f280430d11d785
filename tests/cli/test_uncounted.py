"""A model that cannot be counted is a marked cell: every listing goes on, counts it and names it (law 7)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import api
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import UncountableError
from gpu_sizer.planning.choices import which_gpu
from gpu_sizer.planning.runnable import what_fits
from gpu_sizer.planning.sweep import Axes, sweep_cards

#: Companions that every engine counts.
COMPANIONS = ("llama-3-8b", "mixtral-8x7b", "qwen3-8b", "gemma-2-9b", "phi-4")


@dataclass(frozen=True)
class Pair:
    """A model that cannot be counted on a GPU under an engine."""

    model: str
    gpu: str
    engine: str = "vllm"


PAIRS = (
    Pair("glm-5.3-flash", "rtx-5090"),
    Pair("glm-5.3-flash", "rtx-pro-6000"),
    Pair("deepseek-v4.1-flash", "h200", "sglang"),
    Pair("deepseek-v4-flash", "h200", "trtllm"),
    Pair("deepseek-v4-flash-nvfp4", "a100-80gb", "llama.cpp"),
    Pair("deepseek-v4-flash", "a100-80gb", "transformers"),
    Pair("inkling-small", "h100-80gb", "sglang"),
    Pair("qwen3.8-flash-next", "h100-80gb", "tgi"),
)


def on(*command: str, **options: str) -> list[str]:
    return [*command, *(word for key, value in options.items() for word in (f"--{key}", value))]


#: Each listing: the command over some models, and the rows of its answer by model.
Listing = Callable[[Pair, list[str]], list[str]]
LISTINGS: dict[str, Listing] = {
    "table": lambda p, m: on("table", models=",".join(m), gpus=p.gpu, engine=p.engine, format="json"),
    "table of engines": lambda p, m: on("table", models=",".join(m), gpus=p.gpu, engines=p.engine, format="csv"),
    "table of everything": lambda p, m: on(
        *("table", "--transpose"),
        models=",".join(m),
        gpus=p.gpu,
        engine=p.engine,
        format="md",
        columns="id,parameters,active,dtype,weights,kv,gpus,safe,tensor,layout,free,price",
    ),
    "sweep": lambda p, m: on("sweep", models=",".join(m), gpus=p.gpu, engine=p.engine, context="2k,8k"),
    "sweep as JSON": lambda p, m: on(
        "sweep", models=",".join(m), gpus=p.gpu, engine=p.engine, context="8k", format="json"
    ),
    "matrix": lambda p, m: on("chart", "matrix", models=",".join(m), gpus=p.gpu, engine=p.engine),
    "demand": lambda p, m: on("chart", "demand", models=",".join(m), gpu=p.gpu, engine=p.engine),
    "memory": lambda p, m: on("chart", "memory", *m, gpu=p.gpu, engine=p.engine),
}


def test_the_pairs_cannot_be_counted() -> None:
    """The cases below are ones: whoever teaches an engine a model takes it from the list."""
    for pair in PAIRS:
        with pytest.raises(UncountableError):
            api.size(pair.model, gpu=pair.gpu, engine=pair.engine)


@pytest.mark.parametrize("listing", LISTINGS)
@settings(max_examples=5, deadline=None)
@given(
    pair=st.sampled_from(PAIRS),
    companions=st.lists(st.sampled_from(COMPANIONS), unique=True, min_size=1, max_size=2),
    place=st.integers(0, 2),
)
def test_every_listing_goes_on(listing: str, pair: Pair, companions: list[str], place: int) -> None:
    models = [*companions[:place], pair.model, *companions[place:]]
    with pytest.MonkeyPatch.context() as patch:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        code = run(LISTINGS[listing](pair, models))
        out.flush()
    text = out.buffer.getvalue().decode() + err.getvalue()
    assert code == 0, text
    assert "1 model cannot be counted" in " ".join(text.split())
    for name in (pair.model, *companions):
        assert name in text or api.load_model(name).name in text


@settings(max_examples=8, deadline=None)
@given(pair=st.sampled_from(PAIRS), companions=st.lists(st.sampled_from(COMPANIONS), unique=True, max_size=3))
def test_what_fits_names_it_and_says_of_the_others_what_it_says_without_it(pair: Pair, companions: list[str]) -> None:
    cards, gpu = [api.load_model(n) for n in companions], api.load_gpu(pair.gpu)
    alone = what_fits(cards, gpu, 1, engine=pair.engine)
    found = what_fits([api.load_model(pair.model), *cards], gpu, 1, engine=pair.engine)
    assert found.models == alone.models
    assert found.left_out == alone.left_out
    assert [(u.model, u.gpu) for u in found.uncounted] == [(pair.model, pair.gpu)]
    assert found.model_dump()["not_counted"][0]["reason"] == found.uncounted[0].reason
    assert found.fits == alone.fits


def test_gpus_on_which_a_model_cannot_be_counted_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    compared = [word for gpu in ("rtx-5090", "h100", "rtx-pro-6000") for word in ("--gpu", gpu)]
    assert run(["compare", "glm-5.3-flash", *compared, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [o["gpu"] for o in found["options"]] == ["h100-80gb"]
    assert [u["gpu"] for u in found["not_counted"]] == ["rtx-5090", "rtx-pro-6000"]
    every = which_gpu(api.load_model("glm-5.3-flash"), [api.load_gpu(g) for g in ("rtx-5090", "h200", "b200")])
    assert [u.gpu for u in every.uncounted] == ["rtx-5090"]
    assert run(["compare", "glm-5.3-flash", "--gpu", "rtx-5090", "--gpu", "rtx-pro-6000"]) == 2


def test_gpus_that_lack_the_same_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["which-gpu", "deepseek-v3.2", "--all"]) == 0
    first, *rest = capsys.readouterr().out.partition("deepseek-v3.2 cannot be counted on ")[2].splitlines()
    assert int(first.split()[0]) > 50
    reasons = [line.partition(": ")[2] for line in rest]
    assert len(set(reasons)) == len(reasons) <= 4
    assert "vLLM runs sparse latent attention on compute capability 9.0 or later" in reasons


def test_cells_of_a_sweep_say_that_they_are_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(on("sweep", models="glm-5.3-flash,llama-3-8b", gpus="rtx-5090,h100", context="8k,2m")) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    verdicts = {(r["model"], r["gpu"], r["context"]): r["verdict"] for r in rows}
    assert verdicts["glm-5.3-flash", "rtx-5090", "8192"] == "not_counted"
    assert verdicts["glm-5.3-flash", "h100-80gb", "8192"] == "fits"
    assert verdicts["llama-3-8b", "rtx-5090", "8192"] == "fits"
    assert err.count("cannot be counted") == 1
    axes = Axes((api.load_model("glm-5.3-flash"),), (api.load_gpu("rtx-5090"), api.load_gpu("h100")), (8192,))
    records: list[dict[str, Any]] = sweep_cards(axes).to_records()
    assert [r["verdict"] for r in records] == ["not_counted", "fits"]


@pytest.mark.parametrize("wrong", [("utilization", "0.5,nan"), ("layouts", "x"), ("kv-cache-dtype", "default,x")])
def test_a_sweep_that_is_refused_has_written_nothing(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(on("sweep", models="llama-3-8b", gpus="h100", context="8k", **dict([wrong]))) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "command",
    [
        ["what-fits", "--gpu", "rtx-5090"],
        ["models", "--fits", "8xrtx-5090"],
        ["models", "--fits", "8xrtx-5090", "--json"],
        ["what can I run on a 5090"],
    ],
    ids=" ".join,
)
def test_the_whole_catalogue_on_a_gpu_with_such_a_model(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 0
    out, err = capsys.readouterr()
    assert "cannot be counted" in out + err
    assert "glm-5.3-flash" in out + err
    assert out.count("\n") > 20
