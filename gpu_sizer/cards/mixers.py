"""Token mixers as a card describes them: attention of some kind, or a state-space / linear mixer.

These are facts only. What tensors a mixer has is in :mod:`gpu_sizer.model`, what it caches in
:mod:`gpu_sizer.memory`. Field names are those of Hugging Face configurations.
"""

from __future__ import annotations

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.cards.constraints import NonNegativeInt, PositiveInt


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexer:
    """The small extra attention that picks tokens for sparse attention, with a cache of its own."""

    num_heads: PositiveInt
    """Indexer query heads."""
    head_dim: PositiveInt
    """Width of an indexer head; one key of this width is cached per token."""
    cache: Literal["float8", "bfloat16"] = "float8"
    """How the index key is cached: float8 with one float32 scale per 128 values, or bfloat16."""
    tokens_per_key: PositiveInt = 1
    """Tokens whose keys become one that is cached: averaged beside grouped-query attention (Qwen4), weighed beside
    latent attention (GLM-5.3 Flash). Those of the latest tokens, of which there are too few yet, stand in a ring."""
    budget: PositiveInt | None = None
    """Tokens that a query attends to at most, where each layer keeps a buffer of them (Qwen4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortConvolutions:
    """Four short convolutions of a layer: on keys, values, the attention's output and the feed-forward's (Inkling)."""

    conv_kernel: PositiveInt
    """Taps of each; the last conv_kernel - 1 inputs of a request are kept."""
    hidden_size: PositiveInt
    """Channels of the two on outputs: the width of the residual stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Multi-head, grouped-query or multi-query attention."""

    kind: Literal["attention"] = "attention"
    num_attention_heads: PositiveInt
    """Query heads."""
    num_key_value_heads: PositiveInt
    """Key/value heads; equal to the query heads in multi-head attention, 1 in multi-query."""
    head_dim: PositiveInt
    """Width of a query or key head."""
    v_head_dim: PositiveInt | None = None
    """Width of a value head where it differs from head_dim."""
    qkv_bias: bool = False
    """Biases on the query, key and value projections."""
    o_bias: bool = False
    """Bias on the output projection."""
    qk_norm: Literal["head", "full", "whole", "per_head"] | None = None
    """Norm of queries and keys: one weight of head_dim, one over all heads (cut with them, or kept whole on every
    rank), or one row per head."""
    output_gate: bool = False
    """The query projection also yields a gate of the same width (Qwen3-Next)."""
    q_lora_rank: PositiveInt | None = None
    """Queries go through this narrower width, with a norm in it (Step 3)."""
    noise_heads: NonNegativeInt = 0
    """Query heads whose output is subtracted from the others', and does not reach the output projection (Motif 3)."""
    sinks: bool = False
    """One learned sink logit per query head (gpt-oss)."""
    keys_as_values: bool = False
    """Values are the keys: no value projection (Gemma 4's global layers)."""
    sliding_window: PositiveInt | None = None
    """Tokens a query sees, itself included; null is the whole context."""
    attention_chunk_size: PositiveInt | None = None
    """Chunked local attention (Llama 4): the length of a chunk."""
    shares_cache: bool = False
    """Reads another layer's keys and values: caches nothing, though it may own projections."""
    kv_projections: bool = True
    """Has key and value projections of its own (false for some layers that share a cache)."""
    indexer: Indexer | None = None
    """Sparse attention's indexer."""
    short_convolutions: ShortConvolutions | None = None
    """Short convolutions of the layer, with a state of their own."""

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads ({self.num_attention_heads}) is not a multiple of "
                f"num_key_value_heads ({self.num_key_value_heads})"
            )
        if self.sliding_window and self.attention_chunk_size:
            raise ValueError("sliding_window and attention_chunk_size exclude each other")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention (MLA): one compressed latent is cached per token."""

    kind: Literal["latent_attention"] = "latent_attention"
    num_attention_heads: PositiveInt
    """Query heads."""
    num_key_value_heads: PositiveInt | None = None
    """Heads that keys and values are expanded to, where fewer than the query heads (Motif 3)."""
    noise_heads: NonNegativeInt = 0
    """Query heads whose output is subtracted from the others', and does not reach the output projection (Motif 3)."""
    q_lora_rank: PositiveInt | None = None
    """Rank of the query compression; null where queries are projected directly."""
    kv_lora_rank: PositiveInt
    """Width of the cached latent."""
    qk_nope_head_dim: PositiveInt
    """Width of the part of a head without rotary position."""
    qk_rope_head_dim: NonNegativeInt
    """Width of the rotary part, shared by all heads and cached beside the latent."""
    v_head_dim: PositiveInt
    """Width of a value head."""
    output_gate: bool = False
    """A gate of the output's width is projected from the input (Kimi K3)."""
    indexer: Indexer | None = None
    """Sparse attention's indexer (DeepSeek V3.2, GLM-5)."""
    sparse: bool = False
    """Uses sparse attention; without an indexer of its own the layer takes another's choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedAttention:
    """DeepSeek-V4's attention: a short window beside compressed states of the whole context."""

    kind: Literal["compressed_attention"] = "compressed_attention"
    num_attention_heads: PositiveInt
    head_dim: PositiveInt
    qk_rope_head_dim: PositiveInt
    q_lora_rank: PositiveInt
    o_lora_rank: PositiveInt
    o_groups: PositiveInt
    sliding_window: PositiveInt
    compress_ratio: NonNegativeInt
    """Tokens per compressed state: 0 for none, 4 with an indexer, 128 without; 1 or 2 in DeepSeek-V4.1."""
    index_n_heads: PositiveInt
    index_head_dim: PositiveInt
    shares_states: Literal["maker", "picker", "reader"] | None = None
    """DeepSeek-V4.1, where a layer makes compressed states and index keys for the layers after it (maker), picks among
    another's by queries of its own (picker), or does neither (reader); null where each layer has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mamba1:
    """Selective state space, first generation (Jamba)."""

    kind: Literal["mamba1"] = "mamba1"
    intermediate_size: PositiveInt
    """Inner width (expand x hidden_size)."""
    state_size: PositiveInt
    """State values per inner channel."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    time_step_rank: PositiveInt
    """Rank of the time-step projection."""
    conv_bias: bool = True
    projection_bias: bool = False
    inner_norms: bool = False
    """Norms on dt, B and C (Jamba)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mamba2:
    """Selective state space, second generation (Nemotron-H, Granite 4, Falcon-H1)."""

    kind: Literal["mamba2"] = "mamba2"
    num_heads: PositiveInt
    """State-space heads."""
    head_dim: PositiveInt
    """Width of a head; num_heads x head_dim is the inner width."""
    state_size: PositiveInt
    """State values per channel."""
    n_groups: PositiveInt
    """Groups that share B and C."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    conv_bias: bool = True
    projection_bias: bool = False
    gated_norm: bool = True
    """A norm of the inner width before the output projection."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of the recurrent state in the cache; auto is the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedDeltaNet:
    """Gated delta rule (Qwen3-Next, Qwen3.5): a matrix state per value head."""

    kind: Literal["gated_delta_net"] = "gated_delta_net"
    num_k_heads: PositiveInt
    num_v_heads: PositiveInt
    head_k_dim: PositiveInt
    head_v_dim: PositiveInt
    conv_kernel: PositiveInt
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of the recurrent state in the cache; auto is the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KimiDeltaAttention:
    """Kimi's delta attention (KDA): gated delta rule with a gate per channel."""

    kind: Literal["kimi_delta_attention"] = "kimi_delta_attention"
    num_heads: PositiveInt
    head_dim: PositiveInt
    conv_kernel: PositiveInt
    output_gate: Literal["low_rank", "full"] = "low_rank"
    """How the output gate is projected: through a rank of head_dim, or at full width."""
    decay_gate: Literal["low_rank", "full"] = "low_rank"
    """How the gate of the decay is projected: likewise (Ling 3 has it at full width)."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAttention:
    """Lightning / linear attention (MiniMax-Text-01): a matrix state per head, no convolution."""

    kind: Literal["linear_attention"] = "linear_attention"
    num_attention_heads: PositiveInt
    head_dim: PositiveInt
    qk_norm: bool = False
    """Norms of head_dim on queries and keys (Ling 2.5)."""
    norm_groups: PositiveInt | None = None
    """Groups of the output's norm, which no cut divides (Ling 2.5); null is a norm that is cut with the heads."""
    state_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """auto is the model's own type (vLLM ``mamba_utils.py: linear_attention_state_dtype``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortConvolution:
    """A gated convolution over a few tokens (LFM2): it keeps the tokens that it still needs, and no other state."""

    kind: Literal["short_convolution"] = "short_convolution"
    width: PositiveInt
    """Channels of the convolution (conv_dim)."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution (conv_L_cache)."""
    bias: bool = False
    """Biases on the convolution and both projections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConvolution:
    """A causal convolution over all streams of the residual beside a layer's mixer, whole on every rank (Qwen4)."""

    kind: Literal["stream_convolution"] = "stream_convolution"
    width: PositiveInt
    """Channels: the width of all streams."""
    conv_kernel: PositiveInt
    """Taps of the causal convolution."""
    dilation: PositiveInt = 1
    """Tokens from one tap to the next; the last (conv_kernel - 1) x dilation inputs of a request are kept."""


Mixer = (
    Attention
    | LatentAttention
    | CompressedAttention
    | Mamba1
    | Mamba2
    | GatedDeltaNet
    | KimiDeltaAttention
    | LinearAttention
    | ShortConvolution
    | StreamConvolution
)
