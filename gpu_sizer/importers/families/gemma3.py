"""Gemma 3 (``Gemma3Config``, ``Gemma3TextConfig``): five windowed layers to each full one, four norms.

The first configurations name neither the pattern nor many sizes; the defaults are those of the classes.
"""

from gpu_sizer.cards.architecture import Architecture, Block, ExtraTensor, Tower
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack


def siglip_tower(c: Config) -> tuple[Tower, ...]:
    """SigLIP's encoder and Gemma's projector, counted from ``vision_config``."""
    vision = c.section("vision_config")
    if vision is None:
        return ()
    width, layers = vision.number("hidden_size", default=1152), vision.number("num_hidden_layers", default=27)
    inner, patch = vision.number("intermediate_size", default=4304), vision.number("patch_size", default=14)
    positions = (vision.number("image_size", default=896) // patch) ** 2
    one, two = (width,), (width, width)
    tensors = [
        ExtraTensor(name="embeddings.patch_embedding.weight", shape=(width, 3, patch, patch), part="tower"),
        ExtraTensor(name="embeddings.patch_embedding.bias", shape=one, part="tower"),
        ExtraTensor(name="embeddings.position_embedding.weight", shape=(positions, width), part="tower"),
        ExtraTensor(name="attention.weight", shape=two, copies=4 * layers, part="tower"),
        ExtraTensor(name="attention.bias", shape=one, copies=4 * layers, part="tower"),
        ExtraTensor(name="mlp.fc1.weight", shape=(inner, width), copies=layers, part="tower"),
        ExtraTensor(name="mlp.fc1.bias", shape=(inner,), copies=layers, part="tower"),
        ExtraTensor(name="mlp.fc2.weight", shape=(width, inner), copies=layers, part="tower"),
        ExtraTensor(name="mlp.fc2.bias", shape=one, copies=layers, part="tower"),
        ExtraTensor(name="layer_norm", shape=one, copies=4 * layers + 2, part="tower"),
        ExtraTensor(name="projector.mm_input_projection_weight", shape=(width, c.hidden_size), part="tower"),
        ExtraTensor(name="projector.mm_soft_emb_norm.weight", shape=one, part="tower"),
    ]
    return (Tower(name="vision", tensors=tuple(tensors)),)


def architecture(c: Config) -> Architecture:
    def block(window: int | None) -> Block:
        mixer = attention(
            c,
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
    tied = c.flag("tie_word_embeddings", default=True)
    return stack(
        c,
        blocks,
        names,
        vocab_size=c.number("vocab_size", default=262_208),
        tie_word_embeddings=tied,
        towers=siglip_tower(c),
    )
