"""Llama 4 (``Llama4Config``): three layers of chunked attention to each full one, one routed and one shared expert."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.importers.towers import llama4_vision
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("llama4", "llama4_text")


def architecture(c: Config) -> Architecture:
    chunk = c.number("attention_chunk_size", default=8192)
    bias = c.flag("attention_bias", default=False)
    width = c.number("intermediate_size")
    experts = mixture(c, num_shared_experts=1, moe_intermediate_size=width)
    inner = dense(c, intermediate_size=c.number("intermediate_size_mlp", default=16384))
    chunked = attention(c, qkv_bias=bias, o_bias=bias, attention_chunk_size=chunk)
    full = attention(c, qkv_bias=bias, o_bias=bias)
    blocks = {
        "chunked": Block(mixer=chunked, feed_forward=experts),
        "full": Block(mixer=full, feed_forward=experts),
        "chunked-dense": Block(mixer=chunked, feed_forward=inner),
        "full-dense": Block(mixer=full, feed_forward=inner),
    }
    no_rope = c.kinds((0, 1), "no_rope_layers") if c.find("no_rope_layers") else None
    every = c.number("no_rope_layer_interval", default=4)
    rope = [bool(x) for x in no_rope] if no_rope else [(i + 1) % every != 0 for i in range(c.layers)]
    step = c.number("interleave_moe_layer_step", default=1)
    listed = c.layer_numbers("moe_layers")
    moe = set(listed) if listed else set(range(step - 1, c.layers, step))
    names = [("chunked" if rope[i] else "full") + ("" if i in moe else "-dense") for i in range(c.layers)]
    return stack(c, blocks, names, towers=llama4_vision(c, c.hidden_size))
