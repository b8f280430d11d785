"""Mixtral (``MixtralConfig``): Mistral with eight experts in place of the feed-forward."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, mixture, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("mixtral",)


def architecture(c: Config) -> Architecture:
    experts = mixture(
        c,
        num_experts=c.number("num_local_experts", default=8),
        num_experts_per_tok=c.number("num_experts_per_tok", default=2),
    )
    return uniform(c, Block(mixer=attention(c, sliding_window=c.optional("sliding_window")), feed_forward=experts))
