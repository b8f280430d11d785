"""Ling and Ring 2.5, 2.6 and 3 (``BailingHybridConfig``): latent attention in the last layer of every group.

The others are linear: lightning attention with a grouped norm (``BailingMoeV2_5ForCausalLM``), or Kimi's delta
attention with gates of full width (``BailingMoeV3ForCausalLM``), which a short convolution tells apart.
Ling 3.0 VL (``BailingMoeV3VLConfig``) has Qwen3-VL's tower before it, whose merger is a norm, and two layers.
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention, prediction
from gpu_sizer.importers.families.qwen3_vl import VISION
from gpu_sizer.importers.pieces import dense, head_gate, mixture, stack
from gpu_sizer.importers.towers import qwen_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.model.mixers.linear_attention import LinearAttention

#: Outputs of the gate on latent attention, by its kind: per head, or per value of a head.
_GATES = {"head_wise": 1, "element_wise": 0}


def _linear(c: Config) -> LinearAttention | KimiDeltaAttention:
    kernel = c.optional("short_conv_kernel_size")
    if kernel is None:
        return LinearAttention(
            num_attention_heads=c.heads,
            head_dim=c.head_dim,
            qk_norm=c.flag("use_qk_norm", default=False),
            norm_groups=c.number("group_norm_size", default=1),
        )
    if not c.flag("no_kda_lora", default=False):
        raise c.fail("no_kda_lora", "engines load gates of full width only")
    return KimiDeltaAttention(
        num_heads=c.heads, head_dim=c.head_dim, conv_kernel=kernel, output_gate="full", decay_gate="full"
    )


def _gate(c: Config) -> tuple[ExtraTensor, ...]:
    kind = c.text_value("gated_attention_proj_granularity_type", default=None)
    if kind is None:
        return ()
    if kind not in _GATES:
        raise c.fail("gated_attention_proj_granularity_type", f"{shown(kind)}; known: {', '.join(_GATES)}")
    outputs = c.heads * (_GATES[kind] or c.number("v_head_dim", default=128))
    return (head_gate(c, "g_proj", outputs),)


MODEL_TYPES = ("bailing_hybrid", "bailing_moe_v3_vl")


def architecture(c: Config) -> Architecture:
    c.refuse("use_bias", "use_qkv_bias", reason="no release has such biases, and engines load none")
    shared = c.optional("num_shared_experts") or 0
    width = c.number("moe_shared_expert_intermediate_size", "moe_intermediate_size") * shared
    experts = mixture(
        c,
        num_shared_experts=shared,
        shared_expert_intermediate_size=width or None,
        score_correction_bias=c.flag("moe_router_enable_expert_bias", default=False),
        router_dtype="float32" if c.text_value("router_dtype", default="fp32") == "fp32" else "model",
    )
    linear, latent, gate = _linear(c), latent_attention(c), _gate(c)
    blocks = {
        f"{kind}-{name}": Block(mixer=mixer, feed_forward=feed_forward, extra=extra)
        for kind, mixer, extra in (("linear", linear, ()), ("latent", latent, gate))
        for name, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    group, first = c.number("layer_group_size"), c.some_layers("first_k_dense_replace")
    # vLLM's newer class attends fully in the layers after the last whole group, too; no release has such layers.
    if c.layers % group:
        raise c.fail("layer_group_size", f"{c.layers} layers are no whole groups of {group}")
    names = [
        f"{'linear' if (i + 1) % group else 'latent'}-{'dense' if i < first else 'experts'}" for i in range(c.layers)
    ]
    towers = qwen_vision(c, VISION, projected=c.hidden_size) if c.model_type == "bailing_moe_v3_vl" else ()
    ahead = prediction(c, "latent-experts", last_norm="final_layernorm")
    return stack(c, blocks, names, mtp=ahead, towers=towers)
