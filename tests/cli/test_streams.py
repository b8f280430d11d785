"""What reaches the program's streams, and what happens where they fail: as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cli.entry import run
from tests.cards.test_loading import GOOD

PROGRAM = [sys.executable, "-m", "gpu_sizer"]
SIZE = ["size", "mixtral-8x7b", "--gpu", "a6000"]
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    run = " ".join(PROGRAM)
    return subprocess.run(["sh", "-c", command.replace("G ", f"{run} ")], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        pytest.param("G size mixtral-8x7b --gpu a6000 >&-", 2, "Bad file descriptor", id="stdout closed"),
        pytest.param("G size mixtral-8x7b --gpu a6000 --json >&-", 2, "Bad file descriptor", id="JSON to nowhere"),
        pytest.param("G models > /dev/full", 2, "No space left", id="stdout full"),
        pytest.param("G 'how many a6000 for mixtral 8x7b' > /dev/full", 2, "No space left", id="an answer"),
        pytest.param("G sweep --models llama-3-8b --gpu l4 > /dev/full", 2, "No space left", id="a sweep"),
        pytest.param("G size mixtral-8x7b --gpu nothing 2>&-", 2, "", id="stderr closed"),
        pytest.param("G size mixtral-8x7b --gpu a6000 2>&- >&- <&-", 2, "", id="all closed"),
        pytest.param("G <&- >/dev/null", 0, "", id="stdin closed"),
        pytest.param("printf '\\377' | G terraform", 2, "query as JSON", id="a query that is no text"),
    ],
)
def test_a_stream_that_fails_is_one_sentence(command: str, code: int, said: str) -> None:
    done = shell(command)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_a_file_is_written_where_stdout_is_closed(tmp_path: Path) -> None:
    done = shell(f"G gpus l4 -o {tmp_path}/x.csv >&-")
    assert done.returncode == 0
    assert (tmp_path / "x.csv").read_text().startswith("gpu")


@pytest.mark.parametrize(
    "arguments",
    [
        ["size", "{card}", "--gpu", "h100-80gb"],
        ["explain", "{card}"],
        ["--cards", "{folder}", "models", "tiny"],
        ["--cards", "{folder}", "size", "tiny", "--gpu", "h100-80gb", "--json"],
        ["--cards", "{folder}", "table", "--models", "tiny", "--gpu", "l4", "--format", "csv"],
        ["check-log", "{log}", "--json"],
    ],
)
def test_no_control_character_of_a_card_or_a_log_reaches_a_terminal(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "cards").mkdir()
    card = tmp_path / "cards" / "x.yaml"
    name = ESCAPES.encode("unicode_escape").decode()
    card.write_text(GOOD.replace("name: Tiny", f'name: "Ti{name}ny"\nnotes: ["see{name}"]'), encoding="utf-8")
    log = tmp_path / "x.log"
    log.write_text(
        f"INFO vLLM API server version 0.11.0{ESCAPES}\nmodel='meta{ESCAPES}', dtype=torch.bfloat16\n"
        "Model loading took 14.99 GiB\n",
        encoding="utf-8",
    )
    filled = [a.format(card=card, folder=card.parent, log=log) for a in arguments]
    done = subprocess.run(
        [*PROGRAM, *filled], capture_output=True, timeout=60, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
    )
    said = done.stdout.decode()
    assert said
    assert not [c for c in said if (c in ESCAPES and not c.isascii()) or c in "\x1b\x07"]


def test_no_line_of_a_sweep_begins_a_formula(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(GOOD.replace("id: tiny", 'id: "=1+1"'), encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "--cards", str(tmp_path), "sweep", "--models", "=1+1", "--gpu", "l4", "--context", "1k"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[1].startswith("'=1+1,")


@pytest.mark.parametrize("options", [["--utilization", "nan"], ["--layouts", "x"], ["--kv-cache-dtype", "x"]])
def test_a_sweep_that_is_refused_has_written_nothing(options: list[str]) -> None:
    command = [*PROGRAM, "sweep", "--models", "llama-3-8b", "--gpu", "l4", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "command",
    [
        "table --models llama-3-8b --gpu l4 -o {place}",
        "sweep --models llama-3-8b --gpu l4 -o {place}",
        "models -o {place}",
        "deploy llama-3-8b --gpu l4 --context 4k -o {place}",
        "chart memory llama-3-8b --gpu l4 -o {place}.svg",
        "arena progress -o {place}.svg",
        "article -o {file}/folder",
        "replay tests/evidence/records.jsonl --report {place}",
    ],
)
def test_a_place_to_write_to_is_looked_at_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def work(*arguments: object, **options: object) -> None:
        raise AssertionError("work was done")

    for name in ("models", "gpus"):
        monkeypatch.setattr(Catalogue, name, property(work))
    (tmp_path / "file").write_text("")
    filled = command.format(place=tmp_path / "gone" / "x", file=tmp_path / "file")
    assert run(filled.split()) == 2
    said = capsys.readouterr().err
    assert "there is no folder" in said or "Not a directory" in said


def test_an_import_makes_the_folder_of_a_new_organisation(tmp_path: Path) -> None:
    tiny = Path(__file__).parent.parent / "importers" / "tiny" / "llama"
    place = tmp_path / "cards" / "somebody" / "tiny.yaml"
    assert run(["import", str(tiny), "-o", str(place)]) == 0
    assert place.read_text(encoding="utf-8").startswith("# Imported")
