"""What the documentation shows is run: Python as it stands, commands in a folder that has what they name."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gpu_sizer import size
from gpu_sizer.cli.app import put_together
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import GpuSizerError

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HERE = Path(__file__).parent


def blocks(document: Path, language: str) -> list[str]:
    """The blocks of a language, without the indentation of the list that they may stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


PYTHON = [
    pytest.param(text, id=f"{d.name}-{i}") for d in DOCUMENTS for i, text in enumerate(blocks(d, "python"), start=1)
]


@pytest.mark.parametrize("text", PYTHON)
def test_python_runs_and_gives_what_its_comments_say(text: str) -> None:
    scope: dict[str, object] = {}
    lines = text.splitlines()
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        if not isinstance(node, ast.Expr):
            exec(source, scope)
            continue
        value = eval(source, scope)
        comment = lines[(node.end_lineno or node.lineno) - 1].partition("#")[2].strip()
        if re.fullmatch(r"[\d.]+|True|False|None|'.*'|\".*\"", comment):
            assert value == ast.literal_eval(comment), source


def command_lines() -> list[object]:
    """Every line of a shell block that is one call of the command; the lists of docs/cards.md have their own test."""
    found = []
    for document in DOCUMENTS:
        for text in blocks(document, "sh"):
            for line in text.splitlines():
                own = document.name == "cards.md" and re.match(r"gpu-sizer (models|gpus|show)\b", line)
                if not own and re.match(r"gpu-sizer\b[^|>]*$", line.partition(" #")[0]):
                    found.append(pytest.param(line, id=f"{document.name}: {line.partition(' #')[0].strip()}"))
    return found


#: Run by tests of their own, or not runnable in a test; that their options exist is tested here like the others'.
ELSEWHERE = ("article", "chart", "table", "arena", "serve", "mcp", "--install-completion")


@pytest.mark.parametrize("line", command_lines())
def test_commands_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line, comments=True)[1:]
    if words[0] in ELSEWHERE or any(w.startswith("hf:") for w in words):
        if not words[0].startswith("-"):
            _parses(words)
        return
    monkeypatch.chdir(tmp_path)
    shutil.copytree(HERE / "importers" / "tiny" / "mixtral", tmp_path / "my-model")
    shutil.copy(HERE / "evidence" / "logs" / "vllm-v1-two-workers.log", tmp_path / "server.log")
    if any(w.endswith("mixtral.yaml") for w in words):
        assert run(["import", "./my-model", "-o", "mixtral.yaml"]) == 0
    assert run(words) in (0, 3)


def _parses(words: list[str]) -> None:
    """The command's own parser takes the words."""
    command, left = typer.main.get_command(put_together()), list(words)
    while (below := getattr(command, "commands", None)) is not None:
        command = below[left.pop(0)]
    command.make_context(str(command.name), left)


def section(title: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``gpu-sizer`` is this project's."""
    tool = tmp_path / "bin" / "gpu-sizer"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gpu_sizer "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    return {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}


def output(words: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_shell_lines_of_in_scripts(shell: dict[str, str], tmp_path: Path) -> None:
    lines = re.findall(r"```sh\n(.*?)```", section("In scripts"), re.S)[0].splitlines()
    bare, filtered, several, verdict = lines
    plan = size("mixtral-8x7b", gpu="a6000")
    assert output(["sh", "-c", bare], shell, tmp_path) == "3\n"
    assert plan.per_gpu is not None
    # Where jq is not at hand, Python takes its place: the filter of the page is one key of another.
    key = re.fullmatch(r"(.*) \| jq \.per_gpu\.free_bytes", filtered)
    assert key is not None
    assert json.loads(output(["sh", "-c", key[1]], shell, tmp_path))["per_gpu"]["free_bytes"] == plan.per_gpu.free_bytes
    small = size("llama-3-8b", gpu="a6000").gpu_count
    assert output(["sh", "-c", several], shell, tmp_path) == f"{small}\n3\n"
    assert output(["sh", "-c", verdict], shell, tmp_path) == "not on two\n"


def test_the_makefile_of_in_scripts(shell: dict[str, str], tmp_path: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make is not here")
    (text,) = re.findall(r"```make\n(.*?)```", section("In scripts"), re.S)
    (tmp_path / "Makefile").write_text(text, encoding="utf-8")
    assert output(["make", "-s", "count"], shell, tmp_path) == "3\n"
    assert output(["make", "-s", "mixtral.yaml"], shell, tmp_path) == ""
    assert (tmp_path / "mixtral.yaml").read_text(encoding="utf-8") == size("mixtral-8x7b", gpu="a6000").deploy(
        "kubernetes"
    )


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_sizer", "size", "mixtral-8x7b", "--gpu", "a6000", "--quiet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "3\n"


def test_links_lead_to_files() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(((?!https?:)[^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_an_unknown_option_would_be_found() -> None:
    with pytest.raises(Exception, match="--no-such-option") as found:
        _parses(["chart", "demand", "--no-such-option"])
    assert not isinstance(found.value, GpuSizerError)
