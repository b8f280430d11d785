"""One module per family: ``MODEL_TYPES`` and ``architecture(config) -> Architecture``, nothing else.

A module is found by the types that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from gpu_sizer.discovery import modules_with
from gpu_sizer.importers.config import Config
from gpu_sizer.model.architecture import Architecture


@cache
def families() -> dict[str, Callable[[Config], Architecture]]:
    """By model_type, the function that reads its configurations."""
    return {
        kind: module.architecture for module in modules_with(__name__, "MODEL_TYPES") for kind in module.MODEL_TYPES
    }


def family(model_type: str) -> Callable[[Config], Architecture] | None:
    """The function that reads configurations of this type, or null."""
    return families().get(model_type)
