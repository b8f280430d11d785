"""Help: commands in groups, two examples each, and what a shell completes."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer

from gpu_sizer.cli.app import put_together
from gpu_sizer.cli.commands import COMMANDS, GROUPS
from gpu_sizer.cli.completion import listed, models
from gpu_sizer.cli.entry import run
from gpu_sizer.cli.grouped import EXAMPLES
from gpu_sizer.words.glossary import TERMS


def test_help_lists_every_command_once_under_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    places = [said.index(f"\n{title}:") for title in GROUPS]
    assert places == sorted(places)
    for name in COMMANDS:
        assert sum(line.startswith(f"  {name} ") for line in said.splitlines()) == 1, name
    assert "..." not in said.partition("Ask:")[2]
    assert all(term in said for term in TERMS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_two_examples_that_parse(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert len(EXAMPLES[name]) == 2
    program = typer.main.get_command(put_together([name]))
    for line in EXAMPLES[name]:
        assert f"  gpu-sizer {line}" in said
        words = shlex.split(line.partition(" <")[0])
        if "--help" in words:
            continue
        command, left = program, words[words.index(name) :]
        while (below := getattr(command, "commands", None)) is not None:
            command = below[left.pop(0)]
        command.make_context(str(command.name), left)


@pytest.mark.parametrize("group", ["chart", "arena", "update"])
def test_a_bare_group_prints_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([group]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\n") > 5
    assert "Commands:" in said.out


def test_the_last_of_several_values_is_completed() -> None:
    complete = listed(models)
    assert "mixtral-8x7b" in complete("mixtral-8x")
    assert "llama-3-70b,mixtral-8x7b" in complete("llama-3-70b,mixtral-8x")
    assert "mixtral-8x7b,mixtral-8x7b" not in complete("mixtral-8x7b,mixtral-8x")


COMPLETED = {
    "deploy x --as kub": "kubernetes",
    "size x --engine sg": "sglang",
    "size x --layouts te": "tensor",
    "table --columns name,gp": "name,gpus",
    "sweep --models mixtral-8x7b,llama-3.1-405": "mixtral-8x7b,llama-3.1-405b",
    "table --gpu a40,h20": "a40,h200",
    "size x --gpu 3xrtx-a60": "3xrtx-a6000",
    "size x --gpu a600": "a6000",
    "size x --weights-dtype int4": "int4-group128",
    "sweep --kv-cache-dtype bfloat16,fp8": "bfloat16,fp8",
    "size x --machine p5.4": "p5.48xlarge",
    "rent x --provider lam": "lambda",
    "table --format la": "latex",
    "table --engines vllm,sg": "vllm,sglang",
    "table --sort -rel": "-released",
    "models --sort par": "parameters",
    "models --organization mistr": "mistral AI",
    "models --license Apa": "Apache-2.0",
    "table --organization Mistr": "Mistral AI",
    "table --license apa": "apache-2.0",
    "gpus --vendor NV": "NVIDIA",
    "article --columns pri": "price",
    "article --provider lam": "lambda",
    "models --fits 2xh20": "2xh200",
    "config --unset eng": "engine",
}


@pytest.mark.parametrize(("line", "found"), COMPLETED.items(), ids=COMPLETED)
def test_a_shell_completes_every_kind_of_value(line: str, found: str) -> None:
    words = line.split()
    command = typer.main.get_command(put_together([words[0]])).commands[words[0]]  # type: ignore[attr-defined]
    (option,) = [p for p in command.params if words[-2] in p.opts]
    context = command.context_class(command)
    assert found in [item.value for item in option.shell_complete(context, words[-1])]


def test_cards_and_colour_stand_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.cards.test_loading import GOOD

    (tmp_path / "tiny.yaml").write_text(GOOD, encoding="utf-8")
    folder = str(tmp_path)
    for line in (
        ["size", "tiny", "--gpu", "t4", "-q", "--cards", folder],
        ["size", "tiny", f"--cards={folder}", "--gpu", "t4", "-q"],
        ["--cards", folder, "size", "tiny", "--gpu", "t4", "-q"],
    ):
        assert run(line) == 0
        assert capsys.readouterr().out == "1\n"
    assert run(["--cards", folder, "how many t4 for tiny", "--brief"]) == 0
    assert "needs 1 × T4" in capsys.readouterr().out
    assert run(["how many t4 for tiny"]) == 2
    assert run(["models", "--cards"]) == 2
    assert "--cards needs a value" in capsys.readouterr().err


def test_colour_is_as_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    question = ["how many a6000 for mixtral 8x7b", "--brief"]
    assert run([*question, "--color", "always"]) == 0
    assert "\x1b[" in capsys.readouterr().out
    assert run([*question, "--color=never"]) == 0
    assert "\x1b[" not in capsys.readouterr().out
    assert run([*question, "--color", "sometimes"]) == 2
    assert "--color is auto, always, never" in capsys.readouterr().err


def test_a_repository_that_no_card_has_is_read_from_the_hub_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpu_sizer import load_model
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.importers import hub

    asked: list[str] = []

    def read(name: str) -> ModelCard:
        asked.append(name)
        return load_model("qwen3-4b")

    monkeypatch.setattr(hub, "import_hub", read)
    assert run(["size", "some-org/some-model", "--gpu", "t4"]) == 2
    assert "hf:some-org/some-model (or --online) reads it from the hub" in capsys.readouterr().err
    assert not asked
    for line in (["--online", "size"], ["size", "--online"]):
        assert run([*line, "some-org/some-model", "--gpu", "t4"]) == 0
        assert "no card has some-org/some-model: read from the hub" in capsys.readouterr().out.replace("\n", " ")
    assert len(asked) == 2
    for known in ("mixtral-8x7b", "mistralai/Mixtral-8x7B-v0.1"):
        assert run(["--online", "size", known, "--gpu", "a6000", "-q"]) == 0
    for other in ("frobnicate", "a/b/c", "openai/whisper-large-v3"):
        assert run(["--online", "size", other, "--gpu", "a6000"]) == 2
        assert "hf:" not in capsys.readouterr().err
    assert len(asked) == 2


def test_a_server_never_offers_the_hub() -> None:
    from gpu_sizer import load_model
    from gpu_sizer.cards.catalogue import catalogue
    from gpu_sizer.errors import UnknownModelError

    with pytest.raises(UnknownModelError) as refused:
        load_model("some-org/some-model", cards=catalogue(names_only=True, online=True))
    assert "hf:" not in str(refused.value)
