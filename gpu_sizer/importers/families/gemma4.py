"""Gemma 4 (``Gemma4Config``): windowed layers beside full ones of wider heads, whose values are the keys.

The mixture of experts stands beside a dense feed-forward, each with norms of its own.
"""

from gpu_sizer.cards.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.importers.towers import gemma4_vision


def architecture(c: Config) -> Architecture:
    if c.optional("hidden_size_per_layer_input") or c.optional("num_kv_shared_layers"):
        raise c.fail(
            "hidden_size_per_layer_input", "Gemma 4 with per-layer embeddings or shared caches is not supported yet"
        )
    hidden = c.hidden_size
    same = c.flag("attention_k_eq_v", default=False)
    wide = c.number("global_head_dim", default=c.number("head_dim", default=256))
    global_kv = c.number("num_global_key_value_heads", default=c.number("num_key_value_heads")) if same else None
    full = attention(
        c,
        head_dim=wide,
        num_key_value_heads=global_kv or c.number("num_key_value_heads"),
        keys_as_values=same,
        qk_norm="head",
    )
    sliding = attention(
        c,
        head_dim=c.number("head_dim", default=256),
        qk_norm="head",
        sliding_window=c.number("sliding_window", default=512),
    )
    more: dict[str, object] = {}
    if c.flag("enable_moe_block", default=False):
        experts = mixture(c, num_experts_per_tok=c.number("top_k_experts", "num_experts_per_tok"))
        extra = (
            ExtraTensor(name="router.scale", shape=(hidden,), part="router"),
            ExtraTensor(name="router.per_expert_scale", shape=(experts.num_experts,), part="router"),
        )
        more = {"feed_forward": experts, "dense": dense(c), "norms": 7, "extra": extra}
    else:
        more = {"feed_forward": dense(c), "norms": 4}
    blocks = {"sliding": Block(mixer=sliding, **more), "full": Block(mixer=full, **more)}  # type: ignore[arg-type]
    names = layer_types(c, {"sliding_attention": "sliding", "full_attention": "full"})
    tied = c.tied(default=True)
    return stack(c, blocks, names, tie_word_embeddings=tied, towers=gemma4_vision(c, hidden))
