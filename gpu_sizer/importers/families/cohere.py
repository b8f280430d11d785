"""Command R, R+, R7B and A (``CohereConfig``, ``Cohere2Config``): one norm, a tied head, queries normed in R+.

North Mini Code (``Cohere2MoeConfig``) has experts behind its first layers.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, dense_first, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block


def _with_experts(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    shared, width = c.optional("num_shared_experts") or 0, c.number("intermediate_size")
    experts = mixture(
        c,
        num_shared_experts=1 if shared else 0,
        shared_expert_intermediate_size=shared * width or None,
        moe_intermediate_size=width,
    )
    first = dense(c, intermediate_size=c.number("prefix_dense_intermediate_size", default=width))

    def block(window: int | None, *, plain: bool) -> Block:
        mixer = attention(c, qkv_bias=bias, o_bias=bias, sliding_window=window)
        return Block(mixer=mixer, feed_forward=first if plain else experts, norms=1)

    window = c.number("sliding_window", default=4096)
    blocks = {
        f"{span}-{kind}": block(size, plain=kind == "dense")
        for span, size in (("full", None), ("sliding", window))
        for kind in ("dense", "experts")
    }
    every = c.number("sliding_window_pattern", "_sliding_window_pattern", default=4)
    default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    kinds = dense_first(c, c.some_layers("first_k_dense_replace", default=1))
    names = [f"{span}-{kind}" for span, kind in zip(spans, kinds, strict=True)]
    norm = "layer_no_bias" if c.find("rms_norm_eps") is None else "rms"
    return stack(c, blocks, names, norm=norm, tie_word_embeddings=c.tied(default=True))


MODEL_TYPES = ("cohere", "cohere2", "cohere2_moe")


def architecture(c: Config) -> Architecture:
    if c.text_type == "cohere2_moe":
        return _with_experts(c)
    bias = c.flag("attention_bias", default=False)
    norm = "per_head" if c.flag("use_qk_norm", default=False) else None

    def block(window: int | None) -> Block:
        mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm=norm, sliding_window=window)
        return Block(mixer=mixer, feed_forward=dense(c), norms=1)

    blocks = {"full": block(None), "sliding": block(c.optional("sliding_window"))}
    if c.text_type == "cohere2":
        every = c.number("sliding_window_pattern", "_sliding_window_pattern", default=4)
        default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
        if c.optional("sliding_window") is None:
            blocks["sliding"] = block(4096)
    else:
        default = ["full"] * c.layers
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, norm="layer_no_bias", tie_word_embeddings=c.tied(default=True))
