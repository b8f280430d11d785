"""Laguna (``LagunaConfig``): windowed and full layers with numbers of heads of their own, a gate per head, experts."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, dense_first, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.model.feed_forwards.dense import Dense
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts

MODEL_TYPES = ("laguna",)


def architecture(c: Config) -> Architecture:
    if c.find("gating") not in (None, True, "per-head"):
        raise c.fail("gating", "only a gate per head is known")
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, ["full"] * c.layers)
    heads = c.numbers("num_attention_heads_per_layer", count=c.layers) or [c.heads] * c.layers
    kinds = dense_first(c, 1)
    shared = c.number("shared_expert_intermediate_size")
    feed_forwards: dict[str, Dense | MixtureOfExperts] = {
        "dense": dense(c),
        "experts": mixture(
            c,
            num_shared_experts=1,
            shared_expert_intermediate_size=shared,
            score_correction_bias=True,
        ),
    }
    blocks: dict[str, Block] = {}
    names = []
    for span, count, kind in zip(spans, heads, kinds, strict=True):
        name = f"{span}-{kind}"
        window = c.number("sliding_window", default=512) if span == "sliding" else None
        bias = c.flag("attention_bias", default=False)
        mixer = attention(
            c, num_attention_heads=count, qk_norm="head", sliding_window=window, qkv_bias=bias, o_bias=bias
        )
        gate = ExtraTensor(
            name="self_attn.g_proj.weight", shape=(count, c.hidden_size), part="attention", split_dim=0, units=count
        )
        block = Block(mixer=mixer, feed_forward=feed_forwards[kind], extra=(gate,))
        if blocks.setdefault(name, block) != block:
            raise c.fail("num_attention_heads_per_layer", f"layers of kind {name} differ in their heads")
        names.append(name)
    return stack(c, blocks, names)
