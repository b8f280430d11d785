"""Mamba and Mamba 2 without attention (``MambaConfig``, ``FalconMambaConfig``, ``Mamba2Config``)."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import uniform
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.mamba1 import Mamba1
from gpu_sizer.model.mixers.mamba2 import Mamba2

MODEL_TYPES = ("falcon_mamba", "mamba", "mamba2")


def architecture(c: Config) -> Architecture:
    hidden, expand = c.hidden_size, c.number("expand", default=2)
    mixer: Mamba1 | Mamba2
    if c.model_type == "mamba2":
        heads = c.number("num_heads", default=128)
        mixer = Mamba2(
            num_heads=heads,
            head_dim=c.number("head_dim", default=expand * hidden // heads),
            state_size=c.number("state_size", default=128),
            n_groups=c.number("n_groups", default=8),
            conv_kernel=c.number("conv_kernel", default=4),
            conv_bias=c.flag("use_conv_bias", default=True),
            projection_bias=c.flag("use_bias", default=False),
        )
    else:
        mixer = Mamba1(
            intermediate_size=c.number("intermediate_size", default=expand * hidden),
            state_size=c.number("state_size", default=16),
            conv_kernel=c.number("conv_kernel", default=4),
            time_step_rank=c.number_unless("auto", "time_step_rank", default=-(-hidden // 16)),
            conv_bias=c.flag("use_conv_bias", default=True),
            projection_bias=c.flag("use_bias", default=False),
        )
    tied = c.tied(default=c.model_type != "mamba2")
    return uniform(c, Block(mixer=mixer, norms=1), tie_word_embeddings=tied)
