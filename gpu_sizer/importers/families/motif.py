"""Motif 3 (``MotifConfig``): differential attention over a latent, most layers windowed, hyper-connections, experts.

What the authors' build of vLLM loads (``motif.py: MotifGDLAttention``): full layers cache the latent, windowed layers
the keys and values expanded from it. A window is of ``sliding_window`` tokens and the query's own.
"""

from __future__ import annotations

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.latent_attention import LatentAttention
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.model.constraints import Part

#: Weights of a polynomial of the third degree, and its bias.
POLY_NORM = 4


def _poly_norm(name: str, part: Part, copies: int = 1) -> ExtraTensor:
    """The polynomials of an activation: one, or one per expert."""
    return ExtraTensor(name=name, shape=(copies, POLY_NORM), part=part)


def _hyper_connections(c: Config) -> tuple[ExtraTensor, ...]:
    """Per layer, for attention and feed-forward: projections, a norm, biases and scales of the residual's copies."""
    copies = c.number("mhc_expansion_rate")
    mixes, width = copies * (copies + 2), copies * c.hidden_size
    weights = (("proj.weight", (mixes, width)), ("rms_norm.weight", (width,)))
    small = (("bias", (mixes,)), ("alpha", (3,)))
    return tuple(
        tensor
        for which in ("attn", "ffn")
        for tensor in (
            *(ExtraTensor(name=f"mhc_{which}.{name}", shape=shape) for name, shape in weights),
            *(ExtraTensor(name=f"mhc_{which}.{name}", shape=shape, dtype="float32") for name, shape in small),
        )
    )


def _differential(c: Config) -> tuple[ExtraTensor, ...]:
    """What a head subtracts, and the gate of its output: both of the heads that are no noise."""
    signal = c.heads - c.number("num_noise_heads")
    rank, width = c.number("q_lora_rank"), signal * c.number("v_head_dim")
    common: dict[str, Any] = {"part": "attention", "split_dim": 0, "units": signal, "linear": True}
    return (
        ExtraTensor(name="self_attn.lambda_proj.weight", shape=(signal, c.hidden_size), **common),
        ExtraTensor(name="self_attn.q_b_gate.weight", shape=(width, rank), **common),
    )


def _expanded(c: Config) -> tuple[ExtraTensor, ...]:
    """The latent of a layer that caches keys and values, and what expands it."""
    rank, rope, heads = c.number("kv_lora_rank"), c.number("qk_rope_head_dim"), c.number("num_key_value_heads")
    width = heads * (c.head_dim - rope + c.number("v_head_dim"))
    common: dict[str, Any] = {"part": "attention", "linear": True}
    return (
        ExtraTensor(name="self_attn.kv_a_proj_with_mqa.weight", shape=(rank + rope, c.hidden_size), **common),
        ExtraTensor(name="self_attn.kv_a_layernorm.weight", shape=(rank,), part="norms"),
        ExtraTensor(name="self_attn.kv_b_proj.weight", shape=(width, rank), split_dim=0, units=heads, **common),
    )


def _mixers(c: Config) -> tuple[Attention, LatentAttention]:
    """The windowed layers' mixer, and the full layers'."""
    noise, rope = c.number("num_noise_heads"), c.number("qk_rope_head_dim")
    shared: dict[str, Any] = {
        "q_lora_rank": c.number("q_lora_rank"),
        "v_head_dim": c.number("v_head_dim"),
        "noise_heads": noise,
    }
    windowed = attention(c, kv_projections=False, sliding_window=c.number("sliding_window") + 1, **shared)
    full = LatentAttention(
        num_attention_heads=c.heads,
        num_key_value_heads=c.number("num_key_value_heads"),
        kv_lora_rank=c.number("kv_lora_rank"),
        qk_nope_head_dim=c.head_dim - rope,
        qk_rope_head_dim=rope,
        **shared,
    )
    return windowed, full


MODEL_TYPES = ("Motif",)


def architecture(c: Config) -> Architecture:
    if c.find("attention_cls") != "gdla" or c.find("hidden_act") != "poly_norm":
        raise c.fail("attention_cls", "only Motif 3's latent attention (gdla) and polynomial norms are described")
    if c.find("sliding_window_pattern") != "interleave" or not c.flag("use_sliding_window", default=False):
        raise c.fail("sliding_window_pattern", "only windows between full layers (interleave) are described")
    if not c.flag("elementwise_attn_output_gate", default=False) or not c.flag("mhc_enabled", default=False):
        raise c.fail("mhc_enabled", "only gated layers with hyper-connections are described")
    if c.number("interleave_moe_layer_step", default=1) != 1:
        raise c.fail("interleave_moe_layer_step", "dense layers between those of experts are not described")
    windowed, full = _mixers(c)
    experts = mixture(
        c,
        num_experts_per_tok=c.number("experts_top_k"),
        num_shared_experts=c.optional("num_shared_experts") or 0,
        score_correction_bias=True,
    )
    poly = {
        "dense": (_poly_norm("mlp.act_fn", "mlp"),),
        "experts": (
            _poly_norm("mlp.experts.act_fn", "experts", experts.num_experts),
            *((_poly_norm("mlp.shared_experts.act_fn", "shared_experts"),) if experts.num_shared_experts else ()),
        ),
    }
    connections, differential, expanded = _hyper_connections(c), _differential(c), _expanded(c)
    blocks = {
        f"{span}-{kind}": Block(
            mixer=mixer,
            feed_forward=dense(c) if kind == "dense" else experts,
            extra=(*differential, *(expanded if span == "sliding" else ()), *poly[kind], *connections),
        )
        for span, mixer in (("sliding", windowed), ("full", full))
        for kind in ("dense", "experts")
    }
    first, period = c.some_layers("n_dense_first_layers"), c.number("sliding_window_period")
    names = [f"{'sliding' if i % period else 'full'}-{'dense' if i < first else 'experts'}" for i in range(c.layers)]
    ahead = None
    if layers := c.optional("num_nextn_predict_layers"):
        # One windowed dense layer without hyper-connections (``motif_mtp.py``); head and embeddings are the model's.
        plain = (*differential, *expanded, *poly["dense"])
        blocks["prediction"] = replace(blocks["sliding-dense"], extra=plain)
        ahead = MultiTokenPrediction(
            layers=layers,
            block="prediction",
            extra=(
                ExtraTensor(name="input_proj.weight", shape=(c.hidden_size, 2 * c.hidden_size), linear=True),
                ExtraTensor(name="norms.weight", shape=(2, c.hidden_size), part="norms"),
            ),
        )
    return stack(c, blocks, names, mtp=ahead)
