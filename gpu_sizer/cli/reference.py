"""The command ``reference``: every command and option, as a man page, as Markdown, or as llms.txt for assistants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gpu_sizer import __version__
from gpu_sizer.cli import options as o
from gpu_sizer.cli.app import put_together
from gpu_sizer.cli.output import print_lines
from gpu_sizer.files import write_file

if TYPE_CHECKING:
    #: Typer brings its own click, whose names are private; older ones depended on the package.
    Command = Any

#: Exit codes, as every command gives them.
EXIT_CODES = (
    (0, "answered, and it fits"),
    (1, "a fault of the program's own"),
    (2, "bad input; one sentence on stderr says what is wrong"),
    (3, "answered, and it does not fit"),
)
#: Examples for the top of each form.
EXAMPLES = (
    ('gpu-sizer "how many A6000s for Mixtral 8x7b"', "a question in words"),
    ("gpu-sizer size llama-3.1-405b --gpu h100 --context 8k --users 16 --json", "the same for a script"),
    ("gpu-sizer fit mixtral-8x7b --gpu a6000 --tp 4", "whether one layout fits, and what is left"),
    ("gpu-sizer rent deepseek-r1", "whole machines that carry it, the cheapest first"),
    ("gpu-sizer deploy mixtral-8x7b --gpu a6000 --as kubernetes", "the file that starts it"),
)
_SUMMARY = (
    "How many GPUs a language model takes to serve, unquantized, in a layout that the serving engine accepts; every "
    "byte accounted for, and checked against what real engines allocated and logged."
)


def _program() -> Command:

    return typer.main.get_command(put_together())


def _commands(group: Command, before: str = "") -> Iterator[tuple[str, Command]]:
    """Every command by its whole name, those of groups one by one."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _about(command: Command) -> str:
    return " ".join((command.help or "").split())


def _parameters(command: Command) -> Iterator[tuple[str, str]]:
    """Each argument and option as it is written, and what it means."""
    context = command.context_class(command)
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and not getattr(parameter, "hidden", False):
            # Typer's arguments have a record too; their type stands behind the name.
            yield " ".join(record[0].split()), " ".join(record[1].split())


def _usage(name: str, command: Command) -> str:
    pieces = command.collect_usage_pieces(command.context_class(command))
    return " ".join(["gpu-sizer", name, *pieces])


def _roff(text: str) -> str:
    """A text as roff prints it: no line begins a request, no sign is a command."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.M)


def man(version: str) -> Iterator[str]:
    """The page of section 1, in the macros that every ``man`` knows (man(7))."""
    yield f'.TH GPU\\-SIZER 1 "" "gpu\\-sizer {_roff(version)}" "User Commands"'
    yield from (".SH NAME", "gpu\\-sizer \\- how many GPUs a language model takes")
    yield from (
        ".SH SYNOPSIS",
        '.B gpu\\-sizer\n"\\fIQUESTION\\fR"',
        ".br",
        ".B gpu\\-sizer\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
    )
    yield from (".SH DESCRIPTION", _roff(_SUMMARY))
    yield ".SH COMMANDS"
    for name, command in _commands(_program()):
        yield from (f".SS {_roff(name)}", _roff(_about(command)), ".PP", _roff(_usage(name, command)))
        for written, meaning in _parameters(command):
            yield from (".TP", f".B {_roff(written)}", _roff(meaning) or "\\&")
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES:
        yield from (".TP", f".B {code}", _roff(meaning))
    yield ".SH EXAMPLES"
    for line, meaning in EXAMPLES:
        yield from (".TP", f".B {_roff(line)}", _roff(meaning))
    yield ".SH ENVIRONMENT"
    yield from (".TP", ".B GPU_SIZER_PATH", "Further folders of cards, separated as in PATH.")


def markdown() -> Iterator[str]:
    """Every command with its options, as Markdown."""
    yield from ("# Commands", "", _SUMMARY)
    for name, command in _commands(_program()):
        yield from ("", f"## {name}", "", _about(command), "", "```text", _usage(name, command), "```")
        if rows := list(_parameters(command)):
            yield from ("", "| | |", "|---|---|")
            yield from (f"| `{_cell(written)}` | {_cell(meaning)} |" for written, meaning in rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def llms() -> Iterator[str]:
    """What an assistant needs to use the program (llmstxt.org)."""
    yield from ("# gpu-sizer", "", f"> {_SUMMARY}", "")
    yield "A question in words is answered as it is. `--json` prints what `gpu_sizer.size(model, gpu=...)` in Python"
    yield "and `POST /v1/size` give. Repeat what an answer assumed; `tight` is no promise that it fits."
    yield from ("", "## Examples", "")
    yield from (f"- `{line}`: {meaning}" for line, meaning in EXAMPLES)
    yield from ("", "## Exit codes", "")
    yield from (f"- {code}: {meaning}" for code, meaning in EXIT_CODES)
    yield from ("", "## Commands", "")
    for name, command in _commands(_program()):
        flags = [
            re.findall(r"--[\w-]+|-\w\b", w)[-1 if "/" not in w else 0] for w, _ in _parameters(command) if w[0] == "-"
        ]
        yield f"- `{name}`: {_about(command)}" + (f" Options: {', '.join(flags)}." if flags else "")


def reference(
    form: Annotated[
        Literal["md", "man", "llms"], typer.Option("--as", help="md, man (for `man -l -`), or llms (llms.txt).")
    ] = "md",
    output: Annotated[Path | None, o.written_to("Write to a file.")] = None,
) -> None:
    """Every command and option, as Markdown, as a man page, or as llms.txt."""

    text = {"md": markdown, "llms": llms}[form]() if form != "man" else man(__version__)
    if output is None:
        print_lines(text)
    else:
        write_file(output, ("\n".join(text) + "\n").encode())
