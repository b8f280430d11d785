"""Kimi Linear and Kimi K3 (``KimiLinearConfig``): delta attention (KDA) with latent attention every few layers.

K3 adds full-rank gates, experts in a narrower width, and attention over the residuals of earlier layers.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention
from gpu_sizer.importers.pieces import dense, dense_first, layer_types, mixture, stack
from gpu_sizer.importers.towers import kimi_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.records import replace


def _residual_attention(c: Config) -> tuple[ExtraTensor, ...]:
    if c.optional("attn_res_block_size") is None:
        return ()
    hidden = c.hidden_size
    return tuple(
        ExtraTensor(name=f"{name}.weight", shape=shape, part="norms")
        for which in ("self_attention_res", "mlp_res")
        for name, shape in ((f"{which}_norm", (hidden,)), (f"{which}_proj", (1, hidden)))
    )


def _linear(c: Config) -> Config:
    """The delta layers' own section, or the same in the words of transformers' class."""
    if isinstance(raw := c.find("linear_attn_config"), dict):
        return Config(raw, f"{c.file}: linear_attn_config")
    kinds = layer_types(c, {"linear_attention": "delta", "full_attention": "latent"})
    words = {"num_heads": "linear_num_heads", "head_dim": "linear_head_dim"}
    flat = {key: c.number(word) for key, word in words.items()}
    flat["short_conv_kernel_size"] = c.number("linear_conv_kernel_dim", default=4)
    full = [i + 1 for i, kind in enumerate(kinds) if kind == "latent"]
    return Config({**flat, "full_attn_layers": full}, c.file)


MODEL_TYPES = ("kimi_k3", "kimi_linear")


def architecture(c: Config) -> Architecture:
    linear = _linear(c)
    full_gate = linear.flag("use_full_rank_gate", default=False)
    delta = KimiDeltaAttention(
        num_heads=linear.number("num_heads"),
        head_dim=linear.number("head_dim"),
        conv_kernel=linear.number("short_conv_kernel_size", default=4),
        output_gate="full" if full_gate else "low_rank",
    )
    latent = replace(latent_attention(c), output_gate=c.flag("mla_use_output_gate", default=False))
    narrow = c.optional("routed_expert_hidden_size")
    experts = mixture(
        c,
        num_shared_experts=c.optional("num_shared_experts") or 0,
        score_correction_bias=True,
        latent_size=narrow,
    )
    extra = _residual_attention(c)
    inner = extra
    if narrow is not None and c.flag("latent_moe_use_norm", default=False):
        inner = (*extra, ExtraTensor(name="routed_expert_norm.weight", shape=(narrow,), part="norms"))
    blocks = {
        "delta-dense": Block(mixer=delta, feed_forward=dense(c), extra=extra),
        "delta": Block(mixer=delta, feed_forward=experts, extra=inner),
        "latent-dense": Block(mixer=latent, feed_forward=dense(c), extra=extra),
        "latent": Block(mixer=latent, feed_forward=experts, extra=inner),
    }
    full = set(linear.numbers("full_attn_layers", most=c.layers) or ())
    names = [
        ("latent" if i + 1 in full else "delta") + ("-dense" if kind == "dense" else "")
        for i, kind in enumerate(dense_first(c, c.some_layers("first_k_dense_replace")))
    ]
    ends: tuple[ExtraTensor, ...] = ()
    if extra:
        ends = tuple(
            ExtraTensor(name=f"output_attn_{name}.weight", shape=shape, part="norms")
            for name, shape in (("res_norm", (c.hidden_size,)), ("res_proj", (1, c.hidden_size)))
        )
    return stack(c, blocks, names, extra=ends, towers=kimi_vision(c, c.hidden_size))
