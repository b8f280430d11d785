"""GLM-4 (``GlmConfig``, ``Glm4Config``), ChatGLM (``ChatGLMConfig``) and GLM-4.5 to 4.7 (``Glm4MoeConfig``)."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention, prediction
from gpu_sizer.importers.pieces import attention, dense, dense_first, mixture, stack, uniform
from gpu_sizer.model.architecture import Architecture, Block


def _chatglm(c: Config) -> Architecture:
    kv = (
        c.number("multi_query_group_num", default=c.heads)
        if c.flag("multi_query_attention", default=False)
        else c.heads
    )
    any_bias = c.flag("add_bias_linear", default=False)
    mixer = attention(
        c,
        num_key_value_heads=kv,
        head_dim=c.number("kv_channels", default=c.hidden_size // c.heads),
        qkv_bias=any_bias or c.flag("add_qkv_bias", default=False),
        o_bias=any_bias,
    )
    width = c.number("ffn_hidden_size")
    norm = "rms" if c.flag("rmsnorm", default=True) else "layer"
    block = Block(mixer=mixer, feed_forward=dense(c, intermediate_size=width, bias=any_bias))
    return uniform(c, block, norm=norm, vocab_size=c.number("padded_vocab_size", "vocab_size"))


MODEL_TYPES = ("chatglm", "glm", "glm4", "glm4_moe", "glm4_moe_lite")


def architecture(c: Config) -> Architecture:
    if c.model_type == "chatglm":
        return _chatglm(c)
    bias = c.flag("attention_bias", default=c.text_type == "glm")
    if c.text_type in ("glm", "glm4"):
        norms = 4 if c.text_type == "glm4" else 2
        mixer = attention(c, head_dim=c.number("head_dim", default=128), qkv_bias=bias)
        return uniform(c, Block(mixer=mixer, feed_forward=dense(c), norms=norms))
    if c.text_type == "glm4_moe_lite":
        some = latent_attention(c)
        experts_mixer: object = some
    else:
        norm = "head" if c.flag("use_qk_norm", default=False) else None
        experts_mixer = attention(c, qkv_bias=bias, qk_norm=norm)
    experts = mixture(
        c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=True, router_dtype="float32"
    )
    blocks = {
        "dense": Block(mixer=experts_mixer, feed_forward=dense(c)),  # type: ignore[arg-type]
        "experts": Block(mixer=experts_mixer, feed_forward=experts),  # type: ignore[arg-type]
    }
    names = dense_first(c, c.some_layers("first_k_dense_replace", default=1))
    return stack(c, blocks, names, mtp=prediction(c, "experts"))
