"""MiniMax Text-01 and M1 (``MiniMaxConfig``): seven layers of lightning attention to each full one, experts in all."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.linear_attention import LinearAttention

MODEL_TYPES = ("minimax", "minimax_m1", "minimax_text_01")


def architecture(c: Config) -> Architecture:
    head = c.number("head_dim", default=c.head_dim)
    linear = LinearAttention(num_attention_heads=c.heads, head_dim=head)
    experts = mixture(
        c, num_experts=c.number("num_local_experts", default=8), moe_intermediate_size=c.number("intermediate_size")
    )
    blocks = {
        "linear": Block(mixer=linear, feed_forward=experts),
        "full": Block(mixer=attention(c, head_dim=head), feed_forward=experts),
    }
    listed = c.kinds((0, 1), "attn_type_list")
    default = ["full" if kind else "linear" for kind in listed] if listed else None
    return stack(c, blocks, layer_types(c, {"linear_attention": "linear", "full_attention": "full"}, default))
