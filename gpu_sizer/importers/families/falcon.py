"""Falcon (``FalconConfig``): 7B with one key/value head, 40B and 180B with groups and two norms, RW without either."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("falcon",)


def architecture(c: Config) -> Architecture:
    new = c.flag("new_decoder_architecture", default=False)
    heads = c.heads
    if new:
        kv = c.number("num_kv_heads", "n_head_kv", default=heads)
    else:
        kv = 1 if c.flag("multi_query", default=True) else heads
    bias, parallel = c.flag("bias", default=False), c.flag("parallel_attn", default=True)
    width = c.number("ffn_hidden_size", default=4 * c.hidden_size)
    # 40B and 180B norm attention and feed-forward apart; 11B does with one norm what 7B does.
    norms = c.number("num_ln_in_parallel_attn", default=2) if new else (1 if parallel else 2)
    mixer = attention(c, num_key_value_heads=kv, head_dim=c.hidden_size // heads, qkv_bias=bias, o_bias=bias)
    block = Block(mixer=mixer, feed_forward=dense(c, intermediate_size=width, gated=False, bias=bias), norms=norms)
    return uniform(c, block, norm="layer", tie_word_embeddings=c.tied(default=True))
