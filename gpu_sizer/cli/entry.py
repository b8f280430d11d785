"""Where ``gpu-sizer`` begins: a question goes straight to its answer, everything else to the commands."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from gpu_sizer.cli import shared, streams
from gpu_sizer.cli.commands import COMMANDS, QUESTION_OPTIONS, is_question, no_command
from gpu_sizer.errors import GpuSizerError, printable
from gpu_sizer.exits import BAD_INPUT, FAULT, INTERRUPTED, OK
from gpu_sizer.fast.modules import kept_modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Set to see tracebacks of faults.
DEBUG_VARIABLE = "GPU_SIZER_DEBUG"
#: Objects made between two looks for garbage.
COLLECT_AFTER = 250_000
#: Commands that run until they are stopped.
_LASTING = ("serve", "mcp")


def run(arguments: list[str]) -> int:
    """Runs one command line and gives its exit code."""
    as_json = "--json" in arguments
    try:
        arguments = shared.taken(arguments)
        if not arguments:
            if sys.stdin.isatty() and sys.stdout.isatty():
                from gpu_sizer.cli.interactive import converse

                gc.enable()
                return converse(run)
            arguments = ["--help"]
        if arguments[0] == "help":
            arguments = [*arguments[1:2], "--help"]
        if is_question(arguments):
            from gpu_sizer.cli.questions import answer

            said = " ".join(a for a in arguments if a not in QUESTION_OPTIONS)
            how = {name: flag in arguments for flag, name in QUESTION_OPTIONS.items()}
            return answer(said, shared.cards(), **how)
        return _command(arguments)
    except GpuSizerError as error:
        from gpu_sizer.cli.output import print_error

        print_error(error, as_json)
        return BAD_INPUT
    except BrokenPipeError:
        streams.hang_up()
        return OK
    except OSError as error:
        return _unwritten(error)
    except KeyboardInterrupt:
        sys.stderr.write("gpu-sizer: interrupted\n")
        return INTERRUPTED
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


def _command(arguments: list[str]) -> int:
    if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        raise no_command(arguments[0])

    import typer

    from gpu_sizer.cli.app import put_together
    from gpu_sizer.cli.defaults import with_defaults
    from gpu_sizer.cli.plain_values import read_plainly

    # Records hold no cycles: what is loaded is never garbage, and what is made seldom is.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
    # The base of all usage errors; where it lives depends on typer's version (click, or a copy of its own).
    usage_error: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    # One command needs no other, and the version any one: reading the options of all takes longer than many an answer.
    names = [*COMMANDS][:1] if arguments == ["--version"] else arguments[:1] if arguments[0] in COMMANDS else COMMANDS
    command: Any = typer.main.get_command(put_together(names))
    read_plainly()
    try:
        result = command.main(with_defaults(shared.respelled(arguments)), prog_name="gpu-sizer", standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        sys.stderr.write("gpu-sizer: interrupted\n")
        return INTERRUPTED
    except usage_error as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stdout.write(f"{error.format_message()}\n")
            return OK
        sys.stderr.write(f"gpu-sizer: {printable(error.format_message())}\n")
        return BAD_INPUT
    return result if isinstance(result, int) else OK


def main() -> None:
    """The console script."""
    streams.prepare()
    # Nothing that a start loads is garbage: collecting then only takes time. Commands turn it on again.
    gc.disable()
    arguments = sys.argv[1:]
    modules = kept_modules() if arguments and is_question(arguments) else None
    code = run(arguments)
    try:
        streams.flush()
    except OSError as error:
        code = _unwritten(error)
    if modules is not None:
        modules.keep()
    if arguments and arguments[0] in _LASTING:
        sys.exit(code)
    # All is said and flushed: taking the interpreter apart would be a tenth of the whole.
    atexit._run_exitfuncs()
    os._exit(code)
