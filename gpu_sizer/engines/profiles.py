"""Engine constants, kept as YAML beside the code that uses them."""

from __future__ import annotations

import os
from functools import cache

from gpu_sizer.compiled import Compiled, Recipe, yaml_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


def _name(file: str) -> str:
    return os.path.relpath(file, _HERE).replace(os.sep, "/").removesuffix(".yaml")


def _parse(file: str) -> Any:
    import yaml

    with open(file, encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def _make() -> dict[str, Any]:
    return {_name(file): _parse(file) for file in yaml_files([_HERE])}


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
