"""GLM-4.1V and 4.6V Flash (``Glm4vConfig``), GLM-4.5V and 4.6V (``Glm4vMoeConfig``): GLM-4 and a vision tower."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, dense_first, mixture, stack, uniform
from gpu_sizer.importers.towers import TowerTensors, glm_merger
from gpu_sizer.model.architecture import Architecture, Block, Tower


def _vision(c: Config) -> tuple[Tower, ...]:
    """``Glm4vVisionModel``; its feed-forwards are as wide as what it yields, ``intermediate_size`` is the merger's."""
    v = c.section_or_default("vision_config")
    width, layers, out = v.number("hidden_size"), v.number("depth"), v.number("out_hidden_size")
    patch, merge, inner = v.number("patch_size"), v.number("spatial_merge_size"), v.number("intermediate_size")
    bias = v.flag("attention_bias", default=False)
    t = TowerTensors(v.number("num_heads"))
    t.patches(width, v.number("in_channels"), v.number("temporal_patch_size"), patch)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size") // patch) ** 2, width)
    t.whole("norms.weight", width, copies=2 * layers + 2)
    t.column("blocks.attn.qkv", 3 * width, width, copies=layers, bias=bias, by_heads=True)
    t.row("blocks.attn.proj", width, width, copies=layers, bias=False, by_heads=True)
    t.column("blocks.mlp.gate_up_proj", 2 * out, width, copies=layers, bias=False)
    t.row("blocks.mlp.down_proj", width, out, copies=layers, bias=False)
    glm_merger(t, width, out, inner, merge)
    return (t.tower(),)


MODEL_TYPES = ("glm4v", "glm4v_moe")


def architecture(c: Config) -> Architecture:
    experts = "moe" in c.model_type
    mixer = attention(c, qkv_bias=c.flag("attention_bias", default=True) if experts else True)
    if not experts:
        return uniform(c, Block(mixer=mixer, feed_forward=dense(c), norms=4), towers=_vision(c))
    c.refuse("use_qk_norm", reason="no release of GLM-V has norms on queries and keys")
    shared = c.optional("n_shared_experts") or 0
    routed = mixture(c, num_shared_experts=shared, score_correction_bias=True, router_dtype="float32")
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=routed)}
    names = dense_first(c, c.some_layers("first_k_dense_replace"))
    # The class ties the head where either of its configurations says so.
    tied = c.tied() or c.text.get("tie_word_embeddings") is True
    return stack(c, blocks, names, tie_word_embeddings=tied, towers=_vision(c))
