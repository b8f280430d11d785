"""Phi-4-multimodal (``Phi4MMConfig``, the hub's own): Phi-3 with a SigLIP and a conformer.

The checkpoint's two adapters are no part of the model: engines load them by request, as any adapter (vLLM
``phi4mm.py: hf_to_vllm_mapper``).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import phi3
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace

#: The vision encoder, which the engine's code holds and no configuration (``phi4mm.py: get_navit_vision_model``):
#: width, feed-forward, heads, patch, pixels of a side, and the 26 of 27 layers whose output is taken.
WIDTH, INNER, HEADS, PATCH, SIDE, LAYERS = 1152, 4304, 16, 14, 448, 26


def _section(c: Config, *path: str) -> Config:
    for key in path:
        section = c.section(key)
        if section is None:
            raise c.fail(key, "missing: it describes the encoder of sound")
        c = section
    return c


def _vision(hidden: int) -> Tower:
    t = TowerTensors(HEADS)
    t.whole("embeddings.patch_embedding.weight", WIDTH, 3, PATCH, PATCH)
    t.whole("embeddings.patch_embedding.bias", WIDTH)
    t.whole("embeddings.position_embedding.weight", (SIDE // PATCH) ** 2, WIDTH)
    t.norm("encoder.layers.layer_norm", WIDTH, copies=2 * LAYERS)
    t.column("encoder.layers.self_attn.qkv_proj", 3 * WIDTH, WIDTH, copies=LAYERS, by_heads=True)
    t.row("encoder.layers.self_attn.out_proj", WIDTH, WIDTH, copies=LAYERS, by_heads=True)
    t.column("encoder.layers.mlp.fc1", INNER, WIDTH, copies=LAYERS)
    t.row("encoder.layers.mlp.fc2", WIDTH, INNER, copies=LAYERS)
    t.whole("separators", WIDTH, copies=2)
    for name, inputs in (("0", WIDTH), ("2", hidden)):
        t.whole(f"img_projection.{name}.weight", hidden, inputs)
        t.whole(f"img_projection.{name}.bias", hidden)
    return t.tower()


def _sound(a: Config, hidden: int) -> Tower:
    width, layers, inner = a.number("attention_dim"), a.number("num_blocks"), a.number("linear_units")
    mels, heads, taps = a.number("input_size"), a.number("attention_heads"), a.number("kernel_size")
    reduction = a.number("time_reduction")
    steps = reduction.bit_length() - 1
    channels = _section(a, "nemo_conv_settings").number("conv_channels")
    # One bias for each distance to either side.
    distances = 2 * _section(a, "relative_attention_bias_args").number("t5_bias_max_distance")
    t = TowerTensors()
    t.whole("encoder_embedding", mels, copies=2)
    t.whole("embed.conv.depthwise.weight", channels, 1, 3, 3, copies=steps)
    t.whole("embed.conv.pointwise.weight", channels, channels, 1, 1, copies=steps - 1)
    t.whole("embed.conv.bias", channels, copies=2 * steps - 1)
    t.whole("embed.out.weight", width, channels * (mels // reduction))
    t.whole("embed.out.bias", width)
    t.whole("relative_attention_bias_layer.bias_values.weight", distances, heads)
    t.whole("encoders.feed_forward.gate_up.weight", 2 * inner, width, copies=2 * layers)
    t.whole("encoders.feed_forward.gate_up.bias", 2 * inner, copies=2 * layers)
    t.whole("encoders.feed_forward.down.weight", width, inner, copies=2 * layers)
    t.whole("encoders.feed_forward.down.bias", width, copies=2 * layers)
    t.whole("encoders.self_attn.weight", width, width, copies=4 * layers)
    t.whole("encoders.self_attn.bias", width, copies=4 * layers)
    t.whole("encoders.conv.glu.weight", 2 * width, width, 1, copies=layers)
    t.whole("encoders.conv.glu.bias", 2 * width, copies=2 * layers)
    t.whole("encoders.conv.depthwise.weight", width, 1, taps, copies=layers)
    t.whole("encoders.conv.pointwise.weight", width, width, 1, copies=2 * layers)
    t.whole("encoders.conv.bias", width, copies=3 * layers)
    t.norm("encoders.layer_norm", width, copies=5 * layers)
    for purpose in ("audio_projection", "audio_projection_for_vision"):
        for name, inputs in (("0", width), ("2", hidden)):
            t.whole(f"{purpose}.{name}.weight", hidden, inputs)
            t.whole(f"{purpose}.{name}.bias", hidden)
    return t.tower("audio")


MODEL_TYPES = ("phi4mm",)


def architecture(c: Config) -> Architecture:
    sound = _sound(_section(c, "audio_processor", "config"), c.hidden_size)
    return replace(phi3.architecture(c), towers=(_vision(c.hidden_size), sound))
