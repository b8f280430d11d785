"""Muse Glimmer (``MuseGlimmerConfig``): gated attention, three windowed layers to each full one, a vision tower."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower


def _vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    v = c.section_or_default("vision_config")
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    pixels = 3 * v.number("patch_temporal") * v.number("patch_size") ** 2
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("patch_embedder.patch_embedding.weight", width, pixels)
    t.whole(
        "patch_embedder.position_embedding_table.weight", v.number("pos_emb_height") * v.number("pos_emb_width"), width
    )
    t.norm("norms", width, copies=2 * layers + 2)
    t.column("layers.attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("layers.attn.proj", width, width, copies=layers, by_heads=True)
    # vLLM cuts the tower's attention and keeps its feed-forwards whole.
    for name, result, given in (("fc1", inner, width), ("fc2", width, inner)):
        t.whole(f"layers.mlp.{name}.weight", result, given, copies=layers)
        t.whole(f"layers.mlp.{name}.bias", result, copies=layers)
    out, projected = c.number("out_hidden_size"), c.number("projector_hidden_size")
    t.whole("vision_adapter.fc1.weight", projected, out)
    t.whole("vision_adapter.fc2.weight", projected, projected)
    t.whole("vision_projection.weight", hidden, projected)
    return (t.tower(),)


MODEL_TYPES = ("muse_glimmer",)


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", reason="no release of Muse Glimmer has these biases")
    blocks = {
        name: Block(
            mixer=attention(c, output_gate=True, sliding_window=window),
            feed_forward=dense(c),
            norms=4,
        )
        for name, window in (("full", None), ("sliding", c.number("sliding_window")))
    }
    # Where no list says it, every fourth layer from the last one back is full.
    default = ["sliding" if (c.layers - 1 - i) % 4 else "full" for i in range(c.layers)]
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    return stack(c, blocks, names, towers=_vision(c, c.hidden_size))
