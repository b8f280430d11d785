"""Engines by name: ``vllm``, ``vllm@0.11``, ``sglang``, ``llama.cpp``. Every folder with a profile is one."""

from __future__ import annotations

from functools import cache, lru_cache

from gpu_sizer.engines.profiles import has_module, naming
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.command_line import CommandLine
    from gpu_sizer.engines.engine import Engine
    from gpu_sizer.engines.flags import Flags
    from gpu_sizer.engines.images import Image
    from gpu_sizer.engines.serving import Starter
    from gpu_sizer.engines.wording import Wording

#: The engine for GPUs on which others do not run, and for GPUs that differ, where none is named.
INSTEAD = "llama.cpp"


@cache
def _folders() -> dict[str, str]:
    """Folders by name of the engine, in the order of lists."""
    return {names["name"]: folder for folder, names in naming().items()}


@cache
def _spellings() -> dict[str, str]:
    """Names by other spellings: a folder's own name is one."""
    spellings = {folder: names["name"] for folder, names in naming().items()}
    return spellings | {alias: names["name"] for names in naming().values() for alias in names["aliases"] or ()}


def engine_name(name: str) -> str:
    """The name of an engine as the project writes it; unknown ones stay as they are."""
    lowered = name.strip().lower()
    return lowered if lowered in _folders() else _spellings().get(lowered, lowered)


def engine_title(name: str) -> str:
    """An engine's name, with a version behind ``@`` or without, as people write it: ``vLLM 0.11``."""
    base, _, version = name.partition("@")
    folder = _folders().get(engine_name(base))
    return " ".join([naming()[folder]["title"] if folder else base, version]).rstrip()


def engine_words() -> Iterator[tuple[tuple[str, ...], str]]:
    """How questions call the engines: the words of a phrase, and the engine's name."""
    for names in naming().values():
        for phrase in names["words"] or ():
            yield tuple(phrase.split()), names["name"]


@cache
def engine(name: str = ENGINE.default) -> Engine:
    """The engine of a name, with an optional version behind ``@``.

    Raises:
        RequestError: no such engine or version.
    """
    base, at, version = name.strip().lower().partition("@")
    if at and not version:
        raise RequestError(f"engine {name!r} names no version behind the @, as in {base}@0.11")
    folder = _folders().get(engine_name(base))
    if folder is None:
        raise RequestError(f"unknown engine {name!r}; known: {', '.join(_folders())}")
    made: Engine = _part(folder, "engine").ENGINE(version or None)
    return made


def _part(folder: str, part: str) -> Any:
    """A module of an engine's folder."""
    return __import__(f"gpu_sizer.engines.{folder}.{part}", fromlist=[part])


def engine_commands() -> dict[str, str]:
    """The engines that have a server of their own, by the names of their commands (``trtllm`` for TensorRT-LLM's)."""
    return {names["command"]: names["name"] for names in naming().values() if names["command"]}


def starter_of(name: str) -> Starter:
    """How an engine is started.

    Raises:
        RequestError: an engine without a server of its own.
    """
    known = engine_commands().values()
    if name not in known:
        raise RequestError(f"{name} has no server that could be started; those have: {', '.join(known)}")
    starter: Starter = _part(_folders()[name], "serve").STARTER
    return starter


def flags_of(name: str, version: str, title: str) -> Flags:
    """The options that a version of an engine knows."""
    from gpu_sizer.engines.flags import Flags

    return Flags(_folders()[name], title, version)


def image_for(name: str, platform: str, version: str, card: ModelCard) -> Image | None:
    """The container image of an engine's version, or of the nearest older one that loads the model; else null."""
    from gpu_sizer.engines.images import image_of

    def loads(other: str) -> bool:
        try:
            engine(f"{name}@{other}").check_card(card)
        except RequestError:
            return False
        return True

    return image_of(_folders()[name], platform, version, loads)


def remote_code(name: str, version: str, card: ModelCard, weights: str) -> str | None:
    """That a model's repository brings code which the engine runs, in a sentence; null where it does not."""
    from gpu_sizer.engines.remote_code import remote_code_part

    if (part := remote_code_part(name, version, card, weights)) is None:
        return None
    return f"the {part} of {card.name} is code of its repository, which the engine runs: read it first"


def command_line_of(name: str) -> CommandLine | None:
    """How an engine's server is called; null for one without."""
    return next((line for line in engine_command_lines() if line.name == name), None)


def advised(name: str, settings: Mapping[str, Any], users: int = 1) -> str:
    """Settings as options of an engine's own server: ``--ctx-size 8192``; of this program's where it has none.

    Args:
        name: the engine, with a version behind ``@`` or without.
        settings: values by name of a setting.
        users: requests at once, whose lengths some servers are told together.
    """
    words: list[str] = []
    server = command_line_of(engine_name(name.partition("@")[0]))
    for setting, value in settings.items():
        flag = server.option(setting) if server is not None else None
        if server is None or flag is None:
            words.append(f"{OPTIONS[setting].flag.partition('/')[0]} {value}")
            continue
        told = value * users if setting == "context" and server.shared_context else value
        words.append(f"{flag} {told}")
    return " ".join(words)


def engine_command_lines() -> Iterator[CommandLine]:
    """How the servers of engines are called."""
    for folder in naming():
        if has_module(f"{folder}/command_line"):
            yield _part(folder, "command_line").COMMAND_LINE


def engine_wordings() -> Iterator[tuple[str, tuple[Wording, ...]]]:
    """What the start-up logs of engines say: the name that a record has for an engine, and its wordings."""
    for folder in naming():
        if has_module(f"{folder}/logs"):
            logs = _part(folder, "logs")
            yield logs.NAME, logs.WORDINGS


def engine_for(name: str, card: ModelCard) -> str:
    """The engine that is meant by a name: where it names no version, one that loads the model.

    That is the last one where later ones no longer do, and the first one where the profile's own does not yet.

    Raises:
        RequestError: no such engine or version.
    """
    if "@" in name:
        return name
    own = engine(name)
    other = own.older_version(card) or own.newer_version(card)
    return name if other is None else f"{name.strip()}@{other}"


def never_on(name: str, gpu: GpuSpec) -> str | None:
    """Why an engine does not run on a GPU, whatever the model, and which one does; null where it runs."""
    return _never_on(name, gpu.platform, gpu.compute_capability)


@lru_cache(maxsize=1024)
def _never_on(name: str, platform: str, capability: str | None) -> str | None:
    """:func:`never_on`, asked once for all GPUs of a platform and compute capability."""
    if (why := engine(name).never_on(platform, capability)) is None:
        return None
    other = engine(INSTEAD)
    runs = other.never_on(platform, capability) is None
    return f"{why}; {other.title} runs there (--engine {other.name})" if runs else why


def engine_names() -> tuple[str, ...]:
    """The engines that are known."""
    return tuple(_folders())
