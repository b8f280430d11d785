"""Mistral (``MistralConfig``): Llama with a sliding window in the first version."""

from gpu_sizer.cards.architecture import Architecture, Block
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack


def architecture(c: Config) -> Architecture:
    c.refuse("mlp_bias", reason="no release has biases in the feed-forward")
    window = c.optional("sliding_window")
    blocks = {
        "full": Block(mixer=attention(c), feed_forward=dense(c)),
        "sliding": Block(mixer=attention(c, sliding_window=window), feed_forward=dense(c)),
    }
    default = ["sliding" if window else "full"] * c.layers
    return stack(c, blocks, layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default))
