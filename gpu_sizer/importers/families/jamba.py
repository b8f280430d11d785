"""Jamba (``JambaConfig``): Mamba layers with one of attention in eight, every other feed-forward with experts."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.mamba1 import Mamba1

MODEL_TYPES = ("jamba",)


def architecture(c: Config) -> Architecture:
    hidden = c.hidden_size
    mamba = Mamba1(
        intermediate_size=c.number("mamba_expand", default=2) * hidden,
        state_size=c.number("mamba_d_state", default=16),
        conv_kernel=c.number("mamba_d_conv", default=4),
        time_step_rank=c.number_unless("auto", "mamba_dt_rank", default=-(-hidden // 16)),
        conv_bias=c.flag("mamba_conv_bias", default=True),
        projection_bias=c.flag("mamba_proj_bias", default=False),
        inner_norms=True,
    )
    full = attention(c)
    several = c.number("num_experts", default=16) > 1
    experts = (
        mixture(
            c,
            num_experts=c.number("num_experts", default=16),
            num_experts_per_tok=c.number("num_experts_per_tok", default=2),
        )
        if several
        else dense(c)
    )
    blocks = {
        "mamba-dense": Block(mixer=mamba, feed_forward=dense(c)),
        "mamba-experts": Block(mixer=mamba, feed_forward=experts),
        "attention-dense": Block(mixer=full, feed_forward=dense(c)),
        "attention-experts": Block(mixer=full, feed_forward=experts),
    }
    period, offset = c.number("attn_layer_period", default=8), c.optional("attn_layer_offset") or 0
    moe_period, moe_offset = c.number("expert_layer_period", default=2), c.optional("expert_layer_offset") or 0
    names = [
        ("attention" if i % period == offset else "mamba") + ("-experts" if i % moe_period == moe_offset else "-dense")
        for i in range(c.layers)
    ]
    return stack(c, blocks, names)
