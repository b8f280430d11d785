"""``config``: what is taken where a command line does not say it, and nowhere else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gpu_sizer.cli.defaults import config_file
from gpu_sizer.cli.entry import run

LOG = Path(__file__).parents[1] / "evidence" / "logs" / "vllm-v1-two-workers.log"


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_default_is_written_taken_and_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["size", "mixtral-8x7b", "-q"]) == 2
    said(capsys, "config", "gpu", "A6000")
    assert tomllib.loads(config_file().read_text(encoding="utf-8")) == {"gpu": "rtx-a6000"}
    assert said(capsys, "size", "mixtral-8x7b", "-q") == "3\n"
    assert said(capsys, "config", "gpu") == "rtx-a6000\n"
    said(capsys, "config", "engine", "llama.cpp")
    assert said(capsys, "size", "mixtral-8x7b", "-q") == "2\n"
    # What is said goes first.
    assert said(capsys, "size", "mixtral-8x7b", "-q", "--engine", "vllm") == "3\n"
    assert said(capsys, "size", "mixtral-8x7b", "-q", "--gpu", "h100", "--engine", "vllm") == "2\n"
    said(capsys, "config", "--unset", "gpu")
    assert run(["size", "mixtral-8x7b", "-q"]) == 2


def test_what_a_log_tells_goes_before_a_default(capsys: pytest.CaptureFixture[str]) -> None:
    before = said(capsys, "check-log", str(LOG), "--json")
    said(capsys, "config", "gpu", "t4")
    said(capsys, "config", "engine", "tgi")
    assert said(capsys, "check-log", str(LOG), "--json") == before


def test_questions_say_themselves_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    before = said(capsys, "how many a6000 for mixtral 8x7b")
    said(capsys, "config", "engine", "llama.cpp")
    assert said(capsys, "how many a6000 for mixtral 8x7b") == before


WRONG = {
    "an unknown key": (["config", "gpus", "a6000"], "no setting 'gpus'; known: gpu, engine, provider"),
    "an unknown GPU": (["config", "gpu", "zx81"], "unknown GPU 'zx81'"),
    "an unknown engine": (["config", "engine", "zx81"], "unknown engine 'zx81'"),
    "an unknown provider": (["config", "provider", "zx81"], "zx81"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_nothing_wrong_is_written(line: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) == 2
    assert message in capsys.readouterr().err
    assert not config_file().exists()


@pytest.mark.parametrize("text", ["gpu = 3\n", 'gpus = "a6000"\n', "gpu = a6000\n", "\x00"])
def test_a_file_that_makes_no_sense_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(text, encoding="utf-8")
    assert run(["size", "mixtral-8x7b", "-q"]) == 2
    error = capsys.readouterr().err
    assert str(config_file()) in error
    assert error.count("\n") == 1
