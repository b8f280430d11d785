"""Mixtures of experts that differ in a few keys: ERNIE 4.5, Hunyuan, Hy3, dots, Ling, LLaDA 2, MiMo V2."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.pieces import attention, dense, dense_first, layer_types, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.bounds import MOST_LAYERS


def _ernie(c: Config) -> Architecture:
    c.refuse("use_bias", reason="biases beside experts are not described")
    mixer = attention(c)
    width = c.number("moe_intermediate_size")
    shared = c.optional("moe_num_shared_experts") or 0
    experts = mixture(
        c,
        num_experts=c.number("moe_num_experts"),
        num_experts_per_tok=c.number("moe_k", default=6),
        moe_intermediate_size=width,
        num_shared_experts=shared,
        score_correction_bias=c.flag("moe_use_aux_free", default=True),
        router_dtype="float32",
    )
    start, interval = c.some_layers("moe_layer_start_index"), c.number("moe_layer_interval", default=1)
    # -1 is the last layer, too.
    last = c.find("moe_layer_end_index")
    end = c.layers - 1 if last in (None, -1) else c.whole("moe_layer_end_index", last, least=0, most=MOST_LAYERS)
    blocks = {
        "dense": Block(mixer=mixer, feed_forward=dense(c)),
        "experts": Block(mixer=mixer, feed_forward=experts),
    }
    names = ["experts" if start <= i <= end and (i + 1) % interval == 0 else "dense" for i in range(c.layers)]
    return stack(c, blocks, names, tie_word_embeddings=c.tied(default=True))


def _one(c: Config, key: str) -> int:
    """A number that some configurations repeat for every layer."""
    value = c.find(key)
    if not isinstance(value, list):
        return c.number(key)
    if not all(v == value[0] for v in c.per_layer(key) or ()):
        raise c.fail(key, "differs between layers, which is not supported")
    return c.whole(key, value[0], least=1)


def _hunyuan(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm="head" if c.flag("use_qk_norm", default=True) else None)
    width = _one(c, "moe_intermediate_size") if c.find("moe_intermediate_size") else c.number("intermediate_size")
    shared = _one(c, "num_shared_expert") if c.find("num_shared_expert") else 1
    experts = mixture(
        c,
        num_experts=_one(c, "num_experts"),
        num_experts_per_tok=_one(c, "moe_topk"),
        moe_intermediate_size=width,
        num_shared_experts=shared,
        shared_expert_intermediate_size=c.number("intermediate_size"),
    )
    return stack(c, {"experts": Block(mixer=mixer, feed_forward=experts)}, ["experts"] * c.layers)


def _dots(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm="head")
    shared = c.optional("n_shared_experts") or 0
    experts = mixture(c, num_shared_experts=shared, score_correction_bias=True)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, dense_first(c, c.some_layers("first_k_dense_replace")))


def _bailing(c: Config) -> Architecture:
    diffusion = c.model_type == "llada2_moe"
    newer = diffusion or c.model_type == "bailing_moe_v2"
    qkv, out = c.flag("use_qkv_bias", default=False), c.flag("use_bias", default=False)
    norm = "head" if c.flag("use_qk_norm", default=newer) else None
    mixer = attention(c, qkv_bias=qkv or out, o_bias=out, qk_norm=norm)
    shared = c.optional("num_shared_experts") or 0
    width = c.optional("moe_shared_expert_intermediate_size") if shared else None
    corrected = c.flag("moe_router_enable_expert_bias", default=diffusion)
    experts = mixture(
        c,
        num_shared_experts=shared,
        shared_expert_intermediate_size=width * shared if width else None,
        score_correction_bias=corrected,
        router_dtype="float32" if c.text_value("router_dtype") == "fp32" else "model",
    )
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, dense_first(c, c.some_layers("first_k_dense_replace")))


def _mimo_v2(c: Config) -> Architecture:
    # transformers' class has twice the key/value heads and a sink in every windowed layer, and no keys that say so.
    heads, kv = c.heads, c.number("num_key_value_heads")
    own = c.sequence("hybrid_layer_pattern") is None
    bias = c.flag("attention_bias", default=False)
    full = attention(c, v_head_dim=c.number("v_head_dim", default=c.head_dim), qkv_bias=bias)
    sliding = attention(
        c,
        num_attention_heads=c.number("swa_num_attention_heads", default=heads),
        num_key_value_heads=c.number("swa_num_key_value_heads", default=2 * kv if own else kv),
        head_dim=c.number("swa_head_dim", default=c.head_dim),
        v_head_dim=c.number("swa_v_head_dim", default=c.number("v_head_dim", default=c.head_dim)),
        qkv_bias=bias,
        sinks=c.flag("add_swa_attention_sink_bias", default=own),
        sliding_window=c.number("sliding_window_size", "sliding_window"),
    )
    experts = mixture(
        c,
        num_shared_experts=c.optional("n_shared_experts") or 0,
        score_correction_bias=True,
        # vLLM models/mimo_v2.py: moe_router_dtype, float32 where it is absent.
        router_dtype="model" if c.find("moe_router_dtype") == "bfloat16" else "float32",
    )
    spans = c.kinds((0, 1), "hybrid_layer_pattern")
    kinds = c.kinds((0, 1), "moe_layer_freq")
    if spans is None:
        # In the words of transformers 5.
        spans = [t == "sliding" for t in layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"})]
        kinds = [kind != "dense" for kind in dense_first(c, 1)]
    kinds = kinds or [1] * c.layers
    blocks = {
        f"{span}-{kind}": Block(mixer=mixer, feed_forward=feed_forward)
        for span, mixer in (("full", full), ("sliding", sliding))
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    names = [f"{'sliding' if s else 'full'}-{'experts' if k else 'dense'}" for s, k in zip(spans, kinds, strict=True)]
    return stack(c, blocks, names)


def _solar(c: Config) -> Architecture:
    bias = c.flag("attention_bias", default=False)
    shared = c.optional("n_shared_experts") or 0
    experts = mixture(c, num_shared_experts=shared, score_correction_bias=True, router_dtype="float32")
    block = Block(mixer=attention(c, qkv_bias=bias, qk_norm=None), feed_forward=experts)
    return stack(c, {"experts": block}, ["experts"] * c.layers)


def _exaone(c: Config) -> Architecture:
    experts = mixture(c, num_shared_experts=c.optional("num_shared_experts") or 0, score_correction_bias=True)
    window, every = c.number("sliding_window", default=128), c.find("sliding_window_pattern")
    pattern = (
        every if isinstance(every, str) and every else "L" * (c.number("sliding_window_pattern", default=4) - 1) + "G"
    )
    default = ["full" if pattern[i % len(pattern)] == "G" else "sliding" for i in range(c.layers)]
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    forwards = dense_first(c, c.some_layers("first_k_dense_replace"))
    blocks = {
        f"{span}-{kind}": Block(mixer=attention(c, qk_norm="head", sliding_window=w), feed_forward=feed_forward)
        for span, w in (("full", None), ("sliding", window))
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    return stack(c, blocks, [f"{span}-{kind}" for span, kind in zip(spans, forwards, strict=True)])


def _hy_v3(c: Config) -> Architecture:
    c.refuse("mlp_bias", reason="biases beside experts are not described")
    bias = c.flag("attention_bias", default=False)
    mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm="head" if c.flag("qk_norm", default=True) else None)
    experts = mixture(
        c,
        moe_intermediate_size=c.number("moe_intermediate_size", "expert_hidden_dim"),
        num_shared_experts=c.optional("num_shared_experts") or 0,
        score_correction_bias=True,
        router_dtype="float32",
    )
    names = dense_first(c, c.some_layers("first_k_dense_replace", default=1))
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, names, mtp=prediction(c, "experts", last_norm="final_layernorm"))


_READERS = {
    "bailing_moe": _bailing,
    "bailing_moe_v2": _bailing,
    "dots1": _dots,
    "ernie4_5_moe": _ernie,
    "exaone_moe": _exaone,
    "hunyuan_v1_moe": _hunyuan,
    "hy_v3": _hy_v3,
    "llada2_moe": _bailing,
    "mimo_v2": _mimo_v2,
    "mimo_v2_flash": _mimo_v2,
    "solar_open": _solar,
}


MODEL_TYPES = (
    *("bailing_moe", "bailing_moe_v2", "dots1", "ernie4_5_moe", "exaone_moe", "hunyuan_v1_moe", "hy_v3"),
    *("llada2_moe", "mimo_v2_flash", "solar_open"),
)


def architecture(c: Config) -> Architecture:
    return _READERS[c.text_type](c)
