"""Llama 3.2 Vision (``MllamaConfig``): Llama with layers between that look at the picture, and a two-part encoder.

A layer of cross-attention keeps keys and values of the picture's patches, not of the text: at most as many as one
picture cut into all its tiles has, however long the text is. Its cache is counted as a window of that many tokens.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, Tower

#: Rows of the embedding beyond the vocabulary: tokens that stand for pictures (``MllamaTextModel``).
PICTURE_ROWS = 8


def _vision(c: Config, v: Config, patches: int) -> tuple[Tower, ...]:
    """``MllamaVisionModel`` and the projector."""
    width, inner = v.hidden_size, v.number("intermediate_size")
    local, total_tiles = v.layers, v.number("max_num_tiles")
    gated = v.number("num_global_layers")
    layers, ratios = local + gated, len(v.sequence("supported_aspect_ratios") or range(8)) + 1
    patch = v.number("patch_size")
    t = TowerTensors(v.number("attention_heads", "num_attention_heads"))
    t.whole("patch_embedding.weight", width, 3, patch, patch)
    t.whole("class_embedding", width)
    t.whole("gated_positional_embedding.embedding", patches, width)
    t.whole("gated_positional_embedding.tile_embedding.weight", ratios, total_tiles * patches * width)
    t.whole("tile_positional_embedding.embedding.weight", ratios, total_tiles * width, copies=2)
    t.whole("positional_embedding.gate", 3)
    t.norm("layernorm_pre", width)
    t.norm("layernorm_post", width)
    t.column("layers.self_attn.qkv_proj", 3 * width, width, copies=layers, bias=False, by_heads=True)
    t.row("layers.self_attn.o_proj", width, width, copies=layers, bias=False, by_heads=True)
    t.column("layers.mlp.fc1", inner, width, copies=layers)
    t.row("layers.mlp.fc2", width, inner, copies=layers)
    t.norm("layers.layernorm", width, copies=2 * layers)
    t.whole("global_transformer.layers.gates", 2, copies=gated)
    t.column("multi_modal_projector", c.hidden_size, v.number("vision_output_dim"))
    return (t.tower(),)


MODEL_TYPES = ("mllama",)


def architecture(c: Config) -> Architecture:
    v = c.section("vision_config")
    if v is None:
        raise c.fail("vision_config", "is missing: the length of the picture's cache comes from it")
    patches = (v.number("image_size") // v.number("patch_size")) ** 2 + 1
    crossing = set(c.layer_numbers("cross_attention_layers") or ())
    picture = attention(c, qk_norm="head", sliding_window=v.number("max_num_tiles") * patches)
    gates = (ExtraTensor(name="cross_attn_gates", shape=(2,)),)
    blocks = {
        "text": Block(mixer=attention(c), feed_forward=dense(c)),
        "picture": Block(mixer=picture, feed_forward=dense(c), extra=gates),
    }
    names = ["picture" if i in crossing else "text" for i in range(c.layers)]
    rows = ExtraTensor(name="embed_tokens.picture_rows", shape=(PICTURE_ROWS, c.hidden_size), part="embedding")
    return stack(c, blocks, names, towers=_vision(c, v, patches), extra=(rows,))
