"""Qwen 2 and 2.5 (``Qwen2Config``): biases on queries, keys and values only."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("qwen2",)


def architecture(c: Config) -> Architecture:
    return uniform(c, Block(mixer=attention(c, qkv_bias=True), feed_forward=dense(c)))
