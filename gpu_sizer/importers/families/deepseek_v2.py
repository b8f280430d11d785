"""DeepSeek MoE and V2 (``DeepseekConfig``, ``DeepseekV2Config``): V2 with latent attention, V1 with plain attention."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention
from gpu_sizer.importers.pieces import attention, dense, dense_first, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("deepseek", "deepseek_v2", "mistral4")


def architecture(c: Config) -> Architecture:
    mixer = latent_attention(c) if c.model_type != "deepseek" else attention(c)
    first = c.some_layers("first_k_dense_replace")
    if c.optional("n_routed_experts") is None:
        return stack(c, {"dense": Block(mixer=mixer, feed_forward=dense(c))}, ["dense"] * c.layers)
    corrected = c.text_value("topk_method") == "noaux_tc"
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=corrected)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, dense_first(c, first))
