"""Mellum 2 (``MellumConfig``): Qwen3's shape of experts, with windowed layers among the full ones."""

from gpu_sizer.cards.architecture import Architecture, Block
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack

MODEL_TYPES = ("mellum",)


def architecture(c: Config) -> Architecture:
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, ["full"] * c.layers)
    kinds = [str(kind) for kind in c.sequence("mlp_layer_types") or ["sparse"] * c.layers]
    if len(kinds) != c.layers or not set(kinds) <= {"dense", "sparse"}:
        raise c.fail("mlp_layer_types", "holds no list of dense and sparse layers, one for each")
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
        for kind, feed_forward in (("dense", dense(c)), ("sparse", mixture(c)))
    }
    return stack(c, blocks, [f"{span}-{kind}" for span, kind in zip(spans, kinds, strict=True)])
