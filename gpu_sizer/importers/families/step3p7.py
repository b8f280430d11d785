"""Step 3.7 Flash (``Step3p7Config``): windowed layers, a gate per head, experts behind three dense layers.

The class reads the language model from ``text_config``; a configuration without it means the class's defaults. Step3-VL
10B (``step_robotics``, vLLM models/step_vl.py) has the same tower before Qwen 3.
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import family
from gpu_sizer.importers.pieces import attention, dense, layer_types, mixture, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, Tower
from gpu_sizer.records import replace

DEFAULTS = {"vocab_size": 128_815, "hidden_size": 4096, "num_hidden_layers": 45, "first_dense": 3}


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section_or_default("vision_config")
    width = v.number("hidden_size", "width", default=1536)
    layers = v.number("num_hidden_layers", "layers", default=47)
    inner, patch = int(width * (v.factor("mlp_ratio") or 8960 / 1536)), v.number("patch_size", default=14)
    t = TowerTensors(v.number("num_attention_heads", "heads", default=16))
    t.whole("patch_embedding.weight", width, 3, patch, patch)
    t.whole("position_embedding.weight", (v.number("image_size", default=728) // patch) ** 2, width)
    t.norm("pre_layernorm", width)
    t.whole("layers.lambda", width, copies=2 * layers)
    t.column("layers.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("layers.self_attn.out_proj", width, width, copies=layers, by_heads=True)
    t.column("layers.mlp.fc1", inner, width, copies=layers)
    t.row("layers.mlp.fc2", width, inner, copies=layers)
    t.norm("layers.layernorm", width, copies=2 * layers)
    for i in (1, 2):
        t.whole(f"downsampler{i}.weight", width * 2**i, width * 2 ** (i - 1), 3, 3)
        t.whole(f"downsampler{i}.bias", width * 2**i)
    t.whole("multi_modal_projector.weight", c.number("hidden_size", default=DEFAULTS["hidden_size"]), 4 * width)
    return (t.tower(),)


def _small(c: Config) -> Architecture:
    text = family(c.text_type)
    if c.text is c.raw or text is None or text is architecture:
        raise c.fail("text_config", f"a language model of type {shown(c.text_type)} is not known")
    c.refuse("projector_bias", reason="the release has no such bias")
    return replace(text(c), towers=_vision(c))


MODEL_TYPES = ("step3p7", "step_robotics")


def architecture(c: Config) -> Architecture:
    if c.model_type == "step_robotics":
        return _small(c)
    c.refuse("attention_bias", "mlp_bias", "projector_bias", reason="no release of Step 3.7 has these biases")
    heads = c.number("num_attention_heads", default=64)
    gate = ExtraTensor(
        name="self_attn.g_proj.weight", shape=(heads, c.hidden_size), part="attention", split_dim=0, units=heads
    )
    window = c.number("sliding_window", default=512)
    full, sliding = attention(c, qk_norm="head"), attention(c, qk_norm="head", sliding_window=window)
    experts = mixture(
        c,
        num_experts=c.number("n_routed_experts", "num_experts", default=288),
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("share_expert_dim", default=1280),
        score_correction_bias=True,
    )
    blocks = {
        f"{span}-{kind}": Block(mixer=mixer, feed_forward=feed_forward, extra=(gate,))
        for span, mixer in (("full", full), ("sliding", sliding))
        for kind, feed_forward in (("dense", dense(c)), ("experts", experts))
    }
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, ["full"] * c.layers)
    first = c.some_layers("first_k_dense_replace", default=DEFAULTS["first_dense"])
    names = [f"{span}-{'dense' if i < first else 'experts'}" for i, span in enumerate(spans)]
    nested = c.text is not c.raw
    vocabulary = c.number("vocab_size") if nested else DEFAULTS["vocab_size"]
    return stack(c, blocks, names, vocab_size=vocabulary, towers=_vision(c))
