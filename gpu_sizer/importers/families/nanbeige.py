"""Nanbeige 4.2 (``NanbeigeConfig``): Llama's layers, run through several times with the same weights."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("nanbeige",)


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", "mlp_bias", reason="no release has such biases")
    return uniform(c, Block(mixer=attention(c), feed_forward=dense(c), passes=c.number("num_loops", default=1)))
