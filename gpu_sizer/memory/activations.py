"""What one forward pass of a batch of tokens holds on a rank, in any engine that runs the same kernels.

Formulas of live bytes: the copies of activations in the widest layer, the workspaces of the kernels of experts (vLLM's
``model_executor/layers/fused_moe``, from which other engines' descend), and absorbed projections of latent attention.

DeepSeek-V4's layers hold streams of the residual and padded heads, alike in vLLM's ``models/deepseek_v4`` (see
:mod:`gpu_sizer.engines.vllm.sparse`) and SGLang's ``models/deepseek_v4.py`` (``_kernel_num_heads``).
"""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import BLACKWELL, HOPPER, WORKSTATION_BLACKWELL
from gpu_sizer.model.mixers.compressed_attention import CompressedAttention
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.model.architecture import Architecture, Block
    from gpu_sizer.model.mixer import Mixer

#: Activations are bfloat16 or float16 whatever the weights are.
ACTIVATION_BYTES = 2
#: Live copies of each width in a forward pass (docs/how-it-works.md counts them).
HIDDEN_COPIES, ATTENTION_COPIES, WIDTH_COPIES = 4, 1, 3
#: Heads that FlashMLA's kernels know and the generations that they run on, and the fewest of FlashInfer's.
FLASHMLA_HEADS = (64, 128)
FLASHMLA_GENERATIONS = (HOPPER, BLACKWELL)
LEAST_FLASHINFER_HEADS = 8

#: What has the width of all streams of the residual: DeepSeek-V4's mixing weights and the norm of Qwen4's.
MIXING = ("hc_attn_fn", "attn_hyper_connection.hc_norm.weight")

FLOAT_BYTES = 4


def _widest(block: Block, tp: int) -> int:
    """Values a token that the widest part of one layer holds at once on one rank: its mixer, or its dense width."""
    mixer = ATTENTION_COPIES * block.mixer.values(tp) if block.mixer else 0
    return max(mixer, WIDTH_COPIES * max([f.dense_width for f in block.feed_forwards], default=0) // tp)


def _more_streams(a: Architecture) -> int:
    """Hidden states beside one residual, where it has streams that a layer reads as one tensor and writes as another.

    Hy4's (vLLM ``models/hy_v4/nvidia/hc.py``); what DeepSeek-V4's and Qwen4's hold is counted as a whole.
    """
    mixed = (b for b in a.blocks.values() if any(t.name == MIXING[0] for t in b.extra))
    streams = max((residual_streams(b, a.hidden_size) for b in mixed), default=1)
    return 0 if is_compressed(a) else 2 * (streams - 1)


def forward_bytes(a: Architecture, layout: Layout, tokens: int) -> int:
    """Live bytes of the widest layer for one batch of tokens, without the workspaces of experts."""
    tp = layout.tensor_parallel_size
    widest = max(_widest(b, tp) for b in a.blocks.values())
    # The sum over ranks is not written in place.
    copies = HIDDEN_COPIES + (1 if tp > 1 else 0) + _more_streams(a)
    return tokens * (copies * a.hidden_size + widest) * ACTIVATION_BYTES


def workspace_bytes(a: Architecture, gpu: GpuSpec, layout: Layout, tokens: int, scaled_experts: bool) -> int:
    """The two workspaces of the experts' kernels on one rank (``TritonExperts.workspace_shapes``).

    One holds the gated product or the output of every routed token, the other both halves of the gate or the
    input, whichever is wider. Experts in a scaled format run in kernels without them on Blackwell, and everywhere
    where they are not gated (FlashInfer's). DeepSeek-V4's find only Marlin's on compute capability 12, which has them
    (``fused_moe/oracle/mxfp4.py: _get_priority_backends``).
    """
    marlin = gpu.generation == WORKSTATION_BLACKWELL and is_compressed(a)
    if scaled_experts and gpu.is_blackwell and not marlin:
        return 0
    width = 0
    for block in a.blocks.values():
        f = block.feed_forward
        if f is not None and f.num_experts and (f.gated or not scaled_experts):
            inner = f.moe_intermediate_size // (1 if layout.expert_parallel else layout.tensor_parallel_size)
            outer = f.latent_size or a.hidden_size
            width = max(width, f.num_experts_per_tok * (max(inner, outer) + max(2 * inner, outer)))
    return tokens * width * ACTIVATION_BYTES


def absorbed_bytes(mixer: Mixer | None, tp: int) -> int:
    """Bytes of one layer's absorbed up-projections on one rank."""
    return mixer.absorbed_values(tp) * ACTIVATION_BYTES if mixer else 0


def compressed_blocks(a: Architecture) -> list[tuple[Block, CompressedAttention]]:
    """The distinct layers that have DeepSeek-V4's attention."""
    return [(b, b.mixer) for b in a.blocks.values() if isinstance(b.mixer, CompressedAttention)]


def compressed_mixers(a: Architecture) -> dict[str, CompressedAttention]:
    """DeepSeek-V4's attention, by the names of the distinct layers that have it."""
    return {name: b.mixer for name, b in a.blocks.items() if isinstance(b.mixer, CompressedAttention)}


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
    return tokens * max(values, default=0) * ACTIVATION_BYTES


def rotary_table_bytes(a: Architecture, positions: int) -> int:
    """The float32 tables of DeepSeek-V4: one for layers that compress and one for the others."""
    kinds = {(m.qk_rope_head_dim, m.compress_ratio > 0) for _, m in compressed_blocks(a)}
    return sum(width for width, _ in kinds) * positions * FLOAT_BYTES
