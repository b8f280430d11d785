"""What one forward pass of a batch of tokens holds on a rank, in any engine that runs the same kernels.

Formulas of live bytes: the copies of activations in the widest layer, the workspaces of the kernels of experts (vLLM's
``model_executor/layers/fused_moe``, from which other engines' descend), and absorbed projections of latent attention.
"""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import WORKSTATION_BLACKWELL
from gpu_sizer.memory.compressed import is_compressed

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


def _widest(block: Block, tp: int) -> int:
    """Values a token that the widest part of one layer holds at once on one rank: its mixer, or its dense width."""
    mixer = ATTENTION_COPIES * block.mixer.values(tp) if block.mixer else 0
    return max(mixer, WIDTH_COPIES * max([f.dense_width for f in block.feed_forwards], default=0) // tp)


def forward_bytes(a: Architecture, layout: Layout, tokens: int) -> int:
    """Live bytes of the widest layer for one batch of tokens, without the workspaces of experts."""
    tp = layout.tensor_parallel_size
    widest = max(_widest(b, tp) for b in a.blocks.values())
    # The sum over ranks is not written in place.
    copies = HIDDEN_COPIES + (1 if tp > 1 else 0)
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
