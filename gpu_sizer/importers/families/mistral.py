"""Mistral (``MistralConfig``): Llama with a sliding window in the first version."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("cwm", "ministral", "ministral3", "mistral")


def architecture(c: Config) -> Architecture:
    window, inner = c.optional("sliding_window"), dense(c, bias=c.flag("mlp_bias", default=False))
    blocks = {
        "full": Block(mixer=attention(c), feed_forward=inner),
        "sliding": Block(mixer=attention(c, sliding_window=window), feed_forward=inner),
    }
    default = ["sliding" if window else "full"] * c.layers
    return stack(c, blocks, layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default))
