"""Inkling (``InklingConfig``): windowed and full attention with a learned bias by distance, and short convolutions.

No positions are turned: queries of each head project a state that mixes profiles over distances. Every layer has four
convolutions, on keys, values and both outputs, and its router scores the shared experts beside the routed ones.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import dense_first, layer_types, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction, Tower
from gpu_sizer.model.feed_forwards.dense import Dense
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.short_convolutions import ShortConvolutions

#: Every layer attends within its window, but each sixth.
PERIOD = 6
#: The vision encoder's widths are rounded up to this.
WIDTH_MULTIPLE = 64


def _mixer(c: Config, windowed: bool) -> Attention:
    pre, full = ("swa_", False) if windowed else ("", True)
    return Attention(
        num_attention_heads=c.number(f"{pre}num_attention_heads"),
        num_key_value_heads=c.number(f"{pre}num_key_value_heads"),
        head_dim=c.number(f"{pre}head_dim"),
        qk_norm="head",
        sliding_window=None if full else c.number("sliding_window_size"),
        short_convolutions=ShortConvolutions(
            conv_kernel=c.number("sconv_kernel_size", "conv_kernel_size"), hidden_size=c.hidden_size
        ),
    )


def _distances(c: Config, m: Attention) -> tuple[ExtraTensor, ...]:
    """What the bias by distance takes: a narrow state of every head, and profiles over distances."""
    narrow, heads = c.number("d_rel"), m.num_attention_heads
    extent = m.sliding_window or c.number("rel_extent")
    return (
        ExtraTensor(
            name="self_attn.r_proj.weight",
            shape=(heads * narrow, c.hidden_size),
            part="attention",
            split_dim=0,
            units=heads,
            linear=True,
        ),
        ExtraTensor(name="self_attn.rel_logits_proj.proj", shape=(narrow, extent), part="attention"),
    )


def _widths(c: Config) -> tuple[int, int]:
    """Widths of dense feed-forwards and of one expert.

    Where the release names the dense width apart, ``intermediate_size`` is the experts'.
    """
    dense = c.optional("dense_intermediate_size")
    if dense is not None:
        return dense, c.number("intermediate_size")
    return c.number("intermediate_size"), c.number("moe_intermediate_size")


def _block(c: Config, windowed: bool, routed: bool) -> Block:
    mixer, (dense, expert) = _mixer(c, windowed), _widths(c)
    scaled = c.flag("use_global_scale", default=True)
    if not routed:
        scale = (ExtraTensor(name="mlp.global_scale", shape=(1,)),) if scaled else ()
        return Block(mixer=mixer, feed_forward=Dense(intermediate_size=dense), extra=(*_distances(c, mixer), *scale))
    experts = MixtureOfExperts(
        num_experts=c.number("n_routed_experts"),
        num_experts_per_tok=c.number("num_experts_per_tok"),
        moe_intermediate_size=expert,
        score_correction_bias=c.flag("use_gate_bias", default=True),
        num_shared_experts=c.number("n_shared_experts"),
    )
    extra = list(_distances(c, mixer))
    if c.flag("shared_expert_sink", default=True):
        shape = (experts.num_shared_experts, c.hidden_size)
        extra.append(ExtraTensor(name="mlp.gate.shared_experts.weight", shape=shape, part="router"))
    if scaled:
        extra.append(ExtraTensor(name="mlp.gate.global_scale", shape=(1,), part="router", dtype="float32"))
    return Block(mixer=mixer, feed_forward=experts, extra=tuple(extra))


def _vision(c: Config) -> tuple[Tower, ...]:
    """The encoder of patches, which folds neighbours together layer by layer (vLLM ``inkling/common/towers.py``).

    Four layers fold a patch of 40 pixels by 5, 2 and 4, then two frames: the plan of every release. Others are refused.
    """
    v = c.section("vision_config")
    if v is None or v.find("decoder_dmodel", "text_hidden_size") is None:
        return ()
    patch, frames = v.number("patch_size"), v.number("temporal_patch_size")
    channels, layers = v.number("n_channels", default=3), v.number("n_layers", "num_hidden_layers")
    if (patch, frames, layers) != (40, 2, 4):
        raise v.fail("n_layers", "the encoder's plan is known for four layers on two frames of 40 x 40 pixels alone")
    t, width, side = TowerTensors(), channels, 1
    for layer, fold in enumerate((5, 2, 4)):
        side *= fold
        out = -(-side * side * channels // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
        t.whole(f"layers.linear_{layer}.weight", out, width * fold * fold)
        t.whole(f"layers.norm_{layer}.weight", out)
        width = out
    t.whole("layers.linear_3.weight", c.hidden_size, width * frames)
    if v.flag("use_vision_norm", default=True):
        t.whole("final_norm.weight", c.hidden_size)
    return (t.tower(),)


def _audio(c: Config) -> tuple[Tower, ...]:
    """The encoder of sounds: an embedding for each level of each band."""
    a = c.section("audio_config")
    if a is None or a.find("decoder_dmodel", "text_hidden_size") is None:
        return ()
    t = TowerTensors()
    t.whole("encoder.weight", a.number("n_mel_bins") * a.number("mel_vocab_size"), c.hidden_size)
    if a.flag("use_audio_norm", default=True):
        t.whole("final_norm.weight", c.hidden_size)
    return (t.tower("audio"),)


def _ahead(c: Config) -> MultiTokenPrediction | None:
    """The chained layers that predict ahead: dense, windowed or not."""
    m = c.section("mtp_config")
    layers = m.optional("num_nextn_predict_layers") if m else None
    if m is None or layers is None:
        return None
    windowed = len(set(m.numbers("local_layer_ids", least=0, most=layers - 1) or ()))
    hidden, kinds = c.hidden_size, ("sliding-dense", "full-dense")
    extra = (
        ExtraTensor(name="embed_norm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="hidden_norm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="input_proj.weight", shape=(hidden, 2 * hidden), linear=True),
    )
    if windowed in (0, layers):
        return MultiTokenPrediction(block=kinds[not windowed], layers=layers, extra=extra)
    return MultiTokenPrediction(
        block=kinds[0], layers=layers, extra=extra, other_block=kinds[1], other_layers=layers - windowed
    )


def _spans(c: Config) -> list[str]:
    local = c.layer_numbers("local_layer_ids")
    windowed = set(range(c.layers)) - set(range(PERIOD - 1, c.layers, PERIOD)) if local is None else set(local)
    otherwise = ["sliding" if i in windowed else "full" for i in range(c.layers)]
    return layer_types(c, {"hybrid_sliding": "sliding", "hybrid": "full"}, otherwise)


MODEL_TYPES = ("inkling_mm_model", "inkling_model", "inkling_text")


def architecture(c: Config) -> Architecture:
    c.refuse("q_bias", "o_bias", reason="no release has such biases")
    forwards = dense_first(c, c.some_layers("dense_mlp_idx"))
    names = [f"{span}-{kind}" for span, kind in zip(_spans(c), forwards, strict=True)]
    blocks = {
        f"{span}-{kind}": _block(c, span == "sliding", kind == "experts")
        for span in ("sliding", "full")
        for kind in ("dense", "experts")
    }
    norm = (
        (ExtraTensor(name="embed_norm.weight", shape=(c.hidden_size,), part="norms"),)
        if c.flag("use_embed_norm", default=True)
        else ()
    )
    return stack(c, blocks, names, extra=norm, towers=(*_vision(c), *_audio(c)), mtp=_ahead(c))
