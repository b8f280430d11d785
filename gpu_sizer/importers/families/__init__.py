"""One module per family: ``MODEL_TYPES`` and ``architecture(config) -> Architecture``, nothing else.

A module is found by name in :data:`MODULES`, so that importing one model reads one family's table.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from gpu_sizer.cards.architecture import Architecture
from gpu_sizer.importers.config import Config

#: model_type -> module of this package that reads it.
MODULES: dict[str, str] = {
    "llama": "llama",
    "mistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mixtral",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3",
    "gemma3_text": "gemma3",
    "gemma3": "gemma3",
    "gpt_oss": "gpt_oss",
    "deepseek_v3": "deepseek_v3",
}


def family(model_type: str) -> Callable[[Config], Architecture] | None:
    """The function that reads configurations of this type, or null."""
    module = MODULES.get(model_type)
    if module is None:
        return None
    found: Callable[[Config], Architecture] = import_module(f"{__name__}.{module}").architecture
    return found
