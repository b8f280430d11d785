"""Gemma 2 (``Gemma2Config``): every other layer windowed, four norms."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("gemma2",)


def architecture(c: Config) -> Architecture:
    bias, head = c.flag("attention_bias", default=False), c.number("head_dim", default=256)

    def block(window: int | None) -> Block:
        mixer = attention(c, head_dim=head, qkv_bias=bias, o_bias=bias, sliding_window=window)
        return Block(mixer=mixer, feed_forward=dense(c), norms=4)

    blocks = {"full": block(None), "sliding": block(c.number("sliding_window", default=4096))}
    default = ["full" if i % 2 else "sliding" for i in range(c.layers)]
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, tie_word_embeddings=c.tied(default=True))
