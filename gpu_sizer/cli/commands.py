"""The commands by name, and what tells a command line from a question in words."""

from __future__ import annotations

from gpu_sizer.errors import RequestError

#: Letters of the shortest word that can be a slip of a command.
_SHORTEST = 3
#: Letters of a command in which two may slip.
_LONG = 6
#: What a question takes beside its words, and the argument of an answer that it is.
QUESTION_OPTIONS = {"--json": "as_json", "--why": "why", "--brief": "brief"}
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
#: By the title under which help lists them: each command and where it is, a module of this package and its function
#: where that has another name.
GROUPS = {
    "Ask": {"ask": "asking"},
    "Size": {
        "size": "sizing",
        "fit": "sizing",
        "context": "inverse",
        "users": "inverse",
        "memory": "inverse",
        "speed": "speed",
        "explain": "catalogue",
    },
    "Compare": {
        "which-gpu": "inverse:which_gpu",
        "compare": "inverse",
        "what-fits": "inverse:what_fits",
        "rent": "machines",
    },
    "Tables and charts": {
        "table": "table",
        "sweep": "sweep",
        "chart": "chart:app",
        "article": "article",
        "arena": "arena:app",
    },
    "Deploy": {"deploy": "deploy", "terraform": "terraform", "serve": "serving", "mcp": "serving", "page": "page"},
    "Check": {"check-log": "check_log:check_log", "replay": "replay", "validate": "catalogue"},
    "Catalogue": {
        "models": "listings",
        "gpus": "listings",
        "machines": "machines",
        "engines": "engines",
        "show": "catalogue",
        "schema": "catalogue",
        "import": "catalogue:import_model",
        "update": "update:app",
        "config": "config",
        "reference": "reference",
    },
}
COMMANDS = {name: place for group in GROUPS.values() for name, place in group.items()}


def is_command_line(text: str) -> bool:
    """Whether a line typed in a conversation is a command rather than a question that begins like one.

    ``models``, ``show h100`` and ``size mixtral --gpu a6000`` are commands, ``size of mixtral`` is none; a misspelt
    command with options is one too.
    """
    said = text.split()
    if " --" in text and _near_command(said[0]) is not None:
        return True
    return said[0] in COMMANDS and (len(said) == 1 or (len(said) == 2 and said[0] in _LISTINGS) or " -" in text)


def is_question(arguments: list[str]) -> bool:
    """Whether a command line is a question in words.

    It is none where it begins with a command or an option, has any other option than those of questions, or begins with
    a single word that is nearly a command: a file that a misspelt command was to fill must not be filled with prose.
    """
    first = next((a for a in arguments if a not in QUESTION_OPTIONS), "-")
    if first.startswith("-") or first in COMMANDS:
        return False
    options = any(_is_option(a) for a in arguments if a not in QUESTION_OPTIONS)
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
    from gpu_sizer.cards.likeness import NEAR, similarity

    return len(command) >= _LONG and word[0] == command[0] and similarity(word, command) >= NEAR


def no_command(word: str) -> RequestError:
    """The error for a first word that is no command, with the one that it nearly is."""
    near = _near_command(word) if " " not in word else None
    takes = f"a question goes in quotes and takes no option but {', '.join(QUESTION_OPTIONS)}"
    hint = f"did you mean {near}?" if near else takes
    return RequestError(f"no command {word[:60]!r}; {hint}", suggestions=(near,) if near else ())
