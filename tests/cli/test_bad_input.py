"""Fifty bad inputs: one clear line, exit code 2, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_sizer.cli.commands import is_command_line
from gpu_sizer.cli.entry import run

SIZE = ("size", "mixtral-8x7b", "--gpu", "a6000")
FIT = ("fit", "mixtral-8x7b", "--gpu", "a6000")

BAD: list[tuple[str, ...]] = [
    ("size", "frobnicate", "--gpu", "a6000"),
    ("size", "llama-3-80b", "--gpu", "a6000"),
    ("size", "mixtral-8x7b", "--gpu", "zx81"),
    ("size", "mixtral-8x7b", "--gpu", "rtx 6000"),
    ("size", "mixtral-8x7b", "--gpu", ""),
    ("size", "", "--gpu", "a6000"),
    ("chart", "memory", "qwen3-8b", "--gpu", ""),
    ("table", "--models", ",", "--gpu", "a6000"),
    ("size", "   ", "--gpu", "a6000"),
    ("size", "", "--gpu", ""),
    ("size", "mixtral-8x7b"),
    ("size",),
    ("size", "/etc/passwd", "--gpu", "a6000"),
    ("size", "/nonexistent/model", "--gpu", "a6000"),
    ("size", "./nowhere", "--gpu", "a6000"),
    ("size", "nowhere.yaml", "--gpu", "a6000"),
    ("size", "mixtral-8x7b", "--gpu", "nowhere.yaml"),
    ("size", "x" * 5000, "--gpu", "a6000"),
    ("size", "\x00\x1b[31m", "--gpu", "a6000"),
    ("size", "🦙", "--gpu", "a6000"),
    ("size", "../../etc/passwd", "--gpu", "a6000"),
    ("size", "'; DROP TABLE models; --", "--gpu", "a6000"),
    (*SIZE, "--context", "-4"),
    (*SIZE, "--context", "0"),
    (*SIZE, "--context", "many"),
    (*SIZE, "--context", "1e400"),
    (*SIZE, "--context", "99999999"),
    (*SIZE, "--context", "32q"),
    (*SIZE, "--users", "0"),
    (*SIZE, "--users", "-1"),
    (*SIZE, "--users", "1.5"),
    (*SIZE, "--users", "99999999999"),
    (*SIZE, "--utilization", "1.7"),
    (*SIZE, "--utilization", "0"),
    (*SIZE, "--utilization", "nan"),
    (*SIZE, "--utilization", "high"),
    (*SIZE, "--weights-dtype", "float7"),
    (*SIZE, "--kv-cache-dtype", "float7"),
    (*SIZE, "--engine", "vlm"),
    (*SIZE, "--engine", "vllm@"),
    (*SIZE, "--engine", "vllm@0.1"),
    (*SIZE, "--layouts", "diagonal"),
    (*SIZE, "--max-gpus", "0"),
    (*SIZE, "--max-gpus", "1000000"),
    (*SIZE, "--max-num-seqs", "0"),
    (*SIZE, "--max-num-batched-tokens", "-1"),
    (*SIZE, "--users", "300", "--max-num-seqs", "16"),
    (*SIZE, "--no-such-option"),
    (*FIT, "--tp", "0"),
    (*FIT, "--tp", "-2"),
    (*FIT, "--tp", "1000000"),
    (*FIT, "--pp", "none"),
    (*FIT, "--dp", "0"),
    ("show", "frobnicate"),
    ("explain", "frobnicate"),
    ("schema", "cat"),
    ("validate", "/nonexistent.yaml"),
    ("import", "/nonexistent"),
    ("import", "/etc/passwd"),
    ("nonsense",),
    ("size", "mixtrl-8x7b", "--gpu", "a6000"),
    ("size", "mixtral-8x7b", "--gpu", "7950 xt"),
    ("fit", "lama-3-70b", "--gpu", "a6000", "--tp", "4"),
    ("deploy", "deepsek-v3", "--gpu", "h200", "--as", "vllm"),
    ("how", "many", "a6000", "for", "mixtral", "--frobnicate"),
]


@pytest.mark.parametrize("arguments", BAD, ids=lambda a: " ".join(a)[:60])
def test_bad_input_gets_one_clear_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(list(arguments))
    out, err = capsys.readouterr()
    assert code == 2
    assert "Traceback" not in out + err
    assert err.startswith("gpu-sizer: ")
    assert err.count("\n") == 1
    assert 10 < len(err) < 400


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("deply mixtral-8x7b --gpu a6000 --as kubernetes", "deploy"),
        ("sise mixtral --gpu a6000 --quiet", "size"),
        ("explane mixtral", "explain"),
        ("tabel --gpu a6000", "table"),
        ("charts demand", "chart"),
        ("chek-log server.log", "check-log"),
    ],
)
def test_a_misspelt_command_is_no_question(arguments: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"gpu-sizer: no command '{arguments.split()[0]}'; did you mean {command}?\n"


@pytest.mark.parametrize("arguments", ["mixtral a6000", "how many a6000 for mixtral", "fits mixtral on 4 a6000"])
def test_words_without_quotes_are_a_question(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments.split()) == 0
    assert "Mixtral 8x7B" in capsys.readouterr().out


def test_a_misspelt_command_is_one_in_a_conversation_too() -> None:
    assert is_command_line("deply mixtral --gpu a6000")
    assert not is_command_line("how many a6000 for mixtral --json")


def test_errors_in_json_say_their_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["size", "mixtral-8x7b", "--gpu", "rtx 6000", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "ambiguous"
    assert error["about"] == "gpu"
    assert len(error["suggestions"]) == 3


def test_import_leaves_no_half_written_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(tmp_path), "-o", str(tmp_path / "card.yaml")]) == 2
    assert list(tmp_path.iterdir()) == []
    capsys.readouterr()
