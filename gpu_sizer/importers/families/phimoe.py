"""Phi-3.5-MoE (``PhimoeConfig``): Mixtral's shape with layer norms and biases."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, mixture, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("phimoe",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    experts = mixture(
        c,
        num_experts=c.number("num_local_experts", default=16),
        num_experts_per_tok=c.number("num_experts_per_tok", default=2),
    )
    block = Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=experts)
    return uniform(c, block, norm="layer", head_bias=c.flag("lm_head_bias", default=False))
