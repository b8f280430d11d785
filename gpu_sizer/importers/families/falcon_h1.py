"""Falcon H1 (``FalconH1Config``): attention and Mamba 2 side by side in every layer."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.mamba2 import Mamba2

MODEL_TYPES = ("falcon_h1",)


def architecture(c: Config) -> Architecture:
    c.refuse("mamba_proj_bias", "projectors_bias", reason="engines and classes differ on these biases")
    hidden = c.hidden_size
    inner = c.number("mamba_d_ssm", default=c.number("mamba_expand", default=2) * hidden)
    heads = c.number("mamba_n_heads", default=128)
    mamba = Mamba2(
        num_heads=heads,
        head_dim=inner // heads,
        state_size=c.number("mamba_d_state", default=256),
        n_groups=c.number("mamba_n_groups", default=1),
        conv_kernel=c.number("mamba_d_conv", default=4),
        conv_bias=c.flag("mamba_conv_bias", default=True),
        gated_norm=c.flag("mamba_rms_norm", default=False),
    )
    bias, inner_bias = c.flag("attention_bias", default=False), c.flag("mlp_bias", default=False)
    block = Block(
        mixer=attention(c, qkv_bias=bias, o_bias=bias), second_mixer=mamba, feed_forward=dense(c, bias=inner_bias)
    )
    return uniform(c, block)
