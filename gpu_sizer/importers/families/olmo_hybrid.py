"""OLMo Hybrid (``OlmoHybridConfig``): three layers of the gated delta rule to each of OLMo 2's full attention."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.gated_delta_net import GatedDeltaNet

MODEL_TYPES = ("olmo_hybrid",)


def architecture(c: Config) -> Architecture:
    bias, heads = c.flag("attention_bias", default=False), c.number("linear_num_key_heads", default=c.heads)
    # The class's own share of the width (``OlmoHybridConfig.__post_init__``).
    key = c.number("linear_key_head_dim", default=3 * c.hidden_size // 4 // heads)
    delta = GatedDeltaNet(
        num_k_heads=heads,
        num_v_heads=c.number("linear_num_value_heads", default=c.heads),
        head_k_dim=key,
        head_v_dim=c.number("linear_value_head_dim", default=2 * key),
        conv_kernel=c.number("linear_conv_kernel_dim", default=4),
    )
    blocks = {
        "delta": Block(mixer=delta, feed_forward=dense(c)),
        "full": Block(mixer=attention(c, qkv_bias=bias, o_bias=bias, qk_norm="whole"), feed_forward=dense(c)),
    }
    default = ["delta" if (i + 1) % 4 else "full" for i in range(c.layers)]
    names = layer_types(c, {"linear_attention": "delta", "full_attention": "full"}, default)
    return stack(c, blocks, names)
