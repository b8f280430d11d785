"""Mellum 2 (``MellumConfig``): Qwen3's shape of experts, with windowed layers among the full ones."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, dense_first, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("mellum",)


def architecture(c: Config) -> Architecture:
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, ["full"] * c.layers)
    kinds = dense_first(c, 0)
    bias = c.flag("attention_bias", default=False)
    window = c.optional("sliding_window")
    blocks = {
        f"{span}-{kind}": Block(
            mixer=attention(
                c, qkv_bias=bias, o_bias=bias, qk_norm="head", sliding_window=window if span == "sliding" else None
            ),
            feed_forward=feed_forward,
        )
        for span in ("sliding", "full")
        for kind, feed_forward in (("dense", dense(c)), ("experts", mixture(c)))
    }
    return stack(c, blocks, [f"{span}-{kind}" for span, kind in zip(spans, kinds, strict=True)])
