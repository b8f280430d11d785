"""What a layer keeps while it serves, on one tensor-parallel rank: bytes per token, or a state per sequence.

These are facts of the model; how an engine allocates them in blocks and groups is the engine's own rule. Engines ask
for the traits of a cache (latent, sparse, whole ...), not for the kind of mixer that has it.
"""

from __future__ import annotations

from gpu_sizer.model.formats import ELEMENT_BYTES, FLOAT32_BYTES
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    CacheKind = Literal["full", "sliding", "chunked", "state", "ring"]

#: Values under one float32 scale in a float8 index cache (DeepSeek V3.2).
INDEX_SCALE_GROUP = 128
#: What the states of short convolutions are called.
SHORT_CONVOLUTIONS = "short_convolutions"
#: What the keys of indexers are called.
INDEXER = "indexer"


def float8_index_bytes(width: int) -> int:
    """Bytes of one index key in float8, with its scales."""
    return width + width // INDEX_SCALE_GROUP * FLOAT32_BYTES


#: Types of the cache with a float32 scale for each head of each token, of keys and of values (vLLM 0.24,
#: v1/kv_cache_interface.py: AttentionSpec.page_size_bytes).
SCALED_BY_HEAD = ("int8_per_token_head", "fp8_per_token_head")


@dataclass(frozen=True, slots=True)
class LayerCache:
    """One cache of one layer on one rank.

    ``token_bytes`` is per token (0 for a state), ``state_bytes`` per sequence (0 for attention), ``span`` the
    window, the chunk or the ring in tokens.
    """

    kind: CacheKind
    token_bytes: int = 0
    state_bytes: int = 0
    span: int | None = None
    latent: bool = False
    """Whole token rows, which cannot be padded freely."""
    sparse: bool = False
    """Of attention that picks its tokens."""
    wide: bool = False
    """Heads wider than usual kernels take."""
    mixer: str = "attention"
    """What keeps it: attention, latent, indexer, short_convolutions, or the kind of the mixer of a state."""
    whole: bool = False
    """A state of which every rank holds all."""
    heads: int = 0
    """The rank's heads to whose keys and values a latent would be expanded; 0 for other caches."""
    values: int = 0
    """Values of a latent's record, whatever their type; 0 for other caches."""


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
    drafted: int = 0
    """Tokens drafted ahead, whose inputs convolutions keep beside their own."""

    @property
    def cache_bytes(self) -> int:
        """Bytes of one element of keys and values."""
        return 1 if self.cache_dtype in SCALED_BY_HEAD else ELEMENT_BYTES[self.cache_dtype]

    @property
    def scale_bytes(self) -> int:
        """Bytes beside the keys, and beside the values, of one head of a token."""
        return ELEMENT_BYTES["float32"] if self.cache_dtype in SCALED_BY_HEAD else 0

    def state_bytes(self, dtype: str) -> int:
        """Bytes of one element of a recurrent state."""
        return ELEMENT_BYTES[self.model_dtype if dtype == "auto" else dtype]

    @property
    def conv_bytes(self) -> int:
        """Bytes of one element of a convolution state, which is kept in the model's type."""
        return ELEMENT_BYTES[self.model_dtype]


def state(size: int, mixer: str, *, whole: bool = False) -> LayerCache:
    """A state of so many bytes a sequence."""
    return LayerCache("state", state_bytes=size, mixer=mixer, whole=whole)
