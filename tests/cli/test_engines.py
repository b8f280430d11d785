"""``engines``, ``--engine all``, given GPUs and machines, as a user runs them."""

from __future__ import annotations

import json

import pytest

from gpu_sizer.cli.commands import COMMANDS
from gpu_sizer.cli.entry import run
from gpu_sizer.engines.registry import engine_names


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(list(arguments)) == code
    return capsys.readouterr().out


def test_engines_are_listed_with_sources(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "engines")
    for name in engine_names():
        assert f"\n{name} " in "\n" + text
    assert text.count("https://") >= 6
    listed = json.loads(out(capsys, "engines", "--json"))
    assert [e["engine"] for e in listed] == list(engine_names())
    assert [e["engine"] for e in listed if e["takes_mixed"]] == ["transformers", "llama.cpp"]


def test_one_line_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    first = out(capsys, "size", "mixtral-8x7b", "--gpu", "a6000", "--engine", "all").splitlines()[0]
    assert first.endswith("vLLM 3, SGLang 3, TensorRT-LLM 3, TGI 4, transformers 3, llama.cpp 2")
    found = json.loads(out(capsys, "size", "mixtral-8x7b", "--gpu", "a6000", "--engine", "all", "--json"))
    assert found["engines"][0]["plan"]["gpu_count"] == 3


def test_given_gpus(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("size", "mixtral-8x7b", "--gpu", "2xa6000+1xrtx-3090", "--engine")
    assert "2 × RTX A6000 + 1 × GeForce RTX 3090" in out(capsys, *arguments, "llama.cpp")
    assert run([*arguments, "vllm"]) == 2
    assert "its GPUs must be alike" in capsys.readouterr().err
    assert run(["size", "mixtral-8x7b"]) == 2
    assert "--gpu 2xa6000+1xrtx-3090, or --machine NAME" in capsys.readouterr().err


def test_gpus_are_spelt_one_way_and_the_old_one_still_works(capsys: pytest.CaptureFixture[str]) -> None:
    size = ("size", "mixtral-8x7b", "--engine", "llama.cpp", "--brief")
    mixture = out(capsys, *size, "--gpu", "2xa6000", "--gpu", "1xrtx-3090")
    assert "2 × RTX A6000 + 1 × GeForce RTX 3090" in mixture
    for old in (("--gpus", "2xa6000+1xrtx-3090"), ("--gpus=2xa6000+1xrtx-3090",)):
        assert out(capsys, *size, *old) == mixture
    table = ("table", "--models", "llama-3-8b", "--columns", "name,gpus", "--format", "csv")
    assert out(capsys, *table, "--gpus", "l4") == out(capsys, *table, "--gpu", "l4")
    for command in COMMANDS:
        assert "--gpus " not in out(capsys, command, "--help")
    assert run(["size", "mixtral-8x7b", "--gpu", "a6000", "--gpu", "h100"]) == 2
    assert "compare MODEL --gpu a6000 --gpu h100" in capsys.readouterr().err


def test_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not fit" in out(capsys, "size", "llama-3.1-405b", "--gpu", "h100", "--single-node", code=3)
    found = json.loads(
        out(capsys, "size", "llama-3.1-405b", "--gpu", "h100", "--single-node", "--gpus-per-node", "16", "--json")
    )
    assert found["gpu_count"] <= 16


def test_the_whole_context_in_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    few, many = (
        json.loads(out(capsys, "size", "gpt-oss-120b", "--gpu", "h200", "--json", *more))["per_gpu"]["kv_cache_bytes"]
        for more in ((), ("--no-hybrid-kv",))
    )
    assert many > few
