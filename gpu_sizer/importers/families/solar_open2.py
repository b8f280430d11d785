"""Solar Open 2 (``SolarOpen2Config``): Kimi's delta attention, with gated attention every few layers, and experts."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, head_gate, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention


def _kinds(c: Config) -> list[str]:
    """Which layers attend to the whole context: listed, or one before every ``gqa_interval`` delta layers."""
    listed = c.layer_numbers("gqa_layers")
    period = c.number("gqa_interval", default=3) + 1
    full = set(listed) if listed is not None else set(range(0, c.layers, period))
    default = ["full" if i in full else "delta" for i in range(c.layers)]
    return layer_types(c, {"full_attention": "full", "linear_attention": "delta"}, default)


MODEL_TYPES = ("solar_open2",)


def architecture(c: Config) -> Architecture:
    c.refuse("kda_use_full_proj", reason="full-rank gates of delta attention are not described")
    c.refuse("use_gqa_gate_bias", reason="a bias of the gate is not described")
    linear = Config(c.find("linear_attn_config") or {}, f"{c.file}: linear_attn_config", {})
    heads = linear.number("num_heads", default=c.heads)
    if linear.number("num_kv_heads", default=heads) != heads:
        raise c.fail("linear_attn_config.num_kv_heads", "engines serve delta attention with as many keys as queries")
    delta = KimiDeltaAttention(
        num_heads=heads,
        head_dim=linear.number("head_dim", default=c.head_dim),
        conv_kernel=linear.number("short_conv_kernel_size", default=4),
    )
    norm = "head" if c.flag("use_qk_norm", default=False) else None
    full = attention(c, qkv_bias=c.flag("attention_bias", default=False), qk_norm=norm)
    extra = (head_gate(c, "g_proj", c.heads * c.head_dim),) if c.flag("use_gqa_gate", default=True) else ()
    # The router is kept in float32, by the class of the engine's authors (``solar_open2.py: SolarOpen2MoE``).
    experts = mixture(
        c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=True, router_dtype="float32"
    )
    blocks = {
        f"{kind}{'-dense' if feed_forward is not experts else ''}": Block(
            mixer=delta if kind == "delta" else full,
            feed_forward=feed_forward,
            extra=extra if kind == "full" else (),
        )
        for kind in ("full", "delta")
        for feed_forward in (dense(c), experts)
    }
    first = c.some_layers("first_k_dense_replace")
    return stack(c, blocks, [f"{kind}{'-dense' if i < first else ''}" for i, kind in enumerate(_kinds(c))])
