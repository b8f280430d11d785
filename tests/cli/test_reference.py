"""The reference of all commands in its three forms, and the files that package the project for other tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gpu_sizer import __version__
from gpu_sizer.cli.commands import COMMANDS
from gpu_sizer.cli.entry import run
from gpu_sizer.cli.reference import EXIT_CODES, llms, man, markdown

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("form", ["md", "man", "llms"])
def test_every_command_stands_in_every_form(form: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["reference", "--as", form]) == 0
    printed = capsys.readouterr().out
    plain = printed.replace("\\-", "-")
    for name in COMMANDS:
        # Those of a group stand one by one.
        assert re.search(rf"^(?:## |\.SS |- `){re.escape(name)}\b", plain, re.M), name
    for code, meaning in EXIT_CODES if form != "md" else ():
        assert str(code) in plain
        assert meaning in plain
    assert run(["reference", "--as", form, "-o", str(tmp_path / "file")]) == 0
    assert (tmp_path / "file").read_text(encoding="utf-8") == printed


def test_options_stand_with_their_meaning() -> None:
    text = "\n".join(markdown())
    assert "| `--context <str>` | Tokens of one request, as 8192 or 32k." in text
    assert "Options: " in next(line for line in llms() if line.startswith("- `size`"))


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not here to read the page")
def test_the_manual_page_is_read_without_a_warning() -> None:
    page = "\n".join(man(__version__)) + "\n"
    done = subprocess.run(["groff", "-man", "-ww", "-Tascii"], input=page.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    assert b"GPU-SIZER(1)" in done.stdout


def test_no_line_of_the_page_begins_a_request_by_accident() -> None:
    known = {"TH", "SH", "SS", "PP", "TP", "B", "br"}
    for line in "\n".join(man(__version__)).splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line[1:].split()[0] in known


def test_the_citation_is_of_this_version() -> None:
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["version"] == __version__
    assert {"cff-version", "message", "title", "authors"} <= found.keys()


def test_the_hook_looks_at_cards_alone() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "gpu-sizer validate"
    looked_at = re.compile(hook["files"])
    assert looked_at.search("model_cards/meta/llama.yaml")
    assert looked_at.search("infra/gpu_specs/ours.yml")
    assert not looked_at.search("docs/values.yaml")


def test_the_action_runs_what_there_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert commands[-1] == "gpu-sizer validate $FILES"
    card = next((ROOT / "model_cards").rglob("mixtral-8x7b.yaml"))
    (tmp_path / "cards").mkdir()
    shutil.copy(card, tmp_path / "cards")
    assert run(["validate", str(tmp_path / "cards")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'cards' / card.name}: valid\n"
    (tmp_path / "empty").mkdir()
    assert run(["validate", str(tmp_path / "empty")]) == 2
    assert "no YAML file in this folder" in capsys.readouterr().err


def test_the_image_starts_what_there_is() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    command = json.loads(next(line.removeprefix("CMD ") for line in lines if line.startswith("CMD ")))
    assert command[0] in COMMANDS
    assert "USER sizer" in lines
