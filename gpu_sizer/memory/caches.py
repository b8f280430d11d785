"""What one layer keeps while it serves, on one tensor-parallel rank: bytes per token, or a state per sequence.

These are facts of the model (MEMORY_MODEL section 3); how an engine allocates them in blocks and groups is
the engine's own rule (:mod:`gpu_sizer.engines.vllm.cache`).
"""

from __future__ import annotations

from gpu_sizer.cards.architecture import Block
from gpu_sizer.cards.mixers import (
    Attention,
    CompressedAttention,
    GatedDeltaNet,
    Indexer,
    KimiDeltaAttention,
    LatentAttention,
    LinearAttention,
    Mamba1,
    Mamba2,
    ShortConvolution,
    StreamConvolution,
)
from gpu_sizer.model.formats import ELEMENT_BYTES, FLOAT32_BYTES
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    CacheKind = Literal["full", "sliding", "chunked", "state", "ring"]


#: Values under one float32 scale in a float8 index cache (DeepSeek V3.2).
INDEX_SCALE_GROUP = 128


def float8_index_bytes(width: int) -> int:
    """Bytes of one index key in float8, with its scales."""
    return width + width // INDEX_SCALE_GROUP * FLOAT32_BYTES


@dataclass(frozen=True, slots=True)
class LayerCache:
    """One cache of one layer on one rank.

    ``token_bytes`` is per token (0 for a state), ``state_bytes`` per sequence (0 for attention), ``span`` the
    window or chunk in tokens. ``latent`` marks caches of whole token rows that
    cannot be padded freely, ``wide`` heads beyond 256 values.
    """

    kind: CacheKind
    token_bytes: int = 0
    state_bytes: int = 0
    span: int | None = None
    latent: bool = False
    sparse: bool = False
    wide: bool = False
    mixer: str = "attention"
    whole: bool = False
    """A state of which every rank holds all."""


@dataclass(frozen=True, slots=True)
class LayerKeeps:
    """What one layer keeps on one GPU in an engine's own way, for a person to read."""

    token_bytes: float = 0
    """Of every token."""
    window_bytes: float = 0
    """Of a token in a window."""
    windows_bytes: float = 0
    """Of windows that are full."""
    state_bytes: int = 0
    """Of a sequence, whatever its length."""
    latent: bool = False
    """Whether the windows are of latent states, or beside such."""


@dataclass(frozen=True, slots=True)
class CacheTypes:
    """Bytes of a cached element, and of a state's element of the model's own type."""

    cache_dtype: str
    model_dtype: str

    @property
    def cache_bytes(self) -> int:
        """Bytes of one element of keys and values."""
        return ELEMENT_BYTES[self.cache_dtype]

    def state_bytes(self, dtype: str) -> int:
        """Bytes of one element of a recurrent state."""
        return ELEMENT_BYTES[self.model_dtype if dtype == "auto" else dtype]

    @property
    def conv_bytes(self) -> int:
        """Bytes of one element of a convolution state, which is kept in the model's type."""
        return ELEMENT_BYTES[self.model_dtype]


#: What the states of short convolutions are called.
SHORT_CONVOLUTIONS = "short_convolutions"
#: Heads beyond this width need another attention kernel.
WIDEST_HEAD = 256


#: Bytes of a token's three positions beside its raw index key (``qsa_cache.py``: int64, for multimodal positions).
POSITIONS_BYTES = 24


def _averaged_index(i: Indexer) -> list[LayerCache]:
    """A key of several tokens, and a ring of the keys that are not yet averaged (vLLM models/qwen4_exp)."""
    key = i.head_dim * ELEMENT_BYTES["bfloat16"]
    return [
        LayerCache("full", token_bytes=key // i.tokens_per_key, mixer="indexer"),
        LayerCache("ring", token_bytes=key + POSITIONS_BYTES, span=i.tokens_per_key, mixer="indexer"),
    ]


def _index(i: Indexer) -> LayerCache:
    size = float8_index_bytes(i.head_dim) if i.cache == "float8" else i.head_dim * ELEMENT_BYTES["bfloat16"]
    # A block holds whole keys; of those released 132 bytes are shared by 4 tokens.
    return LayerCache("full", token_bytes=ceil_div(size, i.tokens_per_key), latent=True, sparse=True, mixer="indexer")


def _attention(m: Attention, tp: int, t: CacheTypes) -> list[LayerCache]:
    if m.shares_cache:
        return []
    heads = max(1, m.num_key_value_heads // tp)
    size = heads * (m.head_dim + (m.v_head_dim or m.head_dim)) * t.cache_bytes
    if m.sliding_window:
        kind: CacheKind = "sliding"
    elif m.attention_chunk_size:
        kind = "chunked"
    else:
        kind = "full"
    caches = [
        LayerCache(
            kind,
            token_bytes=size,
            span=m.sliding_window or m.attention_chunk_size,
            sparse=m.indexer is not None and m.indexer.tokens_per_key == 1,
            wide=m.head_dim > WIDEST_HEAD,
        )
    ]
    if m.indexer and m.indexer.tokens_per_key > 1:
        caches += _averaged_index(m.indexer)
    elif m.indexer:
        caches.append(_index(m.indexer))
    if c := m.short_convolutions:
        channels = heads * (m.head_dim + (m.v_head_dim or m.head_dim)) + 2 * (c.hidden_size // tp)
        caches += _state((c.conv_kernel - 1) * channels * t.conv_bytes, SHORT_CONVOLUTIONS)
    return caches


#: Bytes per token of the float8 latent cache of sparse attention: 512 values, 16 of scales, 64 rotary in bfloat16.
FLOAT8_SPARSE_LATENT_BYTES = 656


def _latent(m: LatentAttention, tp: int, t: CacheTypes) -> list[LayerCache]:
    sparse = m.sparse or m.indexer is not None
    size = (m.kv_lora_rank + m.qk_rope_head_dim) * t.cache_bytes
    if sparse and t.cache_bytes == 1 and m.qk_rope_head_dim:
        # Without a rotary part the values are cached as they are (GLM-5.3 Flash, on data-center Blackwell).
        size = FLOAT8_SPARSE_LATENT_BYTES
    latent = LayerCache("full", token_bytes=size, latent=True, sparse=sparse, mixer="latent")
    if m.indexer is None:
        return [latent]
    if m.indexer.tokens_per_key == 1:
        return [_index(m.indexer), latent]
    # Beside pooled keys, a ring of the keys and gates, in bfloat16, of the tokens that do not fill one yet
    # (vLLM models/glm5next/common/attention.py: Glm5NextTailCache, without drafts).
    waiting = 2 * m.indexer.head_dim * ELEMENT_BYTES["bfloat16"]
    ring = LayerCache("ring", token_bytes=waiting, span=m.indexer.tokens_per_key, latent=True, mixer="indexer")
    return [_index(m.indexer), latent, ring]


def _state(size: int, mixer: str) -> list[LayerCache]:
    return [LayerCache("state", state_bytes=size, mixer=mixer)]


def _mamba1(m: Mamba1, tp: int, t: CacheTypes) -> list[LayerCache]:
    inner = m.intermediate_size // tp
    return _state(inner * (m.conv_kernel - 1) * t.conv_bytes + inner * m.state_size * t.state_bytes("auto"), "mamba1")


def _mamba2(m: Mamba2, tp: int, t: CacheTypes) -> list[LayerCache]:
    groups = m.n_groups if m.n_groups % tp == 0 else tp
    conv = (m.num_heads * m.head_dim + 2 * groups * m.state_size) // tp
    state = m.num_heads // tp * m.head_dim * m.state_size
    return _state(conv * (m.conv_kernel - 1) * t.conv_bytes + state * t.state_bytes(m.state_dtype), "mamba2")


def _gated_delta(m: GatedDeltaNet, tp: int, t: CacheTypes) -> list[LayerCache]:
    conv = (2 * m.num_k_heads * m.head_k_dim + m.num_v_heads * m.head_v_dim) // tp
    state = m.num_v_heads // tp * m.head_v_dim * m.head_k_dim
    return _state(conv * (m.conv_kernel - 1) * t.conv_bytes + state * t.state_bytes(m.state_dtype), "gated_delta_net")


def _kimi_delta(m: KimiDeltaAttention, tp: int, t: CacheTypes) -> list[LayerCache]:
    conv, state = 3 * m.num_heads * m.head_dim // tp, m.num_heads // tp * m.head_dim * m.head_dim
    return _state(
        conv * (m.conv_kernel - 1) * t.conv_bytes + state * t.state_bytes(m.state_dtype), "kimi_delta_attention"
    )


def _linear(m: LinearAttention, tp: int, t: CacheTypes) -> list[LayerCache]:
    return _state(
        m.num_attention_heads // tp * m.head_dim * m.head_dim * t.state_bytes(m.state_dtype), "linear_attention"
    )


def _short_convolution(m: ShortConvolution, tp: int, t: CacheTypes) -> list[LayerCache]:
    return _state(m.width // tp * (m.conv_kernel - 1) * t.conv_bytes, "short_convolution")


def _stream_convolution(m: StreamConvolution, tp: int, t: CacheTypes) -> list[LayerCache]:
    size = m.width * (m.conv_kernel - 1) * m.dilation * t.conv_bytes
    # Its prefill leaves checkpoints where the delta rule's does (vLLM qwen4_exp/nvidia/ple_layer.py).
    return [LayerCache("state", state_bytes=size, mixer="gated_delta_net", whole=True)]


def _compressed(m: CompressedAttention, tp: int, t: CacheTypes) -> list[LayerCache]:
    raise NotImplementedError("engines allocate compressed attention in a format of their own")


_CACHES: dict[type, Callable[[Any, int, CacheTypes], list[LayerCache]]] = {
    Attention: _attention,
    LatentAttention: _latent,
    CompressedAttention: _compressed,
    Mamba1: _mamba1,
    Mamba2: _mamba2,
    GatedDeltaNet: _gated_delta,
    KimiDeltaAttention: _kimi_delta,
    LinearAttention: _linear,
    ShortConvolution: _short_convolution,
    StreamConvolution: _stream_convolution,
}


def block_caches(block: Block, tensor_parallel_size: int, types: CacheTypes) -> list[LayerCache]:
    """What one layer of this block caches on one rank; empty where it has no mixer of its own to cache for."""
    caches: list[LayerCache] = []
    for mixer in (block.mixer, block.second_mixer):
        if mixer is not None:
            caches += _CACHES[type(mixer)](mixer, tensor_parallel_size, types)
    return caches * block.passes
