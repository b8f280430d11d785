"""DeepSeek V3.2 and GLM-5 (``DeepseekV32Config``, ``GlmMoeDsaConfig``): V3 with sparse attention by an indexer.

GLM-5.2 keeps an indexer in some layers only; the others take its choice.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention, prediction
from gpu_sizer.importers.pieces import dense, dense_first, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.records import replace


def _has_indexer(c: Config) -> list[bool]:
    """Which layers hold an indexer of their own (vLLM ``models/deepseek_v2.py``)."""
    if (types := c.kinds(("full", "shared"), "indexer_types")) is not None:
        return [t == "full" for t in types]
    pattern = c.text_value("index_topk_pattern")
    if pattern:
        return [pattern[i % len(pattern)] == "F" for i in range(c.layers)]
    every = c.optional("index_topk_freq") or 1
    offset = c.optional("index_skip_topk_offset") or 1
    return [i < offset or (i - offset) % every == every - 1 for i in range(c.layers)]


MODEL_TYPES = ("deepseek_v32", "glm_moe_dsa")


def architecture(c: Config) -> Architecture:
    plain = replace(latent_attention(c), sparse=True)
    indexed = replace(plain, indexer=Indexer(num_heads=c.number("index_n_heads"), head_dim=c.number("index_head_dim")))
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=True)
    blocks = {
        "dense": Block(mixer=indexed, feed_forward=dense(c)),
        "dense-shared": Block(mixer=plain, feed_forward=dense(c)),
        "experts": Block(mixer=indexed, feed_forward=experts),
        "experts-shared": Block(mixer=plain, feed_forward=experts),
    }
    kinds = dense_first(c, c.some_layers("first_k_dense_replace"))
    names = [kind + ("" if own else "-shared") for kind, own in zip(kinds, _has_indexer(c), strict=True)]
    return stack(c, blocks, names, mtp=prediction(c, "experts"))
