"""MiniMax M2 (``MiniMaxM2Config``): queries and keys normed over all heads, float32 router."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, mixture, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("minimax_m2",)


def architecture(c: Config) -> Architecture:
    norm = "full" if c.flag("use_qk_norm", default=True) else None
    mixer = attention(c, qk_norm=norm)
    bias = c.flag("use_routing_bias", default=True)
    experts = mixture(
        c, moe_intermediate_size=c.number("intermediate_size"), score_correction_bias=bias, router_dtype="float32"
    )
    return uniform(c, Block(mixer=mixer, feed_forward=experts))
