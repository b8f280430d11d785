"""Molmo 2 (``Molmo2Config``): Qwen 3's or OLMo's layers, rows for further tokens, a tower whose patches are pooled.

vLLM builds the tower's layers up to the last one that is seen, and cuts all of it (models/molmo2.py).
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower

#: Norms of queries and keys, in the configuration's words: of each head, or of all heads together.
_NORMS = {"qwen3": "head", "olmo": "whole"}


def _vision(c: Config) -> Tower:
    # As released, or in the words of transformers' class.
    v, a = c.section("vit_config") or c.section("vision_config"), c.section("adapter_config")
    if v is None or a is None:
        raise c.fail("vit_config" if v is None else "adapter_config", "missing")
    width, heads = v.number("hidden_size"), v.number("num_attention_heads")
    inner, patch = v.number("intermediate_size"), v.number("image_patch_size", "patch_size")
    depth = v.number("num_hidden_layers")
    key = "vit_layers" if a.find("vit_layers") is not None else "vision_feature_layer"
    seen = a.numbers(key, least=-depth, most=depth - 1) or []
    if not seen:
        raise a.fail(key, "missing, and nothing else says which layers are seen")
    layers = max(n % depth for n in seen) + 1
    if v.number("num_key_value_heads") != heads or a.number("num_key_value_heads") != a.number("num_attention_heads"):
        raise v.fail("num_key_value_heads", "is not that of the queries, as in every release")
    t = TowerTensors(heads)
    t.whole("positional_embedding", v.number("image_num_pos", "num_position_embeddings"), width)
    t.linear("patch_embedding", width, 3 * patch * patch)
    t.column("blocks.attention.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attention.wo", width, width, copies=layers, by_heads=True)
    t.norm("blocks.norm", width, copies=2 * layers)
    t.column("blocks.feed_forward.w1", inner, width, copies=layers)
    t.row("blocks.feed_forward.w2", width, inner, copies=layers)
    pooled, wide, between = width * len(seen), a.number("hidden_size"), a.number("intermediate_size")
    t.column("image_pooling_2d.qkv", 3 * wide, pooled, by_heads=True)
    t.row("image_pooling_2d.o_proj", wide, wide, by_heads=True)
    t.column("image_projector.gate_up_proj", 2 * between, wide, bias=False)
    t.row("image_projector.down_proj", a.number("text_hidden_size"), between, bias=False)
    return t.tower()


MODEL_TYPES = ("molmo2",)


def architecture(c: Config) -> Architecture:
    rows = c.number("vocab_size")
    norm = c.text_value("qk_norm_type", default="olmo")
    if norm not in _NORMS:
        raise c.fail("qk_norm_type", f"{shown(norm)} is not known")
    mixer = attention(
        c,
        qkv_bias=c.flag("qkv_bias", "attention_bias", default=True),
        qk_norm=_NORMS[norm] if c.flag("use_qk_norm", default=True) else None,
    )
    further = c.number("additional_vocab_size", default=128)
    block = Block(mixer=mixer, feed_forward=dense(c))
    return uniform(c, block, vocab_size=rows + further, head_rows=rows, towers=(_vision(c),))
