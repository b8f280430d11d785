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
    "deepseek_v3": "deepseek_v3",
    "deepseek_v32": "deepseek_v32",
    "deepseek_v4": "deepseek_v4",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
    "gemma3_text": "gemma3",
    "gemma4": "gemma4",
    "gemma4_text": "gemma4",
    "glm_moe_dsa": "deepseek_v32",
    "gpt_oss": "gpt_oss",
    "kimi_k2": "deepseek_v3",
    "kimi_k25": "kimi_k25",
    "kimi_k3": "kimi_linear",
    "kimi_linear": "kimi_linear",
    "llama": "llama",
    "llama4": "llama4",
    "llama4_text": "llama4",
    "mimo": "qwen2",
    "minimax_m2": "minimax_m2",
    "minimax_m3": "minimax_m3",
    "ministral": "mistral",
    "mistral": "mistral",
    "mixtral": "mixtral",
    "nemotron_h": "nemotron_h",
    "phi3": "phi3",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3_5": "qwen3_next",
    "qwen3_5_moe": "qwen3_next",
    "qwen3_moe": "qwen3",
    "qwen3_next": "qwen3_next",
    "qwen3_vl": "qwen3_vl",
    "qwen3_vl_moe": "qwen3_vl",
    "step3p7": "step3p7",
}


def family(model_type: str) -> Callable[[Config], Architecture] | None:
    """The function that reads configurations of this type, or null."""
    module = MODULES.get(model_type)
    if module is None:
        return None
    found: Callable[[Config], Architecture] = import_module(f"{__name__}.{module}").architecture
    return found
