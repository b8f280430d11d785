"""Qwen3-Next and Qwen 3.5 / 3.6 (``Qwen3NextConfig``, ``Qwen3_5Config``, ``Qwen3_5MoeConfig``).

Three layers of the gated delta rule to each of full attention, whose queries carry an output gate.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.qwen3_vl import VISION
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, sparse_steps, stack
from gpu_sizer.importers.towers import qwen_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.feed_forward import FeedForward
from gpu_sizer.model.mixers.gated_delta_net import GatedDeltaNet

STATE_TYPES = ("bfloat16", "float16", "float32")


MODEL_TYPES = ("qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next")


def _joined(hidden: int) -> tuple[ExtraTensor, ...]:
    """What joins a token's embedding and the last layer's output before the layers that predict ahead."""
    norms = ("pre_fc_norm_embedding.weight", "pre_fc_norm_hidden.weight", "norm.weight")
    return (
        ExtraTensor(name="fc.weight", shape=(hidden, 2 * hidden), linear=True),
        *(ExtraTensor(name=name, shape=(hidden,), part="norms") for name in norms),
    )


def architecture(c: Config) -> Architecture:
    state = c.text_value("mamba_ssm_dtype", default="auto")
    delta = GatedDeltaNet(
        num_k_heads=c.number("linear_num_key_heads", default=16),
        num_v_heads=c.number("linear_num_value_heads", default=32),
        head_k_dim=c.number("linear_key_head_dim", default=128),
        head_v_dim=c.number("linear_value_head_dim", default=128),
        conv_kernel=c.number("linear_conv_kernel_dim", default=4),
        state_dtype=state if state in STATE_TYPES else "auto",  # type: ignore[arg-type]
    )
    bias = c.flag("attention_bias", default=False)
    full = attention(
        c, head_dim=c.number("head_dim", default=256), qk_norm="head", output_gate=True, qkv_bias=bias, o_bias=bias
    )
    feed_forwards: dict[str, FeedForward] = {}
    kinds = ["dense"] * c.layers
    if "moe" in c.text_type or c.text_type == "qwen3_next":
        shared = c.number("shared_expert_intermediate_size", default=512)
        feed_forwards["experts"] = mixture(
            c, num_shared_experts=1, shared_expert_intermediate_size=shared, shared_expert_gate=True
        )
        kinds = sparse_steps(c) if c.text_type == "qwen3_next" else ["experts"] * c.layers
    if "dense" in kinds:
        feed_forwards["dense"] = dense(c)
    # The usual case, one feed-forward throughout, names a block by its mixer alone.
    alike = len(feed_forwards) == 1
    blocks = {
        span if alike else f"{span}-{kind}": Block(mixer=mixer, feed_forward=feed_forward)
        for span, mixer in (("delta", delta), ("full", full))
        for kind, feed_forward in feed_forwards.items()
    }
    # They are layers of full attention, with the feed-forward of the others.
    ahead = c.optional("mtp_num_hidden_layers") if alike else None
    every = c.number("full_attention_interval", default=4)
    default = ["delta" if (i + 1) % every else "full" for i in range(c.layers)]
    spans = layer_types(c, {"linear_attention": "delta", "full_attention": "full"}, default)
    names = [span if alike else f"{span}-{kind}" for span, kind in zip(spans, kinds, strict=True)]
    mtp = None if ahead is None else MultiTokenPrediction(block="full", layers=ahead, once=_joined(c.hidden_size))
    return stack(c, blocks, names, towers=qwen_vision(c, VISION, counted=False), mtp=mtp)
