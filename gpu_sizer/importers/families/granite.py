"""Granite 3 (``GraniteConfig``, ``GraniteMoeConfig``) and Granite 4 (``GraniteMoeHybridConfig``, with Mamba 2)."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.feed_forward import FeedForward
from gpu_sizer.model.mixers.mamba2 import Mamba2


def _feed_forward(c: Config) -> FeedForward:
    if c.model_type == "granite":
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


MODEL_TYPES = ("granite", "granitemoe", "granitemoehybrid", "granitemoeshared")


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    full = attention(c, qkv_bias=bias, o_bias=bias)
    blocks = {"attention": Block(mixer=full, feed_forward=_feed_forward(c))}
    names = ["attention"] * c.layers
    if c.model_type == "granitemoehybrid":
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
