"""Engines by name: ``vllm``, ``vllm@0.11``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from gpu_sizer.engines.vllm.engine import VllmEngine
from gpu_sizer.errors import RequestError

Engine = VllmEngine

_ENGINES: dict[str, Callable[[str | None], Engine]] = {"vllm": VllmEngine}


@cache
def engine(name: str = "vllm") -> Engine:
    """The engine of a name, with an optional version behind ``@``.

    Raises:
        RequestError: no such engine or version.
    """
    base, at, version = name.strip().lower().partition("@")
    if at and not version:
        raise RequestError(f"engine {name!r} names no version behind the @, as in {base}@0.11")
    if base not in _ENGINES:
        raise RequestError(f"unknown engine {name!r}; known: {', '.join(sorted(_ENGINES))}")
    return _ENGINES[base](version or None)


def engine_names() -> tuple[str, ...]:
    """The engines that are known."""
    return tuple(sorted(_ENGINES))
