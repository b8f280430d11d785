"""What is taken where a command line does not say it: a small file of the user's, after the XDG directory rules."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gpu_sizer.errors import RequestError
from gpu_sizer.files import write_file

#: What can be set, each also an option of commands.
KEYS = ("gpu", "engine", "provider")
#: Options of which one says on what.
_SAYS_GPU = frozenset(("--gpu", "--machine"))
#: Commands that take each where they are not told: not those that read it elsewhere, as from a log.
_ON_GPUS = frozenset(("size", "fit", "context", "users", "speed", "what-fits", "deploy"))
_TAKES = {
    "gpu": _ON_GPUS,
    "engine": _ON_GPUS | {"memory", "which-gpu", "compare", "rent", "table", "sweep"},
    "provider": frozenset(("which-gpu", "rent")),
}


def config_file() -> Path:
    """Where it lies: ``~/.config/gpu-sizer/config.toml``."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "gpu-sizer" / "config.toml"


def defaults() -> dict[str, str]:
    """The settings by key; empty where there is no file.

    Raises:
        RequestError: a file that cannot be read, or holds something else.
    """
    import tomllib

    file = config_file()
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RequestError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    for key, value in told.items():
        if key not in KEYS:
            raise RequestError(f"{file}: unknown key {key[:40]!r}; known: {', '.join(KEYS)}")
        if not isinstance(value, str):
            raise RequestError(f"{file}: {key} must be a text, not {str(value)[:40]}")
    return told


def write_defaults(values: dict[str, str]) -> None:
    """Writes the settings."""

    # A basic string of TOML is one of JSON, but for what no name holds.
    lines = [f"{key} = {json.dumps(values[key], ensure_ascii=False)}\n" for key in KEYS if key in values]
    write_file(config_file(), "".join(lines).encode(), parents=True)


def with_defaults(arguments: list[str]) -> list[str]:
    """A command line with the settings that it does not say, and that its command takes.

    Raises:
        RequestError: a file that cannot be used.
    """
    if not arguments or "--from" in arguments or not config_file().exists():
        return arguments
    said = {a.partition("=")[0] for a in arguments}
    made = list(arguments)
    for key, value in defaults().items():
        others = _SAYS_GPU if key == "gpu" else frozenset((f"--{key}",))
        if arguments[0] in _TAKES[key] and not said & others and not said & {"-h", "--help"}:
            made += [f"--{key}", value]
    return made
