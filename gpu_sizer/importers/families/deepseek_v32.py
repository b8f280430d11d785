"""DeepSeek V3.2 and GLM-5 (``DeepseekV32Config``, ``GlmMoeDsaConfig``): V3 with sparse attention by an indexer.

GLM-5.2 keeps an indexer in some layers only; the others take its choice. A.X-K2 (``AXK2Config``) gates the attention's
output by a projection that is one with that of the queries, and norms by two small matrices.
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import latent_attention, prediction
from gpu_sizer.importers.pieces import dense, dense_first, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.model.mixers.latent_attention import LatentAttention
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


def _query_gate(c: Config, mixer: LatentAttention) -> ExtraTensor:
    """What A.X-K2's projection of queries and gates has beside V3's: it reads their rank normed and as it is."""
    query = mixer.qk_nope_head_dim + mixer.qk_rope_head_dim
    return ExtraTensor(
        name="self_attn.q_gate_proj.weight",
        shape=(c.heads * (query + 2 * mixer.v_head_dim), c.number("q_lora_rank")),
        part="attention",
        split_dim=0,
        units=c.heads,
        linear=True,
    )


def _gated_norm(c: Config, norm: str) -> tuple[ExtraTensor, ...]:
    """The two matrices of low rank behind a norm of A.X-K2's."""
    rank = c.number("gated_norm_rank", default=16)
    down = ExtraTensor(name=f"{norm}.mlp.fc1.weight", shape=(rank, c.hidden_size), part="norms", linear=True)
    up = ExtraTensor(name=f"{norm}.mlp.fc2.weight", shape=(c.hidden_size, rank), part="norms", linear=True)
    return (down, up)


MODEL_TYPES = ("axk2", "deepseek_v32", "glm_moe_dsa")


def architecture(c: Config) -> Architecture:
    plain = replace(latent_attention(c), sparse=True)
    indexed = replace(plain, indexer=Indexer(num_heads=c.number("index_n_heads"), head_dim=c.number("index_head_dim")))
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0, score_correction_bias=True)
    before: tuple[ExtraTensor, ...] = ()
    behind: tuple[ExtraTensor, ...] = ()
    if c.text_type == "axk2":
        before = (_query_gate(c, plain), *_gated_norm(c, "input_layernorm"))
        behind = _gated_norm(c, "post_attention_layernorm")
    blocks = {
        "dense": Block(mixer=indexed, feed_forward=dense(c), extra=before),
        "dense-shared": Block(mixer=plain, feed_forward=dense(c), extra=before),
        "experts": Block(mixer=indexed, feed_forward=experts, extra=(*before, *behind)),
        "experts-shared": Block(mixer=plain, feed_forward=experts, extra=(*before, *behind)),
    }
    kinds = dense_first(c, c.some_layers("first_k_dense_replace"))
    names = [kind + ("" if own else "-shared") for kind, own in zip(kinds, _has_indexer(c), strict=True)]
    return stack(c, blocks, names, mtp=prediction(c, "experts"))
