"""InternVL 3 and 3.5, and Intern-S1: an InternViT, a projector and a language model of any family.

``InternVLChatConfig`` (the hub's own code), ``InternVLConfig`` (transformers') and ``InternS1Config``.
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import family
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace

#: GPUs that a model is split over: what the heads must divide for engines to cut a tower's attention.
USUAL_SPLIT = 8


def _one(c: Config, key: str) -> int:
    """A size that some configurations give for both directions."""
    if not isinstance(c.find(key), list):
        return c.number(key)
    first, second = c.numbers(key, count=2) or (0, 0)
    if first != second:
        raise c.fail(key, f"must be one size, not {first} and {second}")
    return first


def _vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    v = c.section_or_default("vision_config")
    v.refuse("use_mask_token", reason="no release has a mask token")
    own = c.model_type == "internvl_chat"
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    heads, patch = v.number("num_attention_heads"), _one(v, "patch_size")
    rms = v.text_value("norm_type") == "rms_norm"
    rows = (_one(v, "image_size") // patch) ** 2 + 1
    bias = v.flag("qkv_bias", "attention_bias", default=False)
    t = TowerTensors(heads)
    t.whole("embeddings.class_embedding", width)
    t.whole("embeddings.patch_embedding.weight", width, 3, patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    if v.flag("use_absolute_position_embeddings", default=True):
        t.whole("embeddings.position_embedding", rows, width)
    t.norm("encoder.layers.norm", width, copies=2 * layers, bias=not rms)
    t.whole("encoder.layers.layer_scale", width, copies=2 * layers)
    # vLLM keeps attention whole where the heads do not divide (25 in the large encoder), and in transformers' format.
    if own and heads % USUAL_SPLIT == 0:
        t.column("encoder.layers.attn.qkv", 3 * width, width, copies=layers, bias=bias, by_heads=True)
        t.row("encoder.layers.attn.proj", width, width, copies=layers, by_heads=True)
    else:
        t.whole("encoder.layers.attn.qkv.weight", 3 * width, width, copies=layers)
        if bias:
            t.whole("encoder.layers.attn.qkv.bias", 3 * width, copies=layers)
        t.whole("encoder.layers.attn.proj.weight", width, width, copies=layers)
        t.whole("encoder.layers.attn.proj.bias", width, copies=layers)
    if v.flag("qk_normalization", "use_qk_norm", default=False):
        t.norm("encoder.layers.attn.qk_norm", width, copies=2 * layers, bias=False)
    t.column("encoder.layers.mlp.fc1", inner, width, copies=layers)
    t.row("encoder.layers.mlp.fc2", width, inner, copies=layers)
    if not own and not v.flag("use_mean_pooling", default=True):
        t.norm("layernorm", width)
    merged = width * round(1 / c.part("downsample_ratio", default=0.5)) ** 2
    t.norm("mlp1.norm", merged)
    for name, inputs in (("1", merged), ("3", hidden)):
        t.whole(f"mlp1.{name}.weight", hidden, inputs)
        t.whole(f"mlp1.{name}.bias", hidden)
    return (t.tower(),)


MODEL_TYPES = ("interns1", "internvl", "internvl_chat")


def architecture(c: Config) -> Architecture:
    text = family(c.text_type)
    if c.text is c.raw or text is None or text is architecture:
        raise c.fail("text_config", f"a language model of type {shown(c.text_type)} is not known")
    return replace(text(c), towers=_vision(c, c.hidden_size))
