"""LFM2 and LFM2.5 (``Lfm2Config``, ``Lfm2MoeConfig``, ``Lfm2VlConfig``): short convolutions, attention in few layers.

The mixture of experts has dense layers first. The feed-forward of the dense models is narrower than its configuration
says: two thirds of it, rounded up (``Lfm2MLP``).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.importers.towers import siglip2_vision
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.feed_forward import FeedForward
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.mixers.short_convolution import ShortConvolution
from gpu_sizer.units import round_up


def _dense_width(c: Config) -> int:
    width = c.number("block_ff_dim", "intermediate_size")
    if not c.flag("block_auto_adjust_ff_dim", default=True):
        return width
    width = 2 * width // 3
    if (multiplier := c.factor("block_ffn_dim_multiplier")) is None:
        return width
    return round_up(int(multiplier * width), c.number("block_multiple_of", default=256))


def _feed_forwards(c: Config) -> dict[str, FeedForward]:
    if "moe" not in (c.text_type or c.model_type):
        return {"": dense(c, intermediate_size=_dense_width(c))}
    bias = c.flag("use_expert_bias", default=True)
    return {"-dense": dense(c), "": mixture(c, score_correction_bias=bias)}


MODEL_TYPES = ("lfm2", "lfm2_moe", "lfm2_vl")


def architecture(c: Config) -> Architecture:
    bias = c.flag("conv_bias", default=False)
    mixers: dict[str, Mixer] = {
        "conv": ShortConvolution(width=c.hidden_size, conv_kernel=c.number("conv_L_cache", default=3), bias=bias),
        "attention": attention(c, head_dim=c.hidden_size // c.heads, qk_norm="head"),
    }
    full = set(c.layer_numbers("full_attn_idxs") or range(c.layers))
    default = ["attention" if i in full else "conv" for i in range(c.layers)]
    kinds = layer_types(c, {"conv": "conv", "full_attention": "attention"}, default)
    forwards = _feed_forwards(c)
    first = c.some_layers("num_dense_layers") if "-dense" in forwards else 0
    names = [f"{kind}{'-dense' if i < first else ''}" for i, kind in enumerate(kinds)]
    blocks = {
        f"{kind}{ending}": Block(mixer=mixer, feed_forward=forward)
        for kind, mixer in mixers.items()
        for ending, forward in forwards.items()
    }
    tied = c.flag("tie_embedding", default=c.tied(default=True))
    return stack(c, blocks, names, tie_word_embeddings=tied, towers=siglip2_vision(c, c.hidden_size))
