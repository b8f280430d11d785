"""StarCoder 2 (``Starcoder2Config``): layer norms, biases, an ungated feed-forward, a window."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("starcoder2",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("use_bias", default=True)
    mixer = attention(c, qkv_bias=bias, o_bias=bias, sliding_window=c.optional("sliding_window"))
    block = Block(mixer=mixer, feed_forward=dense(c, gated=False, bias=bias))
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied(default=True))
