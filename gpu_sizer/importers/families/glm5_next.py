"""GLM-5.3 Flash (``Glm5NextConfig``): delta attention (KDA), and sparse latent attention every few layers.

The indexer of a sparse layer pools the keys of ``index_kpool`` tokens into one. The residual has copies that
hyper-connections mix (DeepSeek V4's), but for multi-token prediction. Tensors as in vLLM 0.33.0,
``models/glm5next/common`` (model.py, attention.py, kda.py, mtp.py, multimodal.py).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.families.deepseek_v4 import hyper_connections
from gpu_sizer.importers.pieces import dense, dense_first, layer_types, mixture, stack
from gpu_sizer.importers.towers import glm_vision
from gpu_sizer.model.architecture import Architecture, Block, Tower
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.model.mixer import Mixer
from gpu_sizer.model.mixers.kimi_delta_attention import KimiDeltaAttention
from gpu_sizer.model.mixers.latent_attention import LatentAttention

#: What layers are called as released and in transformers' class.
KINDS = {
    "linear_attention": "delta",
    "deepseek_sparse_attention": "sparse",
    "indexed_attention": "sparse",
    "full_attention": "sparse",
}
#: Every so many layers, one is sparse where none are listed (``Glm5NextTextConfig.__post_init__``).
PERIOD = 4
#: Dense layers at the front, by the same class.
DENSE = 3


def _delta(c: Config) -> KimiDeltaAttention:
    """The delta layers' own section, or the same in the words of transformers' class."""
    if isinstance(raw := c.find("linear_attn_config"), dict):
        linear = Config(raw, f"{c.file}: linear_attn_config")
        heads, dim, taps = "num_heads", "head_dim", "short_conv_kernel_size"
    else:
        linear, heads, dim, taps = c, "linear_num_heads", "linear_head_dim", "linear_conv_kernel_dim"
    return KimiDeltaAttention(
        num_heads=linear.number(heads), head_dim=linear.number(dim), conv_kernel=linear.number(taps)
    )


def _sparse(c: Config) -> LatentAttention:
    """Latent attention without positions, each layer with an indexer of its own."""
    c.refuse("attention_bias", reason="engines load no such biases beside latent attention")
    if c.optional("qk_rope_head_dim"):
        raise c.fail("qk_rope_head_dim", "the class has no rotary part in its latent attention")
    if any(kind != "full" for kind in c.per_layer("indexer_types") or ()):
        raise c.fail("indexer_types", "the engine builds an indexer in every sparse layer")
    pooled = c.number("index_kpool")
    if pooled == 1:
        raise c.fail("index_kpool", "the engine pools keys of more than one token")
    return LatentAttention(
        num_attention_heads=c.heads,
        q_lora_rank=c.number("q_lora_rank"),
        kv_lora_rank=c.number("kv_lora_rank"),
        qk_nope_head_dim=c.number("qk_nope_head_dim"),
        qk_rope_head_dim=0,
        v_head_dim=c.number("v_head_dim"),
        indexer=Indexer(
            num_heads=c.number("index_n_heads"), head_dim=c.number("index_head_dim"), tokens_per_key=pooled
        ),
        sparse=True,
    )


def _vision(c: Config) -> tuple[Tower, ...]:
    """``Glm5NextVisionTransformer``: norms of queries and keys, no table of positions, biases but in the merger."""
    v = c.section("vision_config")
    if v is None:
        return ()
    merged = v.number("projection_intermediate_size")
    return glm_vision(v, v.number("in_channels"), v.number("temporal_patch_size"), merged)


MODEL_TYPES = ("glm5_next", "glm5_next_text")


def architecture(c: Config) -> Architecture:
    mixers: dict[str, Mixer] = {"delta": _delta(c), "sparse": _sparse(c)}
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=True)
    # Leaving the key out is transformers' class, which always mixes copies.
    connections = hyper_connections(c) if c.flag("mhc", default=True) else ()
    blocks = {
        f"{kind}{'-dense' if feed_forward is not experts else ''}": Block(
            mixer=mixer, feed_forward=feed_forward, extra=connections
        )
        for kind, mixer in mixers.items()
        for feed_forward in (dense(c), experts)
    }
    blocks["ahead"] = Block(mixer=mixers["sparse"], feed_forward=experts)
    otherwise = ["sparse" if i % PERIOD == PERIOD - 1 else "delta" for i in range(c.layers)]
    plain = dense_first(c, c.some_layers("first_k_dense_replace", default=DENSE))
    names = [
        kind + ("-dense" if which == "dense" else "")
        for kind, which in zip(layer_types(c, KINDS, otherwise), plain, strict=True)
    ]
    return stack(c, blocks, names, towers=_vision(c), mtp=prediction(c, "ahead"))
