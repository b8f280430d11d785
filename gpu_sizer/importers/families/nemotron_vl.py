"""Nemotron Nano VL and Nano Omni (``NemotronH_Nano_VL_V2_Config``): Nemotron-H, a RADIO tower, Parakeet for sound."""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import nemotron_h
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace

#: Width, layers, heads and feed-forward of RADIO's transformers (vLLM ``configs/radio.py: VIT_TIMM_DIM_BY_NAME``).
SHAPES = {
    "vit_small_patch16_224": (384, 12, 6, 1536),
    "vit_base_patch16_224": (768, 12, 12, 3072),
    "vit_large_patch16_224": (1024, 24, 16, 4096),
    "vit_huge_patch16_224": (1280, 32, 16, 5120),
}


def _tokens(args: Config) -> int:
    """Rows before the patches: a class token for each teacher, and registers up to a multiple."""
    names = {t.get("name") for t in args.sequence("teachers") or () if isinstance(t, dict)}
    classes = len(names) if names and args.flag("cls_token_per_teacher", default=False) else 1
    multiple = args.optional("register_multiple")
    return classes + (multiple - classes % multiple if multiple else 0)


def _vision(c: Config, hidden: int) -> Tower:
    v = c.section_or_default("vision_config")
    args = v.section("args")
    if args is None:
        raise c.fail("vision_config.args", "missing: it names the tower's transformer")
    kind = args.text_value("model")
    if kind not in SHAPES:
        raise c.fail("vision_config.args.model", f"{shown(kind)} is none of {', '.join(SHAPES)}")
    width, layers, heads, inner = SHAPES[kind]
    patch = v.number("patch_size", default=16)
    pixels, frames = 3 * patch**2, v.number("video_temporal_patch_size", default=1)
    t = TowerTensors(heads)
    t.whole("patch_generator.embedder.weight", width, pixels)
    if frames > 1:
        t.whole("patch_generator.video_embedder.weight", width, frames * pixels)
    t.whole("patch_generator.pos_embed", (args.number("cpe_max_size", default=2048) // patch) ** 2, width)
    t.whole("patch_generator.cls_token.token", _tokens(args), width)
    t.norm("encoder.layers.norm", width, copies=2 * layers)
    t.column("encoder.layers.attn.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("encoder.layers.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("encoder.layers.mlp.fc1", inner, width, copies=layers)
    t.row("encoder.layers.mlp.fc2", width, inner, copies=layers)
    merged, wide = width * round(1 / c.part("downsample_ratio", default=0.5)) ** 2, c.number("projector_hidden_size")
    t.norm("mlp1.0", merged, bias=False)
    t.whole("mlp1.1.weight", wide, merged)
    t.whole("mlp1.3.weight", hidden, wide)
    # Scales of the layers' outputs: the engine's class has them, the checkpoint does not.
    scales = TowerTensors(counted=False)
    scales.whole("encoder.layers.ls", width, copies=2 * layers)
    tower = t.tower()
    return replace(tower, tensors=(*tower.tensors, *scales.tower().tensors))


def _sound(s: Config, hidden: int) -> Tower:
    """Parakeet's conformer, in the words of transformers' class (``ParakeetEncoder``), and its projector."""
    s.refuse("attention_bias", "convolution_bias", "projection_bias", reason="no release has such biases")
    width, layers, inner = s.number("hidden_size"), s.number("num_hidden_layers"), s.number("intermediate_size")
    channels, kernel = s.number("subsampling_conv_channels"), s.number("subsampling_conv_kernel_size", default=3)
    stride, factor = s.number("subsampling_conv_stride", default=2), s.number("subsampling_factor", default=8)
    taps, heads = s.number("conv_kernel_size", default=9), s.number("num_attention_heads")
    if stride < 2:
        raise s.fail("subsampling_conv_stride", "must be at least 2")
    steps, reached = 0, 1
    while reached < factor:
        steps, reached = steps + 1, reached * stride
    t = TowerTensors()
    t.whole("subsampling.layers.depthwise.weight", channels, 1, kernel, kernel, copies=steps)
    t.whole("subsampling.layers.pointwise.weight", channels, channels, 1, 1, copies=steps - 1)
    t.whole("subsampling.layers.bias", channels, copies=2 * steps - 1)
    t.whole("subsampling.linear.weight", width, channels * (s.number("num_mel_bins") // factor))
    t.whole("subsampling.linear.bias", width)
    t.whole("layers.feed_forward.linear1.weight", inner, width, copies=2 * layers)
    t.whole("layers.feed_forward.linear2.weight", width, inner, copies=2 * layers)
    # Queries, keys, values, output and relative keys, with two biases of position.
    t.whole("layers.self_attn.proj.weight", width, width, copies=5 * layers)
    t.whole("layers.self_attn.bias", heads, width // heads, copies=2 * layers)
    t.whole("layers.conv.pointwise_conv1.weight", 2 * width, width, 1, copies=layers)
    t.whole("layers.conv.depthwise_conv.weight", width, 1, taps, copies=layers)
    t.whole("layers.conv.pointwise_conv2.weight", width, width, 1, copies=layers)
    t.norm("layers.norm", width, copies=6 * layers)
    wide = s.number("projection_hidden_size")
    t.norm("projection.norm", width, bias=False)
    t.whole("projection.linear1.weight", wide, width)
    t.whole("projection.linear2.weight", hidden, wide)
    return t.tower("audio")


MODEL_TYPES = ("NemotronH_Nano_Omni_Reasoning_V3", "NemotronH_Nano_VL_V2")


def architecture(c: Config) -> Architecture:
    text = nemotron_h.architecture(c)
    sound = c.section("sound_config")
    towers = (_vision(c, c.hidden_size),) + ((_sound(sound, c.hidden_size),) if sound is not None else ())
    return replace(text, towers=towers)
