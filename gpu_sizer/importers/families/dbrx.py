"""DBRX (``DbrxConfig``): sixteen experts, sizes in nested attn_config and ffn_config, layer norms without bias."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, mixture, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("dbrx",)


def architecture(c: Config) -> Architecture:
    heads, ffn = c.section_or_default("attn_config"), c.section_or_default("ffn_config")
    mixer = attention(c, num_key_value_heads=heads.number("kv_n_heads", default=1), head_dim=c.hidden_size // c.heads)
    experts = mixture(
        c,
        num_experts=ffn.number("moe_num_experts", default=4),
        num_experts_per_tok=ffn.number("moe_top_k", default=1),
        moe_intermediate_size=ffn.number("ffn_hidden_size", default=3584),
    )
    tied = c.tied()
    return uniform(c, Block(mixer=mixer, feed_forward=experts), norm="layer_no_bias", tie_word_embeddings=tied)
