"""The terminal: conversations, plain letters where signs are lacking, shells' completion, readers that go away."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_sizer.cli.commands import is_command_line

COMMAND = [sys.executable, "-m", "gpu_sizer"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=60, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("models", True),
        ("show h100", True),
        ("gpus rtx", True),
        ("size mixtral-8x7b --gpu a6000", True),
        ("what-fits --gpu 4090", True),
        ("size of mixtral in gb", False),
        ("models that run on a 4090", False),
        ("compare a6000 and l40s for qwen3 32b", False),
        ("memory for mixtral 8x7b", False),
        ("fit qwen3 32b on 2 l40s", False),
        ("how many a6000s for mixtral", False),
    ],
)
def test_a_command_is_told_from_a_question_that_begins_like_one(line: str, command: bool) -> None:
    assert is_command_line(line) is command


def test_an_encoding_without_signs_gets_plain_letters() -> None:
    done = run("how many A6000s for Mixtral 8x7b", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"3 x RTX A6000" in done.stdout
    assert b" +- " in done.stdout
    assert b"####" in done.stdout
    assert b"?" not in done.stdout


@pytest.mark.parametrize(
    ("line", "word", "found"),
    [("gpu-sizer size mixt", "2", "mixtral-8x7b"), ("gpu-sizer size mixtral-8x7b --gpu h1", "4", "h100-80gb")],
)
def test_a_shell_completes_models_and_gpus(line: str, word: str, found: str) -> None:
    script = Path(sys.executable).with_name("gpu-sizer")
    if not script.exists():
        pytest.skip("the console script is not installed")
    asked = {"_GPU_SIZER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": word}
    done = subprocess.run([script], capture_output=True, timeout=60, env={**os.environ, **asked}, check=False)
    assert found in done.stdout.decode().split()


def test_a_conversation_answers_keeps_history_and_ends(tmp_path: Path) -> None:
    here, there = pty.openpty()
    talk = subprocess.Popen(
        COMMAND,
        stdin=there,
        stdout=there,
        stderr=there,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "60", "NO_COLOR": "1"},
    )
    os.close(there)
    os.write(
        here, b"how many a6000s for mixtral 8x7b\nand on 2 h100?\ngpu-sizer gpus a6000\nshow 'a6000\nfrobnicate\nquit\n"
    )
    said = b""
    while True:
        try:
            part = os.read(here, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(here)
    assert talk.wait(timeout=60) == 0
    text = said.decode()
    assert "needs 3 × RTX A6000" in text
    assert "Yes: Mixtral 8x7B fits on 2" in text
    assert "rtx-a6000" in text
    assert "No closing quotation" in text
    assert "not understood" in text
    assert "Traceback" not in text
    assert "\x1b[1;3" not in text
    assert "frobnicate" in (tmp_path / "gpu-sizer" / "history").read_text(encoding="utf-8")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    writer = subprocess.Popen([*COMMAND, "models", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.read(1)
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(timeout=60) == 0


@pytest.mark.parametrize(("gpu", "warned"), [("t4", True), ("l4", False)])
def test_a_gpu_without_bfloat16_is_warned_of(gpu: str, warned: bool) -> None:
    done = run("size", "mistral-7b-v0.3", "--gpu", gpu)
    assert ("has no bfloat16: run with --dtype float16" in done.stdout.decode()) is warned
