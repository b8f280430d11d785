"""Grok-1 (``Grok1Config``): eight wide experts, four norms, a tied head."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, mixture, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("grok-1", "grok1")


def architecture(c: Config) -> Architecture:
    experts = mixture(c, moe_intermediate_size=c.number("moe_intermediate_size", "intermediate_size"))
    block = Block(mixer=attention(c), feed_forward=experts, norms=4)
    return uniform(c, block, tie_word_embeddings=c.tied(default=True))
