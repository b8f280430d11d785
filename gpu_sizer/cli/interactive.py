"""``gpu-sizer`` alone in a terminal: ask again and again, with history and completion."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.cli.commands import COMMANDS, is_command_line
from gpu_sizer.exits import BAD_INPUT
from gpu_sizer.queries.follow_up import as_question, whole_question

PROMPT = "gpu-sizer> "
WELCOME = """\
Ask: how many A6000s for Mixtral 8x7b. Then go on: and on 2 h100?
Every command works here too, as "models"; leave with Ctrl-D."""
LEAVE = frozenset(("exit", "quit", "q", "bye", ":q"))
MOST_HISTORY = 1000


def history_file() -> Path:
    """Where questions are kept between sessions, after the XDG directory rules."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "gpu-sizer" / "history"


def completions(text: str, cards: Catalogue) -> list[str]:
    """Ids of models and GPUs, and commands, that begin like the word under the cursor."""
    start = text.lower()
    known = [*cards.models.ids(), *cards.gpus.ids(), *COMMANDS]
    return [i for i in known if i.startswith(start)] if start else []


def _with_history(cards: Catalogue) -> None:
    """History and completion, where the platform has readline."""
    try:
        import readline
    except ImportError:
        return
    lines: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            lines[:] = completions(text, cards)
        return lines[state] if state < len(lines) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n,;?!")
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(MOST_HISTORY)
    with suppress(OSError):
        readline.read_history_file(history_file())


def _keep_history() -> None:
    with suppress(ImportError, OSError):
        import readline

        file = history_file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        readline.write_history_file(file)


def converse(run: Callable[[list[str]], int]) -> int:
    """Asks until the person leaves, and gives the exit code; ``run`` answers one command line."""
    cards = catalogue()
    _with_history(cards)
    sys.stdout.write(WELCOME + "\n")
    before: str | None = None
    try:
        while True:
            try:
                text = input(PROMPT).strip()
            except EOFError:
                sys.stdout.write("\n")
                return 0
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                continue
            if text.lower() in LEAVE:
                return 0
            if text:
                before = _reply(text, run, before, cards)
    finally:
        _keep_history()


def _reply(text: str, run: Callable[[list[str]], int], before: str | None, cards: Catalogue) -> str | None:
    """One answer, error or fault, as a command line of its own would print it; gives the question to go on from."""
    if text.startswith("gpu-sizer "):  # pasted from elsewhere
        text = text.removeprefix("gpu-sizer ").strip()
    if text.lower() in ("help", "--help", "?"):
        run(["--help"])
    elif is_command_line(text):
        try:
            words = shlex.split(text)
        except ValueError as error:  # a quotation mark that does not end
            sys.stderr.write(f"gpu-sizer: {error}\n")
            return before
        if run(words) != BAD_INPUT:
            return as_question(words) or before
    else:
        question = whole_question(text, before, cards)
        if run([question]) != BAD_INPUT:
            return question
    return before
