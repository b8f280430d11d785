"""Llama and what is built like it (``LlamaConfig``)."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("llama",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    block = Block(
        mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=dense(c, bias=c.flag("mlp_bias", default=False))
    )
    return uniform(c, block)
