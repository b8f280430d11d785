"""Gemma 3 (``Gemma3Config``, ``Gemma3TextConfig``): five windowed layers to each full one, four norms.

The first configurations name neither the pattern nor many sizes; the defaults are those of the classes.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower


def siglip_tower(c: Config) -> tuple[Tower, ...]:
    """SigLIP's encoder and Gemma's projector, counted from ``vision_config`` (defaults: ``SiglipVisionConfig``)."""
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers = v.number("hidden_size", default=768), v.number("num_hidden_layers", default=12)
    inner, patch = v.number("intermediate_size", default=3072), v.number("patch_size", default=16)
    t = TowerTensors(v.number("num_attention_heads", default=12))
    t.whole("embeddings.patch_embedding.weight", width, 3, patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size", default=224) // patch) ** 2, width)
    t.column("encoder.layers.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("encoder.layers.self_attn.out_proj", width, width, copies=layers, by_heads=True)
    t.column("encoder.layers.mlp.fc1", inner, width, copies=layers)
    t.row("encoder.layers.mlp.fc2", width, inner, copies=layers)
    t.norm("encoder.layers.layer_norm", width, copies=2 * layers)
    t.norm("post_layernorm", width)
    t.whole("projector.mm_input_projection_weight", width, c.hidden_size)
    t.whole("projector.mm_soft_emb_norm.weight", width)
    return (t.tower(),)


MODEL_TYPES = ("gemma3", "gemma3_text")


def architecture(c: Config) -> Architecture:

    bias = c.flag("attention_bias", default=False)

    def block(window: int | None) -> Block:
        mixer = attention(
            c,
            qkv_bias=bias,
            o_bias=bias,
            num_key_value_heads=c.number("num_key_value_heads", default=4),
            head_dim=c.number("head_dim", default=256),
            qk_norm="head",
            sliding_window=window,
        )
        return Block(mixer=mixer, feed_forward=dense(c), norms=4)

    blocks = {"full": block(None), "sliding": block(c.number("sliding_window", default=4096))}
    every = c.number("sliding_window_pattern", "_sliding_window_pattern", default=6)
    default = ["sliding" if (i + 1) % every else "full" for i in range(c.layers)]
    names = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    tied = c.tied(default=True)
    return stack(
        c,
        blocks,
        names,
        vocab_size=c.number("vocab_size", default=262_208),
        tie_word_embeddings=tied,
        towers=siglip_tower(c),
    )
