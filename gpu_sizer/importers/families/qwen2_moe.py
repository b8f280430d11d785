"""Qwen 1.5 and 2 with experts (``Qwen2MoeConfig``): shared experts behind a gate."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, sparse_steps, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("qwen2_moe",)


def architecture(c: Config) -> Architecture:
    mixer = attention(c, qkv_bias=c.flag("qkv_bias", default=True))
    experts = mixture(
        c,
        num_experts=c.number("num_experts", default=60),
        num_experts_per_tok=c.number("num_experts_per_tok", default=4),
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("shared_expert_intermediate_size", default=5632),
        shared_expert_gate=True,
    )
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, sparse_steps(c))
