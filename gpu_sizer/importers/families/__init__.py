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
    "apertus": "llama_like",
    "arcee": "llama_like",
    "arctic": "arctic",
    "baichuan": "llama_like",
    "bailing_moe": "mixtures",
    "bailing_moe_v2": "mixtures",
    "bloom": "classic",
    "chatglm": "glm4",
    "cohere": "cohere",
    "cohere2": "cohere",
    "dbrx": "dbrx",
    "deepseek": "deepseek_v2",
    "deepseek_v2": "deepseek_v2",
    "deepseek_v3": "deepseek_v3",
    "deepseek_v32": "deepseek_v32",
    "deepseek_v4": "deepseek_v4",
    "dots1": "mixtures",
    "ernie4_5": "llama_like",
    "ernie4_5_moe": "mixtures",
    "exaone": "llama_like",
    "exaone4": "llama_like",
    "falcon": "falcon",
    "falcon_h1": "falcon_h1",
    "falcon_mamba": "mamba",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
    "gemma3_text": "gemma3",
    "gemma3n": "gemma3n",
    "gemma3n_text": "gemma3n",
    "gemma4": "gemma4",
    "gemma4_text": "gemma4",
    "glm": "glm4",
    "glm4": "glm4",
    "glm4_moe": "glm4",
    "glm4_moe_lite": "glm4",
    "glm_moe_dsa": "deepseek_v32",
    "gpt2": "classic",
    "gpt_bigcode": "classic",
    "gpt_neox": "classic",
    "gpt_oss": "gpt_oss",
    "gptj": "classic",
    "granite": "granite",
    "granitemoe": "granite",
    "granitemoehybrid": "granite",
    "granitemoeshared": "granite",
    "grok-1": "grok",
    "grok1": "grok",
    "hunyuan_v1_dense": "llama_like",
    "hunyuan_v1_moe": "mixtures",
    "internlm2": "llama_like",
    "internlm3": "llama_like",
    "jamba": "jamba",
    "kimi_k2": "deepseek_v3",
    "kimi_k25": "kimi_k25",
    "kimi_k3": "kimi_linear",
    "kimi_linear": "kimi_linear",
    "llama": "llama",
    "llama4": "llama4",
    "llama4_text": "llama4",
    "mamba": "mamba",
    "mamba2": "mamba",
    "mimo": "qwen2",
    "mimo_v2_flash": "mixtures",
    "minimax": "minimax",
    "minimax_m2": "minimax_m2",
    "minimax_m3": "minimax_m3",
    "minimax_text_01": "minimax",
    "ministral": "mistral",
    "ministral3": "mistral",
    "mistral": "mistral",
    "mistral3": "mistral3",
    "mixtral": "mixtral",
    "mpt": "classic",
    "nemotron": "nemotron",
    "nemotron_h": "nemotron_h",
    "olmo": "olmo",
    "olmo2": "olmo",
    "olmo3": "olmo",
    "olmoe": "olmo",
    "opt": "classic",
    "phi": "phi",
    "phi3": "phi3",
    "phimoe": "phimoe",
    "qwen2": "qwen2",
    "qwen2_5_vl": "qwen2_vl",
    "qwen2_moe": "qwen2_moe",
    "qwen2_vl": "qwen2_vl",
    "qwen3": "qwen3",
    "qwen3_5": "qwen3_next",
    "qwen3_5_moe": "qwen3_next",
    "qwen3_moe": "qwen3",
    "qwen3_next": "qwen3_next",
    "qwen3_vl": "qwen3_vl",
    "qwen3_vl_moe": "qwen3_vl",
    "seed_oss": "llama_like",
    "smollm3": "llama_like",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
    "step3_text": "step3",
    "step3_vl": "step3",
    "step3p7": "step3p7",
}


def family(model_type: str) -> Callable[[Config], Architecture] | None:
    """The function that reads configurations of this type, or null."""
    module = MODULES.get(model_type)
    if module is None:
        return None
    found: Callable[[Config], Architecture] = import_module(f"{__name__}.{module}").architecture
    return found
