"""Phi-1, 1.5 and 2 (``PhiConfig``): one norm for attention and feed-forward, biases everywhere, a head with a bias."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("phi",)


def architecture(c: Config) -> Architecture:
    norm = "head" if c.flag("qk_layernorm", default=False) else None
    mixer = attention(c, qkv_bias=True, o_bias=True, qk_norm=norm)
    c.refuse("tie_word_embeddings", reason="the head has a bias of its own")
    block = Block(mixer=mixer, feed_forward=dense(c, gated=False, bias=True), norms=1)
    return uniform(c, block, norm="layer", head_bias=True)
