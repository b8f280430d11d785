"""Where ``gpu-sizer`` begins: a question goes straight to its answer, everything else to the commands."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from gpu_sizer.cli import streams
from gpu_sizer.errors import GpuSizerError, RequestError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Set to see tracebacks of faults.
DEBUG_VARIABLE = "GPU_SIZER_DEBUG"
#: Objects made between two looks for garbage.
COLLECT_AFTER = 100_000
#: Exit codes (DESIGN 4.2).
FAULT, BAD_INPUT = 1, 2
#: Commands that take one word and need no option.
_LISTINGS = (
    "models",
    "gpus",
    "machines",
    "show",
    "explain",
    "validate",
    "schema",
    "import",
    "memory",
    "which-gpu",
    "check-log",
)
#: Commands that run until they are stopped.
_LASTING = ("serve", "mcp")

#: Letters of the shortest word that can be a slip of a command.
_SHORTEST = 3
#: Letters of a command in which two may slip.
_LONG = 6

#: Each command and where it is: a module of this package, and its function where that has another name.
COMMANDS = {
    "size": "sizing",
    "fit": "sizing",
    "speed": "speed",
    "models": "listings",
    "gpus": "listings",
    "machines": "machines",
    "rent": "machines",
    "engines": "engines",
    "show": "catalogue",
    "explain": "catalogue",
    "validate": "catalogue",
    "schema": "catalogue",
    "import": "catalogue:import_model",
    "ask": "asking",
    "context": "inverse",
    "users": "inverse",
    "memory": "inverse",
    "what-fits": "inverse:what_fits",
    "which-gpu": "inverse:which_gpu",
    "compare": "inverse",
    "replay": "replay",
    "check-log": "check_log:check_log",
    "table": "table",
    "sweep": "sweep",
    "article": "article",
    "deploy": "deploy",
    "terraform": "terraform",
    "update": "update:app",
    "serve": "serving",
    "mcp": "serving",
    "arena": "arena:app",
    "chart": "chart:app",
}


def is_command_line(text: str) -> bool:
    """Whether a line typed in a conversation is a command rather than a question that begins like one.

    ``models``, ``show h100`` and ``size mixtral --gpu a6000`` are commands, ``size of mixtral`` is none; a misspelt
    command with options is one too.
    """
    said = text.split()
    if " --" in text and _near_command(said[0]) is not None:
        return True
    return said[0] in COMMANDS and (len(said) == 1 or (len(said) == 2 and said[0] in _LISTINGS) or " -" in text)


def _question(arguments: list[str]) -> bool:
    """Whether a command line is a question in words.

    It is none where it begins with a command or an option, has any other option than ``--json``, or begins with a
    single word that is nearly a command: a file that a misspelt command was to fill must not be filled with prose.
    """
    first = arguments[0]
    if first.startswith("-") or first in COMMANDS:
        return False
    options = any(_is_option(a) for a in arguments if a != "--json")
    return not options and (" " in first.strip() or _near_command(first) is None)


def _is_option(argument: str) -> bool:
    """``--gpu``, ``-n``; no negative number and no lone dash."""
    return argument.startswith("--") or (len(argument) == 2 and argument[0] == "-" and argument[1].isalpha())


def _near_command(word: str) -> str | None:
    """The command that a word nearly is, null for a word that questions begin with."""
    from gpu_sizer.queries.stopwords import STOP_WORDS

    word = word.lower()
    if word in STOP_WORDS or len(word) < _SHORTEST or not word.isascii() or any(map(str.isdigit, word)):
        return None
    slips = [c for c in COMMANDS if _slipped(word, c)]
    return slips[0] if slips else max((c for c in COMMANDS if _alike(word, c)), key=len, default=None)


def _slipped(word: str, command: str) -> bool:
    """Whether one letter was left out, put in, changed, or changed places with the next."""
    begin = next((i for i, (a, b) in enumerate(zip(word, command, strict=False)) if a != b), None)
    if abs(len(word) - len(command)) > 1 or begin is None:
        return begin is None and abs(len(word) - len(command)) <= 1
    mine, theirs = word[begin:], command[begin:]
    return theirs in (mine[1:], mine[1:2] + mine[:1] + mine[2:]) or theirs[1:] in (mine, mine[1:])


def _alike(word: str, command: str) -> bool:
    """Whether more letters slipped in a longer command."""
    from gpu_sizer.cards.names import NEAR, similarity

    return len(command) >= _LONG and word[0] == command[0] and similarity(word, command) >= NEAR


def run(arguments: list[str]) -> int:
    """Runs one command line and gives its exit code."""
    as_json = "--json" in arguments
    try:
        if not arguments:
            if sys.stdin.isatty() and sys.stdout.isatty():
                from gpu_sizer.cli.interactive import converse

                gc.enable()
                return converse()
            arguments = ["--help"]
        if arguments[0] == "help":
            arguments = [*arguments[1:2], "--help"]
        if _question(arguments):
            from gpu_sizer.cli.questions import answer

            return answer(" ".join(a for a in arguments if a != "--json"), as_json)
        return _command(arguments)
    except GpuSizerError as error:
        from gpu_sizer.cli.output import print_error

        print_error(error, as_json)
        return BAD_INPUT
    except BrokenPipeError:
        streams.hang_up()
        return 0
    except OSError as error:
        return _unwritten(error)
    except KeyboardInterrupt:
        sys.stderr.write("gpu-sizer: interrupted\n")
        return 130
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(
            f"gpu-sizer: a fault of ours: {type(error).__name__}: {error}; {DEBUG_VARIABLE}=1 shows where\n"
        )
        return FAULT


def _unwritten(error: OSError) -> int:
    """The exit code where surroundings fail: a full disk, a closed stream."""
    where = f"{printable(str(error.filename))}: " if error.filename else "the answer cannot be written: "
    sys.stderr.write(f"gpu-sizer: {where}{error.strerror or type(error).__name__}\n")
    return BAD_INPUT


def _no_command(word: str) -> GpuSizerError:
    """The error for a first word that is no command, with the one that it nearly is."""
    near = _near_command(word) if " " not in word else None
    hint = f"did you mean {near}?" if near else "a question goes in quotes and takes no option but --json"
    return RequestError(f"no command {word[:60]!r}; {hint}", suggestions=(near,) if near else ())


def _command(arguments: list[str]) -> int:
    if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        raise _no_command(arguments[0])

    import typer

    from gpu_sizer.cli.app import put_together
    from gpu_sizer.cli.plain_values import read_plainly

    # Records hold no cycles: what is loaded is never garbage, and what is made seldom is.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
    # The base of all usage errors; where it lives depends on typer's version (click, or a copy of its own).
    usage_error: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    # One command needs no other: reading the options of all takes longer than many an answer.
    names = arguments[:1] if arguments[0] in COMMANDS else COMMANDS
    command: Any = typer.main.get_command(put_together(names))
    read_plainly()
    try:
        result = command.main(arguments, prog_name="gpu-sizer", standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        sys.stderr.write("gpu-sizer: interrupted\n")
        return 130
    except usage_error as error:
        sys.stderr.write(f"gpu-sizer: {printable(error.format_message())}\n")
        return BAD_INPUT
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console script."""
    streams.prepare()
    # Nothing that a start loads is garbage: collecting then only takes time. Commands turn it on again.
    gc.disable()
    code = run(sys.argv[1:])
    try:
        streams.flush()
    except OSError as error:
        code = _unwritten(error)
    if sys.argv[1:2] and sys.argv[1] in _LASTING:
        sys.exit(code)
    # All is said and flushed: taking the interpreter apart would be a tenth of the whole.
    atexit._run_exitfuncs()
    os._exit(code)
