"""MiniMax M3 (``MiniMaxM3Config``): sparse attention by an index of its own in all but the first layers."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Block, Tower
from gpu_sizer.model.indexer import Indexer


def vision(c: Config) -> tuple[Tower, ...]:
    """``MiniMaxVLVisionModel`` (vLLM ``minimax_m3/common/vision_tower.py``): a transformer as CLIP has it, a projector
    and a merger. It is loaded, and no part of the language model's count."""
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    patch, frames = v.number("patch_size"), v.number("temporal_patch_size", default=2)
    out, projected = c.hidden_size, c.number("projector_hidden_size", default=c.hidden_size)
    t = TowerTensors(v.number("num_attention_heads"), counted=False)
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), frames, patch, patch)
    t.norm("pre_layrnorm", width)
    t.norm("layers.layer_norm", width, copies=2 * layers)
    t.column("layers.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("layers.self_attn.out_proj", width, width, copies=layers, by_heads=True)
    t.column("layers.mlp.fc1", inner, width, copies=layers)
    t.row("layers.mlp.fc2", width, inner, copies=layers)
    for name, inputs in (("projector", width), ("merger", out * v.number("spatial_merge_size", default=2) ** 2)):
        t.column(f"{name}.linear_1", projected, inputs)
        t.row(f"{name}.linear_2", out, projected)
    return (t.tower(),)


MODEL_TYPES = ("minimax_m3", "minimax_m3_vl")


def architecture(c: Config) -> Architecture:
    raw = c.find("sparse_attention_config")
    sparse = Config(raw if isinstance(raw, dict) else {}, f"{c.file}: sparse_attention_config")
    indexer = Indexer(
        num_heads=sparse.number("sparse_num_index_heads"), head_dim=sparse.number("sparse_index_dim"), cache="bfloat16"
    )
    uses = sparse.numbers("sparse_attention_freq", count=c.layers, least=0, most=1) or [0] * c.layers
    experts_in = c.kinds((0, 1), "moe_layer_freq") or [1] * c.layers
    plain, indexed = attention(c, qk_norm="head"), attention(c, qk_norm="head", indexer=indexer)
    experts = mixture(
        c,
        num_shared_experts=c.optional("n_shared_experts") or 0,
        shared_expert_intermediate_size=c.optional("shared_intermediate_size"),
        score_correction_bias=c.flag("use_routing_bias", default=True),
        router_dtype="float32",
    )
    inner = dense(c, intermediate_size=c.number("dense_intermediate_size"))
    blocks = {
        "dense": Block(mixer=plain, feed_forward=inner),
        "dense-sparse": Block(mixer=indexed, feed_forward=inner),
        "experts": Block(mixer=plain, feed_forward=experts),
        "experts-sparse": Block(mixer=indexed, feed_forward=experts),
    }
    names = [("experts" if e else "dense") + ("-sparse" if s else "") for e, s in zip(experts_in, uses, strict=True)]
    return stack(c, blocks, names, towers=vision(c))
