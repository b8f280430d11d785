"""What DeepSeek's sparse attention holds beside weights and cache: DeepSeek-V4, and the indexers since V3.2.

DeepSeek-V4 (``vllm/models/deepseek_v4``) is not a transformer of one residual stream with a projection in and out:

* the residual has several streams (``hc_mult``), of which a layer reads one tensor and writes another
  (``nvidia/model.py``, ``model_executor/kernels/mhc``);
* queries and the attention's output are padded to the heads that the kernels know: 64 or 128 of FlashMLA, a power
  of two from 8 on of FlashInfer's on compute capability 12 (``nvidia/flashmla.py``, ``nvidia/flashinfer_sparse.py``);
* two tables of rotary cosines and sines in float32, one for compressed layers (``common/rope.py``,
  ``layers/rotary_embedding/deepseek_scaling_rope.py``);
* buffers for a whole batch that are built with the model: up to 0.26 the streams for a draft model
  (``_mtp_hidden_buffer``), in 0.28 queries and scratch of the attention (``eager_scratch.py``), from 0.29 on none.

DeepSeek-V4.1 (``vllm/models/deepseek_v41``) has the streams, the padded heads and the tables, and no such buffers; its
buffers of chosen states and of rows of n-grams, some 13 KB a token of a batch, are not counted.

An indexer's profile run takes 512 MiB for its logits (``layers/sparse_attn_indexer.py``,
``VLLM_SPARSE_INDEXER_MAX_LOGITS_MB``), and a workspace that holds the gathered keys of 40 full lengths
(``v1/attention/backends/mla/indexer.py: get_max_prefill_buffer_size``). It is the workspace of the experts' kernels
too: the larger of the two counts (``v1/worker/workspace.py``).

Beside records of eight bits FlashMLA's kernels read a prompt's states in 16: since 0.13 their class takes room for the
states of five full lengths as it is built (``v1/attention/backends/mla/flashmla_sparse.py:
get_prefill_workspace_size``), later with the queries of a batch beside it. It is the same workspace, but what a log
says of loading has it: 5.6 GiB of GLM-5.3's full length (record vllm-452).

Checked against two start-ups of DeepSeek-V4 Flash on two GPUs: 74.85 GiB loaded (record vllm-389, 73.3 GiB of
tensors), and 5.44 GiB left for the cache (record vllm-388, of the half that nothing is fitted on).
"""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import BLACKWELL, HOPPER
from gpu_sizer.memory.activations import (
    ACTIVATION_BYTES,
    FLASHMLA_GENERATIONS,
    FLOAT_BYTES,
    compressed_blocks,
    padded_heads,
    residual_streams,
)
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.model.caches import float8_index_bytes
from gpu_sizer.model.mixers.latent_attention import LatentAttention
from gpu_sizer.units import MIB, ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.engines.vllm.version import VersionProfile
    from gpu_sizer.load import Settings
    from gpu_sizer.model.mixer import Mixer

#: ``get_max_prefill_buffer_size``: full lengths whose keys are gathered at once.
GATHERED_LENGTHS = 40
#: From 0.32 on, of contexts beyond this (``config/vllm.py``: sparse_mla_prefill_workspace_factor), so many.
LONG_CONTEXT = 256 * 1024
LONG_GATHERED_LENGTHS = 16
FEWER_LENGTHS = "0.32"
#: ``get_prefill_workspace_size``: full lengths whose states FlashMLA has in 16 bits at once, and so many beyond.
UPCAST_LENGTHS = 5
LONG_UPCAST_LENGTHS = 2
#: The first version whose class takes that workspace as it is built, and the first that runs FlashInfer's kernels on
#: data-center Blackwell (``platforms/cuda.py: _get_backend_priorities``).
UPCASTS = "0.13"
FLASHINFER_ON_BLACKWELL = "0.17"
#: From here on the queries of a batch stand beside it. 0.31 has them padded as well, with what attention writes for
#: them, and for its own heads; the range of versions with 0.31 in it begins here.
QUERIES_BESIDE = "0.18"
PADDED_QUERIES = "0.29"
#: ``DeepseekV4Attention.PREFILL_CHUNK_SIZE``: requests whose states are gathered at once.
GATHERED_REQUESTS = 4
#: ``VLLM_SPARSE_INDEXER_MAX_LOGITS_MB``.
LOGITS_BYTES = 512 * MIB

#: Where Qwen4's streams are read, they stand four times: before and after what the last block wrote, normed, and as
#: gates (``qwen4_exp/nvidia/hyperconnection.py: combine_and_mix``), beside its output and the next block's input.
STREAM_COPIES = 4


def _pools(a: Architecture, *, latent: bool) -> bool:
    return any(m.indexer and m.indexer.pools and m.latent is latent for m in _mixers(a))


def _mixers(a: Architecture) -> list[Mixer]:
    return [b.mixer for b in a.blocks.values() if b.mixer is not None]


def averages_keys(a: Architecture) -> bool:
    """Whether indexers beside grouped-query attention average the keys of several tokens (Qwen4)."""
    return _pools(a, latent=False)


def weighs_keys(a: Architecture) -> bool:
    """Whether indexers beside latent attention weigh the keys of several tokens into one (GLM-5.3 Flash)."""
    return _pools(a, latent=True)


def is_sparse_latent(a: Architecture) -> bool:
    """Whether latent attention picks its tokens by an index, and its indexers keep every token's key."""
    indexers = [m.indexer for m in _mixers(a) if m.latent and m.indexer is not None]
    return bool(indexers) and not any(i.pools for i in indexers)


def shares_states(a: Architecture) -> bool:
    """Whether layers read compressed states that others make (DeepSeek-V4.1)."""
    return any(m.shares_states for _, m in compressed_blocks(a))


def _index_width(m: Mixer) -> int:
    """Width of an indexer's keys; 0 for a layer without one.

    Where keys are averaged, the profile run passes the indexer by (models/qwen4_exp/nvidia/indexer_qsa.py).
    """
    averaged = m.indexer is not None and m.indexer.pools and not m.latent
    return 0 if averaged else m.index_width


def has_indexer(a: Architecture) -> bool:
    """Whether some layer picks tokens by an indexer."""
    return any(map(_index_width, _mixers(a)))


def stream_bytes(a: Architecture, tokens: int) -> int:
    """Live bytes of one batch where Qwen4's gated residual reads its streams, zero for other models."""
    if not averages_keys(a):
        return 0
    streams = max(residual_streams(b, a.hidden_size) for b in a.blocks.values())
    return tokens * (STREAM_COPIES * streams + 2) * a.hidden_size * ACTIVATION_BYTES


def chosen_bytes(a: Architecture) -> int:
    """Bytes a token of a batch of the buffers of chosen tokens, one a layer (``qwen4_exp/nvidia/qsa.py``).

    A row has the budget, the tokens of a group that is not complete, and their number, in int32.
    """
    size = 0
    for name, block in a.blocks.items():
        if (m := block.mixer) is not None and m.indexer is not None and m.indexer.budget:
            size += a.layer_names.count(name) * (m.indexer.budget + m.indexer.tokens_per_key) * FLOAT_BYTES
    return size


def workspace_bytes(
    a: Architecture, generation: int | None, context: int, tokens: int, *, fewer_lengths: bool = False
) -> int:
    """The workspace that sparse attention keeps on one rank, for requests of up to ``context`` tokens.

    ``fewer_lengths``: the version gathers fewer lengths where they are long.
    """
    size = 0
    lengths = LONG_GATHERED_LENGTHS if fewer_lengths and context > LONG_CONTEXT else GATHERED_LENGTHS
    for m in _mixers(a):
        if width := _index_width(m):
            size = max(size, lengths * context // m.tokens_per_key * float8_index_bytes(width))
    if generation in FLASHMLA_GENERATIONS:
        for _, c in compressed_blocks(a):
            states = ceil_div(context, c.compress_ratio) if c.compress_ratio else 0
            rows = GATHERED_REQUESTS * (states + c.sliding_window + tokens)
            size = max(size, rows * c.head_dim * ACTIVATION_BYTES)
    return size


def reserved_bytes(a: Architecture, gpu: GpuSpec, tp: int, settings: Settings, version: VersionProfile) -> int:
    """What FlashMLA's class takes of the workspace as it is built, on one rank; zero where other kernels run.

    Args:
        a: the architecture.
        gpu: its kernels.
        tp: tensor parallel size.
        settings: all resolved.
        version: constants of the engine's version.
    """
    if settings.kv_cache_dtype != "float8" or not is_sparse_latent(a) or not version.at_least(UPCASTS):
        return 0
    early = gpu.generation == BLACKWELL and not version.at_least(FLASHINFER_ON_BLACKWELL)
    if gpu.platform != "cuda" or not (gpu.generation == HOPPER or early):
        return 0
    context, tokens, size = settings.context, settings.max_num_batched_tokens, 0
    fewer = version.at_least(FEWER_LENGTHS) and context > LONG_CONTEXT
    for m in _mixers(a):
        if not isinstance(m, LatentAttention):
            continue
        width, heads = m.kv_lora_rank + m.qk_rope_head_dim, ceil_div(m.num_attention_heads, tp)
        values = (LONG_UPCAST_LENGTHS if fewer else UPCAST_LENGTHS) * context * width
        if version.at_least(QUERIES_BESIDE):
            values += tokens * heads * width
        if version.at_least(PADDED_QUERIES):
            values += tokens * (padded_heads(heads, gpu.generation) * (width + m.kv_lora_rank) + heads * m.kv_lora_rank)
        size = max(size, values * ACTIVATION_BYTES)
    return size


def batch_buffer_bytes(a: Architecture, tp: int, generation: int | None, scratch: bool) -> int:
    """Bytes a token of a batch that DeepSeek-V4 holds from loading on.

    Args:
        a: the architecture.
        tp: tensor parallel size.
        generation: first number of the compute capability.
        scratch: whether the version keeps the attention's queries and scratch, or the streams for a draft model.
    """
    size = 0
    for block, m in compressed_blocks(a):
        if m.shares_states:
            # DeepSeek-V4.1 has neither (models/deepseek_v41).
            continue
        if scratch:
            heads = padded_heads(ceil_div(m.num_attention_heads, tp), generation)
            size = max(size, heads * m.head_dim * ACTIVATION_BYTES + m.head_dim * FLOAT_BYTES)
        else:
            size = max(size, residual_streams(block, a.hidden_size) * a.hidden_size * ACTIVATION_BYTES)
    return size
