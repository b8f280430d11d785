"""What one forward pass of a batch of tokens holds on a rank, in any engine that runs the same kernels.

Formulas of live bytes: the copies of activations in the widest layer, the workspaces of the kernels of experts (vLLM's
``model_executor/layers/fused_moe``, from which other engines' descend), and absorbed projections of latent attention.
"""

from __future__ import annotations

from gpu_sizer.cards.feed_forwards import Dense, MixtureOfExperts
from gpu_sizer.cards.gpu_spec import WORKSTATION_BLACKWELL
from gpu_sizer.cards.mixers import (
    Attention,
    CompressedAttention,
    GatedDeltaNet,
    LatentAttention,
    Mamba2,
    ShortConvolution,
)
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.architecture import Architecture, Block
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.memory.layout import Layout

#: Activations are bfloat16 or float16 whatever the weights are.
ACTIVATION_BYTES = 2
#: Live copies of each width in a forward pass (docs/how-it-works.md counts them).
HIDDEN_COPIES, ATTENTION_COPIES, WIDTH_COPIES = 4, 1, 3


def _mixer_width(block: Block, tp: int) -> int:
    """Values a token that the mixer of one layer holds at once on one rank."""
    m = block.mixer
    if isinstance(m, Attention):
        heads, kv = ceil_div(m.num_attention_heads, tp), max(1, m.num_key_value_heads // tp)
        # queries, keys, values, and the attention's output
        return (heads * 2 + kv * 2) * m.head_dim * (2 if m.output_gate else 1)
    if isinstance(m, LatentAttention):
        heads = ceil_div(m.num_attention_heads, tp)
        # queries; keys and values expanded for the prefill; output
        return heads * 2 * (m.qk_nope_head_dim + m.qk_rope_head_dim + m.v_head_dim)
    if isinstance(m, CompressedAttention):
        return ceil_div(m.num_attention_heads, tp) * m.head_dim * 3
    if isinstance(m, GatedDeltaNet):
        return (2 * m.num_k_heads * m.head_k_dim + 4 * m.num_v_heads * m.head_v_dim) // tp
    if isinstance(m, Mamba2):
        return (4 * m.num_heads * m.head_dim + 2 * m.n_groups * m.state_size) // tp
    if isinstance(m, ShortConvolution):
        # two gates and the value, their product, and the convolution's output
        return 5 * m.width // tp
    return 0


def _dense_width(block: Block, layout: Layout, copies: int) -> int:
    """Values a token that the dense feed-forward of one layer, or its shared experts, hold at once on one rank."""
    width = 0
    for f in (block.feed_forward, block.dense):
        if isinstance(f, Dense):
            width = max(width, f.intermediate_size)
        elif isinstance(f, MixtureOfExperts):
            width = max(width, f.shared_width)
    return copies * width // layout.tensor_parallel_size


def forward_bytes(a: Architecture, layout: Layout, tokens: int) -> int:
    """Live bytes of the widest layer for one batch of tokens, without the workspaces of experts."""
    tp = layout.tensor_parallel_size
    widest: int = max(
        max(ATTENTION_COPIES * _mixer_width(b, tp), _dense_width(b, layout, WIDTH_COPIES)) for b in a.blocks.values()
    )
    # The sum over ranks is not written in place.
    copies: int = HIDDEN_COPIES + (1 if tp > 1 else 0)
    return tokens * (copies * a.hidden_size + widest) * ACTIVATION_BYTES


def _is_compressed(a: Architecture) -> bool:
    """Whether some layer has DeepSeek-V4's attention."""
    return any(isinstance(b.mixer, CompressedAttention) for b in a.blocks.values())


def workspace_bytes(a: Architecture, gpu: GpuSpec, layout: Layout, tokens: int, scaled_experts: bool) -> int:
    """The two workspaces of the experts' kernels on one rank (``TritonExperts.workspace_shapes``).

    One holds the gated product or the output of every routed token, the other both halves of the gate or the
    input, whichever is wider. Experts in a scaled format run in kernels without them on Blackwell, and everywhere
    where they are not gated (FlashInfer's). DeepSeek-V4's find only Marlin's on compute capability 12, which has them
    (``fused_moe/oracle/mxfp4.py: _get_priority_backends``).
    """
    marlin = gpu.generation == WORKSTATION_BLACKWELL and _is_compressed(a)
    if scaled_experts and gpu.is_blackwell and not marlin:
        return 0
    width = 0
    for block in a.blocks.values():
        f = block.feed_forward
        if isinstance(f, MixtureOfExperts) and (f.gated or not scaled_experts):
            inner = f.moe_intermediate_size // (1 if layout.expert_parallel else layout.tensor_parallel_size)
            outer = f.latent_size or a.hidden_size
            width = max(width, f.num_experts_per_tok * (max(inner, outer) + max(2 * inner, outer)))
    return tokens * width * ACTIVATION_BYTES


def absorbed_bytes(mixer: object, tp: int) -> int:
    """Bytes of one layer's absorbed up-projections on one rank."""
    if isinstance(mixer, LatentAttention) and not isinstance(mixer, CompressedAttention):
        heads = ceil_div(mixer.num_attention_heads, tp)
        return heads * (mixer.qk_nope_head_dim + mixer.v_head_dim) * mixer.kv_lora_rank * ACTIVATION_BYTES
    return 0
