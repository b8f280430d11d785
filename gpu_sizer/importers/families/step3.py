"""Step 3 (``Step3TextConfig``, ``Step3VLConfig``): queries through a narrower width, one key/value head, experts.

Its tower ends in two convolutions and a projection that every rank holds whole (vLLM models/step3_vl.py).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layers_told, mixture, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower

#: Positions that the tower has beyond its patches.
_CLASS = 1


def _vision(c: Config, v: Config) -> Tower:
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    out, patch = v.number("output_hidden_size"), v.number("patch_size")
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("embeddings.class_embedding", width)
    t.whole("embeddings.patch_embedding.weight", width, 3, patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size") // patch) ** 2 + _CLASS, width)
    t.encoder("transformer.layers", width, layers, inner)
    t.whole("vit_downsampler.weight", out, width, 2, 2)
    t.whole("vit_downsampler.bias", out)
    t.whole("vit_downsampler2.weight", 2 * out, out, 3, 3)
    t.whole("vit_downsampler2.bias", 2 * out)
    t.whole("vit_large_projector.weight", c.hidden_size, 2 * out)
    if c.flag("projector_bias", default=True):
        t.whole("vit_large_projector.bias", c.hidden_size)
    return t.tower()


MODEL_TYPES = ("step3_text", "step3_vl")


def architecture(c: Config) -> Architecture:
    mixer = attention(
        c, num_key_value_heads=c.number("num_attention_groups", default=1), q_lora_rank=c.number("share_q_dim")
    )
    experts = mixture(
        c,
        num_experts=c.number("moe_num_experts"),
        num_experts_per_tok=c.number("moe_top_k"),
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("share_expert_dim"),
    )
    numbers = layers_told(c, "moe_layers_enum", ())
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    names = ["experts" if i in numbers else "dense" for i in range(c.layers)]
    v = c.section("vision_config")
    return stack(c, blocks, names, towers=() if v is None else (_vision(c, v),))
