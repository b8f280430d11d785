"""Extensions that are found, not listed: the modules of a package."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from os import listdir
from os.path import dirname, join
from types import ModuleType


def names_in(folder: str) -> list[str]:
    """The modules of a package by name, none of them imported.

    Args:
        folder: the package's folder below the program's own: ``reports/tables/formats``.
    """

    files = listdir(join(dirname(__file__), *folder.split("/")))
    return sorted(name.removesuffix(".py") for name in files if name.endswith(".py") and not name.startswith("_"))


@cache
def modules_with(package: str, attribute: str) -> tuple[ModuleType, ...]:
    """The modules of a package that say something of themselves, in order of their names.

    Args:
        package: the package's full name.
        attribute: what such a module defines.
    """
    from pkgutil import iter_modules

    names = sorted(m.name for m in iter_modules(import_module(package).__path__))
    modules = (import_module(f"{package}.{name}") for name in names)
    return tuple(module for module in modules if hasattr(module, attribute))
