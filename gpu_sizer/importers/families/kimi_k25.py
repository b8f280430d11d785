"""Kimi K2, K2.5 and later (``KimiK25Config``): DeepSeek V3 with more experts, and a vision tower from K2.5 on."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import deepseek_v3
from gpu_sizer.importers.towers import kimi_vision
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.records import replace

MODEL_TYPES = ("kimi_k25",)


def architecture(c: Config) -> Architecture:
    return replace(deepseek_v3.architecture(c), towers=kimi_vision(c, c.hidden_size))
