"""Snowflake Arctic (``ArcticConfig``): a dense feed-forward beside 128 experts in every layer."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.feed_forwards.dense import Dense

MODEL_TYPES = ("arctic",)


def architecture(c: Config) -> Architecture:
    mixer = attention(c)
    experts = mixture(c, moe_intermediate_size=c.number("intermediate_size"))
    beside = c.flag("parallel_attn_mlp_res", "use_residual", default=True)
    residual = Dense(intermediate_size=c.hidden_size) if beside else None
    blocks = {
        "dense": Block(mixer=mixer, feed_forward=dense(c)),
        "experts": Block(mixer=mixer, feed_forward=experts, dense=residual, norms=3 if beside else 2),
    }
    every = c.number("moe_layer_frequency", default=2)
    return stack(c, blocks, ["experts" if (i + 1) % every == 0 else "dense" for i in range(c.layers)])
