"""Qwen 3, dense and mixture of experts (``Qwen3Config``, ``Qwen3MoeConfig``): norms on queries and keys."""

from gpu_sizer.cards.architecture import Architecture, Block
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, head_dim=c.number("head_dim", default=128), qk_norm="head", qkv_bias=bias, o_bias=bias)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c))}
    names = ["dense"] * c.layers
    if "moe" in c.text_type:
        blocks["experts"] = Block(mixer=mixer, feed_forward=mixture(c))
        step, plain = c.number("decoder_sparse_step", default=1), set(c.sequence("mlp_only_layers") or ())
        names = ["dense" if i in plain or (i + 1) % step else "experts" for i in range(c.layers)]
    return stack(c, blocks, names)
