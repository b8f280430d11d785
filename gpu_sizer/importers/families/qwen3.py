"""Qwen 3, dense and mixture of experts (``Qwen3Config``, ``Qwen3MoeConfig``): norms on queries and keys."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, sparse_steps, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("qwen3", "qwen3_moe")


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, qk_norm="head", qkv_bias=bias, o_bias=bias)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c))}
    names = ["dense"] * c.layers
    if "moe" in c.text_type:
        blocks["experts"] = Block(mixer=mixer, feed_forward=mixture(c))
        names = sparse_steps(c)
    return stack(c, blocks, names)
