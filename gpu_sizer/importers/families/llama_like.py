"""Families that are Llama but for a few keys: Seed-OSS, SmolLM 3, EXAONE 4, Hunyuan, ERNIE 4.5, Arcee, Apertus ..."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack, uniform
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.records import replace


def _seed_oss(c: Config) -> Architecture:
    mixer = attention(
        c,
        head_dim=c.number("head_dim", default=128),
        qkv_bias=c.flag("attention_bias", default=True),
        o_bias=c.flag("attention_out_bias", default=False),
    )
    return uniform(c, Block(mixer=mixer, feed_forward=dense(c, bias=c.flag("mlp_bias", default=False))))


def _smollm3(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    block = Block(
        mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=dense(c, bias=c.flag("mlp_bias", default=False))
    )
    return uniform(c, block, tie_word_embeddings=c.tied(default=True))


def exaone4(c: Config) -> Architecture:
    """EXAONE 4 (``Exaone4Config``), also where it is the text model of EXAONE 4.5."""
    window = c.optional("sliding_window")

    def block(span: int | None) -> Block:
        return Block(mixer=attention(c, qk_norm="head", sliding_window=span), feed_forward=dense(c))

    pattern = c.find("sliding_window_pattern")
    default = ["full"] * c.layers
    if window and isinstance(pattern, str) and pattern:
        kinds = {"L": "sliding", "G": "full"}
        default = [kinds.get(pattern[i % len(pattern)], "full") for i in range(c.layers)]
        default[-1] = "full"
    elif window:
        every = c.number("sliding_window_pattern", default=4)
        default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
    blocks = {"full": block(None), "sliding": block(window)}
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names)


def _exaone(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    inner = dense(c, bias=c.flag("mlp_bias", default=False))
    return uniform(c, Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=inner))


def _ernie(c: Config) -> Architecture:
    bias = c.flag("use_bias", default=False)
    block = Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=dense(c, bias=bias))
    return uniform(c, block, tie_word_embeddings=c.tied(default=True))


def _hunyuan(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    norm = "head" if c.flag("use_qk_norm", default=True) else None
    mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm=norm)
    return uniform(c, Block(mixer=mixer, feed_forward=dense(c)))


def _internlm(c: Config) -> Architecture:
    bias = c.flag("bias", "qkv_bias", default=False)
    return uniform(c, Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=dense(c)))


def _baichuan(c: Config) -> Architecture:
    return uniform(c, Block(mixer=attention(c, num_key_value_heads=c.heads), feed_forward=dense(c)))


def _arcee(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    inner = dense(c, gated=False, bias=c.flag("mlp_bias", default=False))
    return uniform(c, Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=inner))


def _apertus(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    # The activation (xIELU) has two learned numbers a layer.
    learned = ExtraTensor(name="mlp.act_fn.alpha", shape=(1,), copies=2, part="mlp")
    inner = dense(c, gated=False, bias=c.flag("mlp_bias", default=False))
    return uniform(
        c, Block(mixer=attention(c, qk_norm="head", qkv_bias=bias, o_bias=bias), feed_forward=inner, extra=(learned,))
    )


def _k2_horizon(c: Config) -> Architecture:
    """The dense sizes: engines read them as Llama, whose rotary part may be a part of each head."""
    if c.optional("num_experts"):
        raise c.fail("num_experts", "its mixtures of values and of experts are not described here")
    if c.find("attention_gate_func") is not None:
        raise c.fail("attention_gate_func", "no dense release has a gate")
    c.refuse("query_key_norm", reason="no dense release has such norms")
    bias = c.flag("attention_bias", default=False)
    return uniform(c, Block(mixer=attention(c, qkv_bias=bias), feed_forward=dense(c)))


def _apertus_multimodal(c: Config) -> Architecture:
    """Apertus 1.5: pictures and sounds are tokens too, which the head scores none of."""
    text = _apertus(c)
    rows = c.optional("output_vocab_size")
    return text if rows is None else replace(text, head_rows=rows)


def _jais2(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=True)
    inner = dense(c, gated=False, bias=c.flag("mlp_bias", default=True))
    return uniform(c, Block(mixer=attention(c, qkv_bias=bias, o_bias=bias), feed_forward=inner), norm="layer")


_READERS = {
    "apertus": _apertus,
    "apertus1p5_text": _apertus_multimodal,
    "arcee": _arcee,
    "baichuan": _baichuan,
    "ernie4_5": _ernie,
    "exaone": _exaone,
    "exaone4": exaone4,
    "hunyuan_v1_dense": _hunyuan,
    "k2_horizon": _k2_horizon,
    "jais2": _jais2,
    "internlm2": _internlm,
    "internlm3": _internlm,
    "seed_oss": _seed_oss,
    "smollm3": _smollm3,
}


MODEL_TYPES = (
    *(
        "apertus",
        "apertus1p5_text",
        "arcee",
        "baichuan",
        "ernie4_5",
        "exaone",
        "exaone4",
        "hunyuan_v1_dense",
        "internlm2",
    ),
    *("internlm3", "jais2", "k2_horizon", "seed_oss", "smollm3"),
)


def architecture(c: Config) -> Architecture:
    return _READERS[c.text_type](c)
