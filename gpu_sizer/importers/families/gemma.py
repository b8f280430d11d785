"""Gemma (``GemmaConfig``): Llama with a tied head and wide heads."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("gemma",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, head_dim=c.number("head_dim", default=256), qkv_bias=bias, o_bias=bias)
    block = Block(mixer=mixer, feed_forward=dense(c))
    return uniform(c, block, tie_word_embeddings=c.tied(default=True))
