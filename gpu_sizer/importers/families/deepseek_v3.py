"""DeepSeek V3, R1 and V3.1 (``DeepseekV3Config``): latent attention, dense layers first, shared experts.

Sarvam 105B (``SarvamMLAConfig``) is one under other names of two keys; A.X-K1 (``AXK1Config``) has a norm behind each
feed-forward, which engines load behind the dense one, too (vLLM ``AXK1.py``).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import dense, dense_first, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.mixers.latent_attention import LatentAttention


def latent_attention(c: Config) -> LatentAttention:
    """Latent attention by the keys that all of its families share."""
    c.refuse("attention_bias", "mlp_bias", reason="engines load no such biases beside latent attention")
    return LatentAttention(
        num_attention_heads=c.heads,
        q_lora_rank=c.optional("q_lora_rank"),
        kv_lora_rank=c.number("kv_lora_rank"),
        qk_nope_head_dim=c.number("qk_nope_head_dim"),
        qk_rope_head_dim=c.number("qk_rope_head_dim"),
        v_head_dim=c.number("v_head_dim"),
    )


def prediction(
    c: Config, block: str, *, last_norm: str = "shared_head.norm", more: tuple[ExtraTensor, ...] = ()
) -> MultiTokenPrediction | None:
    """Multi-token-prediction layers: a block, two norms of the inputs, their joint projection, and a last norm.

    Args:
        c: the configuration.
        block: what each of the layers is.
        last_norm: what the release calls its last norm.
        more: tensors of each of the layers beside these.
    """
    layers = c.optional("num_nextn_predict_layers")
    if layers is None:
        return None
    hidden = c.hidden_size
    extra = (
        ExtraTensor(name="enorm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="hnorm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="eh_proj.weight", shape=(hidden, 2 * hidden), linear=True),
        ExtraTensor(name=f"{last_norm}.weight", shape=(hidden,), part="norms"),
        *more,
    )
    return MultiTokenPrediction(block=block, layers=layers, extra=extra)


MODEL_TYPES = ("axk1", "deepseek_v3", "kimi_k2", "sarvam_mla")


def architecture(c: Config) -> Architecture:
    mixer, norms = latent_attention(c), 3 if c.text_type == "axk1" else 2
    shared = c.optional("n_shared_experts", "num_shared_experts") or 0
    experts = mixture(c, num_shared_experts=shared, score_correction_bias=True)
    blocks = {
        "dense": Block(mixer=mixer, feed_forward=dense(c), norms=norms),
        "experts": Block(mixer=mixer, feed_forward=experts, norms=norms),
    }
    names = dense_first(c, c.some_layers("first_k_dense_replace"))
    return stack(c, blocks, names, mtp=prediction(c, "experts"))
