"""Command R, R+, R7B and A (``CohereConfig``, ``Cohere2Config``): one norm, a tied head, queries normed in R+."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("cohere", "cohere2")


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    norm = "per_head" if c.flag("use_qk_norm", default=False) else None

    def block(window: int | None) -> Block:
        mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm=norm, sliding_window=window)
        return Block(mixer=mixer, feed_forward=dense(c), norms=1)

    blocks = {"full": block(None), "sliding": block(c.optional("sliding_window"))}
    if c.model_type == "cohere2":
        every = c.number("sliding_window_pattern", "_sliding_window_pattern", default=4)
        default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
        if c.optional("sliding_window") is None:
            blocks["sliding"] = block(4096)
    else:
        default = ["full"] * c.layers
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, norm="layer_no_bias", tie_word_embeddings=c.tied(default=True))
