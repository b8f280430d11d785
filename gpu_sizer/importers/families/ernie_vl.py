"""ERNIE 4.5 VL (``Ernie4_5_VLMoeConfig``): ERNIE 4.5 with a second set of experts for pictures, and their encoder.

Keys are those of the releases (flat, with pairs of numbers for text and pictures) or of transformers' class.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, dense_first, mixture, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower


def _pair(c: Config, key: str, default: tuple[int, int]) -> tuple[int, int]:
    """A number for text and one for pictures; one number is both."""
    value = c.find(key)
    if value is None:
        return default
    both = value if isinstance(value, list) else [value, value]
    if len(both) != 2:
        raise c.fail(key, "must be a number, or two: of text and of pictures")
    text, pictures = (c.whole(key, v, least=0) for v in both)
    return text, pictures


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers, heads = v.number("hidden_size"), v.number("depth"), v.number("num_heads")
    ratio, patch = v.number("mlp_ratio", default=4), v.number("patch_size")
    inner = v.number("intermediate_size", default=ratio * width)
    t = TowerTensors(heads)
    t.whole("patch_embed.proj.weight", width, v.number("in_channels", "in_chans") * patch * patch)
    t.norm("blocks.norm", width, copies=2 * layers)
    t.column("blocks.attn.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.fc1", inner, width, copies=layers)
    t.row("blocks.mlp.fc2", width, inner, copies=layers)
    t.norm("ln", width)
    spatial = width * v.number("spatial_merge_size", default=2) ** 2
    frames = c.number("temporal_conv_size", default=v.number("temporal_merge_size", default=2))
    for name, inputs in (("spatial", spatial), ("temporal", spatial * frames)):
        t.column(f"resampler.{name}_linear1", spatial, inputs)
        t.column(f"resampler.{name}_linear2", spatial, spatial)
        t.norm(f"resampler.{name}_norm", spatial)
    t.column("resampler.mlp", c.hidden_size, spatial)
    t.norm("resampler.after_norm", c.hidden_size, bias=False)
    return (t.tower(),)


MODEL_TYPES = ("ernie4_5_moe_vl", "ernie4_5_vl_moe")


def architecture(c: Config) -> Architecture:
    c.refuse("use_bias", reason="biases beside experts are not described")
    (text, pictures), (width, narrow) = _pair(c, "moe_num_experts", (64, 64)), _pair(c, "moe_intermediate_size", (0, 0))
    if text != pictures or not text or not width or not narrow:
        raise c.fail("moe_num_experts", "engines load as many experts for pictures as for text, with a width for each")
    shared = c.optional("moe_num_shared_experts") or 0
    experts = mixture(
        c,
        num_experts=text,
        num_experts_per_tok=c.number("moe_k", default=6),
        moe_intermediate_size=width,
        vision_intermediate_size=narrow,
        num_shared_experts=shared,
        score_correction_bias=True,
        router_dtype="float32",
    )
    mixer = attention(c)
    blocks = {
        "dense": Block(mixer=mixer, feed_forward=dense(c)),
        "experts": Block(mixer=mixer, feed_forward=experts),
    }
    if c.find("mlp_layer_types") is not None:
        names = dense_first(c, 0)
    else:
        starts = _pair(c, "moe_layer_start_index", (1, 1))
        ends = _pair(c, "moe_layer_end_index", (c.layers - 1, c.layers - 1))
        if starts[0] != starts[1] or ends[0] != ends[1] or c.number("moe_layer_interval", default=1) != 1:
            raise c.fail("moe_layer_start_index", "layers with one set of experts only are not described")
        names = ["experts" if starts[0] <= i <= ends[0] else "dense" for i in range(c.layers)]
    return stack(c, blocks, names, tie_word_embeddings=c.tied(default=True), towers=_vision(c))
