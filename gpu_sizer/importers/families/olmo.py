"""OLMo 1, 2 and 3 and OLMoE (``OlmoConfig``, ``Olmo2Config``, ``Olmo3Config``, ``OlmoeConfig``).

The first has norms without weights; from the second on queries and keys are normed over all heads.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("olmo", "olmo2", "olmo3", "olmoe")


def architecture(c: Config) -> Architecture:
    first = c.model_type == "olmo"
    bias = c.flag("attention_bias", default=False)
    feed_forward = (
        mixture(
            c,
            num_experts=c.number("num_experts", default=64),
            num_experts_per_tok=c.number("num_experts_per_tok", default=8),
        )
        if c.model_type == "olmoe"
        else dense(c)
    )

    def block(window: int | None) -> Block:
        mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm=None if first else "whole", sliding_window=window)
        return Block(mixer=mixer, feed_forward=feed_forward)

    blocks = {"full": block(None)}
    default = ["full"] * c.layers
    if c.model_type == "olmo3":
        blocks["sliding"] = block(c.number("sliding_window", default=4096))
        default = ["full" if (i + 1) % 4 == 0 else "sliding" for i in range(c.layers)]
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, norm="none" if first else "rms")
