"""Nemotron 4 and Minitron (``NemotronConfig``): ungated feed-forward, layer norms."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("nemotron",)


def architecture(c: Config) -> Architecture:
    bias, inner = c.flag("attention_bias", default=False), c.flag("mlp_bias", default=False)
    block = Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=dense(c, gated=False, bias=inner))
    return uniform(c, block, norm="layer")
