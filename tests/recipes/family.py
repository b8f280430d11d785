"""A made-up family: a dense model with biases on queries, keys and values."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("brook", "brook_text")


def architecture(c: Config) -> Architecture:
    return uniform(c, Block(mixer=attention(c, qkv_bias=True), feed_forward=dense(c)))
