"""Engines' data, kept as YAML beside the code that uses it.

Each engine is a folder with a ``profile.yaml``, whose head says what it is called and on what it runs.
"""

from __future__ import annotations

import os
from functools import cache

from gpu_sizer.fast.compiled import Compiled, Recipe
from gpu_sizer.fast.stamps import yaml_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
#: The file of every engine's folder.
PROFILE = "profile"
#: Where the names of all engines are kept beside the files.
_NAMES = "names"
#: What of a profile tells engines apart.
_NAMING = ("name", "title", "aliases", "words", "command")


def _name(file: str) -> str:
    return os.path.relpath(file, _HERE).replace(os.sep, "/").removesuffix(".yaml")


def _parse(file: str) -> Any:
    import yaml

    with open(file, encoding="utf-8") as stream:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _naming(profiles: dict[str, Any]) -> dict[str, Any]:
    """By folder, how its engine is called; in the order in which engines are listed."""
    folders = {name.rpartition("/")[0]: data for name, data in profiles.items() if name.endswith(f"/{PROFILE}")}
    order = sorted(folders, key=lambda folder: (folders[folder].get("order", len(folders)), folder))
    return {folder: {key: folders[folder].get(key) for key in _NAMING} for folder in order}


def _make() -> dict[str, Any]:
    files = {_name(file): _parse(file) for file in yaml_files([_HERE])}
    return {_NAMES: _naming(files), **files}


def recipe() -> Recipe:
    """What the compiled profiles are made from."""
    return Recipe("engines", [_HERE], _make)


@cache
def _all() -> Compiled | None:
    return recipe().current()


@cache
def profile_data(name: str) -> Any:
    """The content of ``gpu_sizer/engines/NAME.yaml``."""
    kept = _all()
    return kept.entry(name) if kept is not None else _parse(os.path.join(_HERE, f"{name}.yaml"))


@cache
def has_data(name: str) -> bool:
    """Whether there is such a file."""
    kept = _all()
    return name in kept if kept is not None else os.path.exists(os.path.join(_HERE, f"{name}.yaml"))


def has_module(name: str) -> bool:
    """Whether ``gpu_sizer/engines/NAME.py`` exists."""
    return os.path.exists(os.path.join(_HERE, f"{name}.py"))


@cache
def naming() -> dict[str, dict[str, Any]]:
    """By folder of an engine: its name, title, aliases and the words of a question; in the order of lists."""
    kept = _all()
    if kept is not None:
        names: dict[str, dict[str, Any]] = kept.entry(_NAMES)
        return names
    folders = [e.name for e in os.scandir(_HERE) if os.path.exists(os.path.join(e.path, f"{PROFILE}.yaml"))]
    return _naming({f"{folder}/{PROFILE}": profile_data(f"{folder}/{PROFILE}") for folder in folders})
