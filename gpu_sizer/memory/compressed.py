"""DeepSeek-V4's attention at work, in any engine that runs its kernels: streams of the residual and padded heads.

From vLLM's ``models/deepseek_v4`` (see :mod:`gpu_sizer.engines.vllm.sparse`) and SGLang's ``models/deepseek_v4.py``
(``_kernel_num_heads``), which pad queries alike.
"""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import BLACKWELL, HOPPER, WORKSTATION_BLACKWELL
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.model.architecture import Architecture, Block

#: Heads that FlashMLA's kernels know and the generations that they run on, and the fewest of FlashInfer's.
FLASHMLA_HEADS = (64, 128)
FLASHMLA_GENERATIONS = (HOPPER, BLACKWELL)
LEAST_FLASHINFER_HEADS = 8

#: What has the width of all streams of the residual: DeepSeek-V4's mixing weights and the norm of Qwen4's.
MIXING = ("hc_attn_fn", "attn_hyper_connection.hc_norm.weight")

HALF_BYTES = 2
FLOAT_BYTES = 4


def compressed_blocks(a: Architecture) -> list[tuple[Block, CompressedAttention]]:
    """The distinct layers that have DeepSeek-V4's attention."""
    return [(b, b.mixer) for b in a.blocks.values() if isinstance(b.mixer, CompressedAttention)]


def is_compressed(a: Architecture) -> bool:
    """Whether some layer has DeepSeek-V4's attention."""
    return any(b.mixer is not None and b.mixer.compressed for b in a.blocks.values())


def residual_streams(block: Block, hidden_size: int) -> int:
    """Streams of the residual (``hc_mult``): the width of what mixes them, in hidden sizes."""
    mixing = next((t for t in block.extra if t.name in MIXING), None)
    return mixing.shape[-1] // hidden_size if mixing else 1


def padded_heads(heads: int, generation: int | None) -> int:
    """Query heads of one rank as the attention's kernels take them.

    Args:
        heads: a rank's own heads.
        generation: first number of the compute capability; null where there is none.
    """
    if generation == WORKSTATION_BLACKWELL:
        return max(LEAST_FLASHINFER_HEADS, 1 << (heads - 1).bit_length())
    if generation in FLASHMLA_GENERATIONS:
        return next((known for known in FLASHMLA_HEADS if heads <= known), heads)
    return heads


def layer_values(block: Block, m: CompressedAttention, hidden_size: int, tp: int, generation: int | None) -> int:
    """Values a token that a layer of DeepSeek-V4 holds at once on one rank, its residuals included.

    At the indexer's peak: both residuals, what the layer and its attention were given, the padded queries and
    output, the indexer's queries in bfloat16 and float8, and the narrow projections.
    """
    heads = padded_heads(ceil_div(m.num_attention_heads, tp), generation)
    values = 2 * (residual_streams(block, hidden_size) + 1) * hidden_size + 2 * heads * m.head_dim
    values += m.q_lora_rank + m.head_dim
    if m.index_width:
        values += m.index_n_heads * m.index_head_dim * 3 // 2
    return values


def layer_bytes(a: Architecture, tp: int, generation: int | None, tokens: int) -> int:
    """Live bytes of the widest layer of DeepSeek-V4 for one batch of tokens, zero for other models."""
    values = (layer_values(b, m, a.hidden_size, tp, generation) for b, m in compressed_blocks(a))
    return tokens * max(values, default=0) * HALF_BYTES


def rotary_table_bytes(a: Architecture, positions: int) -> int:
    """The float32 tables of DeepSeek-V4: one for layers that compress and one for the others."""
    kinds = {(m.qk_rope_head_dim, m.compress_ratio > 0) for _, m in compressed_blocks(a)}
    return sum(width for width, _ in kinds) * positions * FLOAT_BYTES
