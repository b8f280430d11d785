"""Gemma 4 (``Gemma4Config``): windowed layers beside full ones of wider heads, whose values may be the keys.

The mixture of experts stands beside a dense feed-forward, each with norms of its own. E2B and E4B have embeddings for
each layer, and their last layers read the caches of earlier ones. The 12B (``Gemma4UnifiedConfig``) projects pixels and
samples as they are, without towers.
"""

from collections.abc import Mapping
from typing import Any

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.importers.towers import gemma4_audio, gemma4_embedders, gemma4_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor


def _full_heads(c: Config, spans: list[str]) -> tuple[int, int | None]:
    """Width and number of key/value heads of the full layers: the release's keys, or transformers 5's per layer."""
    width = c.optional("global_head_dim")
    kv = c.optional("num_global_key_value_heads")
    per_layer = c.find("per_layer_config")
    if isinstance(per_layer, Mapping):
        entries: dict[int, Mapping[str, Any]] = {
            int(key): value
            for key, value in per_layer.items()
            if isinstance(value, Mapping) and str(key).isdecimal() and len(str(key)) < 5
        }
        full = [entries.get(i, {}) for i, span in enumerate(spans) if span == "full"]
        if (full and any(entry != full[0] for entry in full)) or any(
            i < len(spans) and spans[i] != "full" for i in entries
        ):
            raise c.fail("per_layer_config", "full layers that differ from one another are not supported")
        if full:
            inner = Config(full[0], f"{c.file}: per_layer_config", {})
            width, kv = inner.optional("head_dim") or width, inner.optional("num_key_value_heads") or kv
    return width or c.number("head_dim", default=256), kv


def _feed_forward(c: Config, wide: bool) -> dict[str, Any]:
    if c.flag("enable_moe_block", default=False):
        experts = mixture(c, num_experts_per_tok=c.number("top_k_experts", "num_experts_per_tok"))
        extra = (
            ExtraTensor(name="router.scale", shape=(c.hidden_size,), part="router"),
            ExtraTensor(name="router.per_expert_scale", shape=(experts.num_experts,), part="router"),
        )
        return {"feed_forward": experts, "dense": dense(c), "norms": 7, "extra": extra}
    width = c.number("intermediate_size") * (2 if wide else 1)
    return {"feed_forward": dense(c, intermediate_size=width), "norms": 4, "extra": ()}


def _per_layer(c: Config) -> tuple[tuple[ExtraTensor, ...], tuple[ExtraTensor, ...]]:
    """Embeddings of each layer: what every block has of them, and what stands outside the stack."""
    narrow = c.optional("hidden_size_per_layer_input")
    if narrow is None:
        return (), ()
    hidden, layers, rows = c.hidden_size, c.layers, c.number("vocab_size_per_layer_input")
    block = (
        ExtraTensor(name="per_layer_input_gate.weight", shape=(narrow, hidden)),
        ExtraTensor(name="per_layer_projection.weight", shape=(hidden, narrow)),
        ExtraTensor(name="post_per_layer_input_norm.weight", shape=(hidden,), part="norms"),
    )
    table, width = "embed_tokens_per_layer.weight", layers * narrow
    return block, (
        ExtraTensor(name=table, shape=(rows, width), part="embedding", split_dim=0),
        ExtraTensor(name="per_layer_model_projection.weight", shape=(width, hidden), split_dim=0),
        ExtraTensor(name="per_layer_projection_norm.weight", shape=(narrow,), part="norms"),
    )


MODEL_TYPES = ("gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text")


def architecture(c: Config) -> Architecture:
    same, bias = c.flag("attention_k_eq_v", default=False), c.flag("attention_bias", default=False)
    default = ["full" if (i + 1) % 6 == 0 or i == c.layers - 1 else "sliding" for i in range(c.layers)]
    spans = layer_types(c, {"sliding_attention": "sliding", "full_attention": "full"}, default)
    wide_heads, kv = _full_heads(c, spans)
    shared = c.some_layers("num_kv_shared_layers")
    double = c.flag("use_double_wide_mlp", default=False)
    inside, ends = _per_layer(c)

    def block(span: str, shares: bool) -> Block:
        differs: dict[str, Any] = {"head_dim": c.number("head_dim", default=256)}
        if span == "full":
            heads = (kv if same else None) or c.number("num_key_value_heads")
            differs = {"head_dim": wide_heads, "num_key_value_heads": heads, "keys_as_values": same}
        else:
            differs["sliding_window"] = c.number("sliding_window", default=512)
        mixer = attention(
            c, qk_norm="head", qkv_bias=bias, o_bias=bias, shares_cache=shares, kv_projections=not shares, **differs
        )
        more = _feed_forward(c, double and shares)
        return Block(mixer=mixer, **{**more, "extra": (*more["extra"], *inside)})

    names = [f"{span}{'-shared' if i >= c.layers - shared else ''}" for i, span in enumerate(spans)]
    blocks = {name: block(*(name.partition("-")[0], name.endswith("-shared"))) for name in names}
    if c.model_type.startswith("gemma4_unified"):
        towers = gemma4_embedders(c, c.hidden_size)
    else:
        towers = (*gemma4_vision(c, c.hidden_size), *gemma4_audio(c, c.hidden_size))
    return stack(c, blocks, names, tie_word_embeddings=c.tied(default=True), extra=ends, towers=towers)
