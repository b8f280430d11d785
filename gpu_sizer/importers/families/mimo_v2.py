"""MiMo V2.5 (``MiMoV2Config``): MiMo V2 Flash with encoders for pictures and sound, and layers that predict ahead."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import mixtures
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.pieces import dense
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower
from gpu_sizer.model.bounds import MOST_LAYERS
from gpu_sizer.records import replace

#: Width of a head of the vision tower, where its configuration does not say (vLLM ``configs/mimo_v2_omni.py``).
VISION_HEAD = 64


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers, inner = v.number("hidden_size"), v.number("depth"), v.number("intermediate_size")
    heads, kv, out = v.number("num_heads"), v.number("num_key_value_heads"), v.number("out_hidden_size")
    head, patch = v.number("qk_channels", default=VISION_HEAD), v.number("patch_size")
    merged = width * v.number("spatial_merge_size", default=2) ** 2
    t = TowerTensors(kv)
    channels = v.number("in_chans", "in_channels", default=3)
    t.whole("patch_embed.proj.weight", width, channels, v.number("temporal_patch_size", default=2), patch, patch)
    t.norm("blocks.norm", width, copies=2 * layers, bias=False)
    t.column("blocks.attn.qkv", (heads + 2 * kv) * head, width, copies=layers, by_heads=True)
    t.row("blocks.attn.proj", width, heads * head, copies=layers, by_heads=True)
    t.column("blocks.mlp.gate_up_proj", 2 * inner, width, copies=layers)
    t.row("blocks.mlp.down_proj", width, inner, copies=layers)
    windowed = layers - len(v.numbers("fullatt_block_indexes", least=0, most=MOST_LAYERS) or ())
    if windowed and v.flag("use_sink", default=False):
        t.whole("blocks.attn.sinks", heads, copies=windowed)
    t.norm("merger.ln_q", width, bias=False)
    t.column("merger.mlp.0", merged, merged, bias=False)
    t.row("merger.mlp.2", out, merged, bias=False)
    return (t.tower(),)


def _audio(c: Config) -> tuple[Tower, ...]:
    a = c.section("audio_config")
    if a is None:
        return ()
    width, layers, out = a.number("input_local_dim"), a.number("input_local_layers"), a.number("out_hidden_size")
    inner, group = a.number("input_local_intermediate_size"), a.number("group_size")
    rows = str(a.find("speech_vocab_size") or "")
    if not rows.isdecimal() or len(rows) > 8 or a.number("projection_layers", default=1) != 2:
        raise c.fail("audio_config", "codebooks of several sizes and projections of one layer are not described")
    t = TowerTensors()
    t.whole("speech_embeddings.weight", int(rows), width, copies=a.number("audio_channels"))
    t.whole("layers.self_attn.weight", width, width, copies=4 * layers)
    t.whole("layers.self_attn.qkv.bias", width, copies=3 * layers)
    t.whole("layers.mlp.weight", inner, width, copies=3 * layers)
    t.whole("layers.norm.weight", width, copies=2 * layers + int(a.flag("add_post_norm", default=False)))
    t.whole("projection.mlp.0.weight", 4 * group * width, group * width)
    t.whole("projection.mlp.2.weight", out, 4 * group * width)
    return (t.tower("audio"),)


MODEL_TYPES = ("mimo_v2",)


def architecture(c: Config) -> Architecture:
    a = mixtures.architecture(c)
    windowed = next((b.mixer for b in a.blocks.values() if getattr(b.mixer, "sliding_window", None)), None)
    ahead = prediction(c, "sliding-dense", last_norm="final_layernorm")
    if windowed is None or ahead is None:
        return replace(a, towers=(*_vision(c), *_audio(c)))
    blocks = {**a.blocks, "sliding-dense": Block(mixer=windowed, feed_forward=dense(c))}
    return replace(a, blocks=blocks, mtp=ahead, towers=(*_vision(c), *_audio(c)))
