"""gpt-oss (``GptOssConfig``): attention sinks, every other layer windowed, experts with biases."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("gpt_oss",)


def architecture(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=True)

    def block(window: int | None) -> Block:
        mixer = attention(c, qkv_bias=bias, o_bias=bias, sinks=True, sliding_window=window)
        return Block(mixer=mixer, feed_forward=mixture(c, expert_bias=True, router_bias=True))

    blocks = {"full": block(None), "sliding": block(c.number("sliding_window", default=128))}
    default = ["full" if i % 2 else "sliding" for i in range(c.layers)]
    return stack(c, blocks, layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default))
