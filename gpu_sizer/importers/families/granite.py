"""Granite 3 (``GraniteConfig``, ``GraniteMoeConfig``) and Granite 4 (``GraniteMoeHybridConfig``, with Mamba 2).

Granite Swash (``GraniteSWAConfig``, ``GraniteMoeSWAConfig``) has windows in three layers of four, and sinks.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.feed_forward import FeedForward
from gpu_sizer.model.mixers.mamba2 import Mamba2


def _feed_forward(c: Config) -> FeedForward:
    if c.text_type in ("granite", "granite_swa", "granite4_vision_text"):
        return dense(c, bias=c.flag("mlp_bias", default=False))
    # Granite 4.0 H Micro and 1B say that they have none.
    experts = c.optional("num_local_experts") if c.find("num_local_experts") != 0 else None
    shared = c.optional("shared_intermediate_size")
    if experts is None:
        return dense(c, intermediate_size=shared or c.number("intermediate_size"))
    return mixture(
        c,
        num_experts=experts,
        num_shared_experts=1 if shared else 0,
        shared_expert_intermediate_size=shared,
        moe_intermediate_size=c.number("intermediate_size"),
    )


def _windowed(c: Config) -> Architecture:
    bias, inner = c.flag("attention_bias", default=False), _feed_forward(c)
    sinks = c.flag("attention_sinks", default=True)
    spans = {"full": None, "sliding": c.number("sliding_window", default=128)}
    blocks = {
        name: Block(
            mixer=attention(c, qkv_bias=bias, o_bias=bias, sinks=sinks, sliding_window=window), feed_forward=inner
        )
        for name, window in spans.items()
    }
    default = ["sliding" if i % 4 else "full" for i in range(c.layers)]
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, tie_word_embeddings=c.tied(default=c.text_type == "granite_swa"))


MODEL_TYPES = (
    *("granite", "granite_swa", "granitemoe", "granitemoe_swa", "granitemoehybrid", "granitemoeshared"),
    "granite4_vision_text",
)


def architecture(c: Config) -> Architecture:
    if c.text_type in ("granite_swa", "granitemoe_swa"):
        return _windowed(c)
    bias = c.flag("attention_bias", default=False)
    full = attention(c, qkv_bias=bias, o_bias=bias)
    blocks = {"attention": Block(mixer=full, feed_forward=_feed_forward(c))}
    names = ["attention"] * c.layers
    if c.text_type == "granitemoehybrid":
        heads = c.number("mamba_n_heads", default=128)
        inner = c.number("mamba_expand", default=2) * c.hidden_size
        mamba = Mamba2(
            num_heads=heads,
            head_dim=inner // heads,
            state_size=c.number("mamba_d_state", default=256),
            n_groups=c.number("mamba_n_groups", default=1),
            conv_kernel=c.number("mamba_d_conv", default=4),
            conv_bias=c.flag("mamba_conv_bias", default=True),
            projection_bias=c.flag("mamba_proj_bias", default=False),
        )
        blocks["mamba"] = Block(mixer=mamba, feed_forward=_feed_forward(c))
        # transformers 5 writes the same kinds in its own words.
        words = {"mamba": "mamba", "attention": "attention", "linear_attention": "mamba", "full_attention": "attention"}
        listed = c.kinds(words, "layer_types", "layers_block_type")
        names = [words[kind] for kind in listed] if listed else ["mamba"] * c.layers
    return stack(c, blocks, names)
