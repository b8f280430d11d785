"""Phi-3, Phi-3.5-mini and Phi-4 (``Phi3Config``): Llama with fused projections, a window in the short versions."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("phi3",)


def architecture(c: Config) -> Architecture:
    window = c.optional("sliding_window")
    return uniform(c, Block(mixer=attention(c, sliding_window=window), feed_forward=dense(c)))
