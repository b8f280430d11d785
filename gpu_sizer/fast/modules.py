"""The modules that questions load, in one file: finding and reading a hundred files takes longer than running them.

The file is made behind an answer from what was loaded for it, and holds what Python itself compiled: a module is taken
from it only where every source in it is as it was, and the Python that runs is the one that compiled it. It is kept and
trusted as other files are (:mod:`gpu_sizer.fast.stored`); without it the modules are loaded as always.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import SourceFileLoader

from gpu_sizer.fast.compiled import SWITCH, TICK_NS
from gpu_sizer.fast.stamps import is_true, latest, stamp_of
from gpu_sizer.fast.stored import SHARED, Stored, cache_path, keep, kept, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

    #: The source of a module, its own compiled file, whether it is a package, and its code.
    Described = tuple[str, str | None, bool, CodeType]

#: What every module of ours begins with, and the one entry of the file: read at once, since all of it is wanted.
_PACKAGE, _ALL = __name__.partition(".")[0] + ".", "modules"


class _Loader(SourceFileLoader):
    """Runs a module whose code was read already."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code: CodeType | None = code

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, once; whoever asks again gets it as always."""
        code, self._code = self._code, None
        return code if code is not None else super().get_code(fullname)


class Modules:
    """The kept modules, which Python asks for before it looks for files.

    Args:
        path: where they are kept.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        # Code is good for the very Python that made it.
        self._told = f"{sys.version} {sys.flags.optimize}".replace("\n", " ")
        self._there = frozenset(sys.modules)
        self._kept = self._read()
        if self._kept:
            sys.meta_path.insert(0, self)

    def _read(self) -> dict[str, Described]:
        file = kept(self._path)
        if file is None or not is_true(file.stamp, self._told):
            return {}
        try:
            described: dict[str, Described] = file.entry(_ALL) or {}
        except ValueError:
            return {}
        return described

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What Python asks a finder: how a module is loaded; null for one that is not kept."""
        if (described := self._kept.get(name)) is None:
            return None
        source, compiled, is_package, code = described
        spec = ModuleSpec(name, _Loader(name, source, code), origin=source, is_package=is_package)
        spec.has_location, spec.cached = True, compiled
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(source)]
        return spec

    def keep(self) -> None:
        """Keeps the modules that were loaded and are not kept yet, for the next start; where that fails, nothing."""
        names = [n for n in sys.modules if n.startswith(_PACKAGE) and n not in self._there and n not in self._kept]
        if not names:
            return
        try:
            every = self._kept | {name: _described(sys.modules[name]) for name in names}
            stamp = stamp_of([source for source, *_ in every.values()], self._told)
        except (ImportError, OSError):
            return
        if latest(stamp) < now() - TICK_NS:
            keep(Stored.of(stamp, b"-", {_ALL: every}, SHARED), self._path)


def _described(module: ModuleType) -> Described:
    """What is kept of a module.

    Raises:
        ImportError: it has no source of its own.
    """
    spec: Any = module.__spec__
    if not spec.has_location or (code := spec.loader.get_code(module.__name__)) is None:
        raise ImportError(module.__name__)
    return spec.origin, spec.cached, spec.submodule_search_locations is not None, code


def kept_modules() -> Modules | None:
    """Has Python take what is kept; null where files of ours are switched off, or no place for them is the user's."""
    path = cache_path("modules", os.path.dirname(os.path.abspath(__file__)), sys.version)
    return Modules(path) if path is not None and os.environ.get(SWITCH) != "0" else None
