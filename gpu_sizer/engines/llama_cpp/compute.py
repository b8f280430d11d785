"""llama.cpp's compute buffer: the most that the tensors of one graph need at once.

ggml allocates a graph's intermediate results in one buffer and reuses what is no longer read. Three moments compete
for the peak: an attention layer, while the mask is there in float32 and in float16 (``src/llama-graph.cpp:
build_attn_inp_kq_mask``); a feed-forward, while the float16 mask waits for the next layer; and the output, where the
logits of a whole physical batch stand beside the last states.

Without flash attention the scores of all heads stand beside the mask in float32, which is used as it is
(``build_attn_mha``: ``ggml_soft_max_ext`` works in the place of its input).
"""

from __future__ import annotations

from gpu_sizer.model.formats import ELEMENT_BYTES
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.latent_attention import LatentAttention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.model.architecture import Architecture, Block

#: Graphs compute in float32.
VALUE_BYTES = ELEMENT_BYTES["float32"]
MASK_BYTES = ELEMENT_BYTES["float16"]


def _attention_width(block: Block, hidden: int) -> int:
    """Values a token that attention holds: the residual, the normed input, queries twice, keys and values; else 0."""
    m = block.mixer
    if isinstance(m, Attention):
        queries = m.num_attention_heads * m.head_dim
        return 2 * hidden + queries * (3 if m.output_gate else 2) + 2 * m.num_key_value_heads * m.head_dim
    if isinstance(m, LatentAttention):
        rows = m.kv_lora_rank + m.qk_rope_head_dim
        return 2 * hidden + 2 * m.num_attention_heads * rows
    return 0


def _feed_forward_width(block: Block, hidden: int) -> int:
    """Values a token that a feed-forward holds: the residual, the input, gate and up; of experts, all that are used."""
    width = 0
    for f in block.feed_forwards:
        experts = f.num_experts_per_tok * max(2 * f.moe_intermediate_size, hidden)
        width = max(width, experts + f.dense_width if experts else 2 * f.dense_width)
    return 2 * hidden + width


def _heads(block: Block) -> int:
    """Heads of queries; 0 for what is no attention."""
    m = block.mixer
    return m.num_attention_heads if isinstance(m, Attention | LatentAttention) else 0


def compute_bytes(
    a: Architecture,
    context: int,
    batch: int,
    *,
    copies: int,
    output: bool,
    flash_attention: bool = True,
    narrow_mask: bool = False,
) -> int:
    """Bytes of one GPU's compute buffer.

    Args:
        a: the model.
        context: tokens of the longest cache of one sequence, padded.
        batch: tokens of a physical batch (``n_ubatch``).
        copies: of the graph's inputs, where several GPUs work on batches one after another.
        output: whether the logits are made on this GPU.
        flash_attention: whether scores are never whole in memory.
        narrow_mask: whether flash attention's mask is made as it is used, in float16.
    """
    mask = context * batch
    narrow = flash_attention and narrow_mask
    inputs = mask * (MASK_BYTES if narrow else VALUE_BYTES) * copies
    picks = 0
    if any(m.index_width for block in a.blocks.values() for m in block.mixers):
        # Indexers have a mask of their own, and scores of a whole batch (src/models/glm-dsa.cpp: fused_lid).
        inputs, picks = inputs + mask * MASK_BYTES * copies, mask * VALUE_BYTES
    attention = feed_forward = heads = 0
    for block in a.blocks.values():
        attention = max(attention, _attention_width(block, a.hidden_size))
        heads = max(heads, _heads(block))
        feed_forward = max(feed_forward, _feed_forward_width(block, a.hidden_size))
    waiting = inputs if copies > 1 else 0
    cast = 0 if narrow else mask * MASK_BYTES
    scores, kept = (cast, mask * MASK_BYTES) if flash_attention else (mask * heads * VALUE_BYTES, 0)
    moments = [
        inputs + picks + scores + batch * attention * VALUE_BYTES,
        waiting + kept + batch * feed_forward * VALUE_BYTES,
    ]
    if output:
        moments.append(waiting + batch * (a.vocab_size + a.hidden_size) * VALUE_BYTES)
    return max(moments)
