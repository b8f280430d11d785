"""Options that stand anywhere on a command line: ``--cards``, ``--color`` and ``--online``."""

from __future__ import annotations

import os

from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue

#: Reads from the hub what no card has.
ONLINE = "--online"
#: When answers are coloured, and the variables by which everything that draws is told: to set, and to take away.
COLOURS = {"auto": ("", ""), "always": ("FORCE_COLOR", "NO_COLOR"), "never": ("NO_COLOR", "FORCE_COLOR")}


class State:
    """What those say that hold for the whole command."""

    folders: tuple[str, ...] = ()
    """Of ``--cards``."""
    online = False
    """Whether repositories that no card has are read from the hub."""


STATE = State()


def cards() -> Catalogue | None:
    """The catalogue with the folders asked for; null where none is."""
    if not STATE.folders and not STATE.online:
        return None
    from gpu_sizer.cards.catalogue import catalogue

    return catalogue(*STATE.folders, online=STATE.online)


def taken(arguments: list[str]) -> list[str]:
    """A command line without the options that stand anywhere, which are in force from here on.

    Raises:
        RequestError: an option without its value, or a value that makes no sense.
    """
    left: list[str] = []
    STATE.folders, STATE.online, waiting = (), False, iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if argument == "--":
            return [*left, argument, *waiting]
        if argument == ONLINE:
            STATE.online = True
            continue
        if name not in _TAKES:
            left.append(argument)
            continue
        given = value if equals else next(waiting, None)
        if given is None:
            raise RequestError(f"{name} needs a value: {_TAKES[name][1]}")
        _TAKES[name][0](given)
    return left


def _cards(folder: str) -> None:
    STATE.folders = (*STATE.folders, folder)


def _color(when: str) -> None:
    if when not in COLOURS:
        raise RequestError(f"--color is {', '.join(COLOURS)}, not {when[:40]!r}", suggestions=tuple(COLOURS))
    wanted, unwanted = COLOURS[when]
    os.environ.pop(unwanted, None)
    if wanted:
        os.environ[wanted] = "1"


#: Older spellings of options, which help no longer names.
_OLD = {"--gpus": "--gpu"}


def respelled(arguments: list[str]) -> list[str]:
    """A command line with each option as it is spelt now; what stands behind ``--`` is not ours."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = []
    for argument in arguments[:end]:
        name, equals, value = argument.partition("=")
        words.append(f"{_OLD.get(name, name)}{equals}{value}")
    return words + arguments[end:]


_TAKES = {"--cards": (_cards, "a folder of cards"), "--color": (_color, "auto, always or never")}
