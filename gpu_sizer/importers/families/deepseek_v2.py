"""DeepSeek MoE and V2 (``DeepseekConfig``, ``DeepseekV2Config``): V2 with latent attention, V1 with plain attention."""

from gpu_sizer.cards.architecture import Architecture, Block
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention
from gpu_sizer.importers.pieces import attention, dense, mixture, stack

MODEL_TYPES = ("deepseek", "deepseek_v2", "mistral4")


def architecture(c: Config) -> Architecture:
    mixer = latent_attention(c) if c.model_type != "deepseek" else attention(c)
    first, every = c.optional("first_k_dense_replace") or 0, c.number("moe_layer_freq", default=1)
    if c.optional("n_routed_experts") is None:
        return stack(c, {"dense": Block(mixer=mixer, feed_forward=dense(c))}, ["dense"] * c.layers)
    corrected = c.text_value("topk_method") == "noaux_tc"
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=corrected)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    names = ["dense" if i < first or i % every else "experts" for i in range(c.layers)]
    return stack(c, blocks, names)
