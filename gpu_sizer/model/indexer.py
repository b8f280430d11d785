"""The indexer of sparse attention: its facts, its tensors beside two kinds of attention, and its caches."""

from __future__ import annotations

from gpu_sizer.model.builder import KV_HEADS
from gpu_sizer.model.caches import INDEXER, LayerCache, float8_index_bytes
from gpu_sizer.model.formats import ELEMENT_BYTES
from gpu_sizer.model.tensor import Split
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.constraints import PositiveInt
    from gpu_sizer.model.tensor import Tensor

#: Bytes of a token's three positions beside its raw index key (``qsa_cache.py``: int64, for multimodal positions).
POSITIONS_BYTES = 24


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

    @property
    def pools(self) -> bool:
        """Whether several tokens share a key."""
        return self.tokens_per_key > 1

    def tensors_beside_heads(self, hidden: int, kv_heads: int, b: Builder) -> Iterator[Tensor]:
        """Beside grouped-query attention of so many key/value heads."""
        if self.pools:
            # Qwen4 (vLLM models/qwen4_exp/nvidia/indexer_qsa.py): queries and the key are one projection, not cut.
            yield from b.linear("indexer.index_qk_proj", (self.num_heads + 1) * self.head_dim, hidden)
            yield b.plain("indexer.q_layernorm.weight", (self.head_dim,), part="norms")
            yield b.plain("indexer.k_layernorm.weight", (self.head_dim,), part="norms")
            return
        # MiniMax-M3: index queries by heads, one index key, both normed per head.
        by_head = Split(0, kv_heads, KV_HEADS, replicate=True)
        yield from b.linear("index_q_proj", self.num_heads * self.head_dim, hidden, by_head)
        yield from b.linear("index_k_proj", self.head_dim, hidden)
        yield b.plain("index_q_norm.weight", (self.head_dim,), part="norms")
        yield b.plain("index_k_norm.weight", (self.head_dim,), part="norms")

    def tensors_beside_latent(self, hidden: int, queries: int, b: Builder) -> Iterator[Tensor]:
        """Beside latent attention, whose queries come from this width."""
        yield from b.linear("indexer.wq_b", self.num_heads * self.head_dim, queries)
        # The engine fuses the key with the weights of heads, which stay unquantized, and so does the key.
        yield b.plain("indexer.wk.weight", (self.head_dim, hidden))
        yield b.plain("indexer.k_norm.weight", (self.head_dim,), part="attention", fmt="float32")
        yield b.plain("indexer.k_norm.bias", (self.head_dim,), part="attention", fmt="float32")
        yield b.plain("indexer.weights_proj.weight", (self.num_heads, hidden))
        if self.pools:
            # vLLM models/glm5next/common/attention.py: Indexer.
            yield b.plain("indexer.index_kpool_compress_ape", (self.tokens_per_key, self.head_dim), fmt="float32")
            yield b.plain("indexer.index_kpool_compress_gate", (self.head_dim, hidden))

    def keys(self) -> LayerCache:
        """The cached keys; a block holds whole ones, and of those released 132 bytes are shared by 4 tokens."""
        size = float8_index_bytes(self.head_dim) if self.cache == "float8" else self._plain_bytes
        tokens = ceil_div(size, self.tokens_per_key)
        return LayerCache("full", token_bytes=tokens, latent=True, sparse=True, mixer=INDEXER)

    @property
    def _plain_bytes(self) -> int:
        return self.head_dim * ELEMENT_BYTES["bfloat16"]

    def averaged_keys(self) -> list[LayerCache]:
        """A key of several tokens, and a ring of the keys that are not yet averaged (vLLM models/qwen4_exp)."""
        key, tokens = self._plain_bytes, self.tokens_per_key
        return [
            LayerCache("full", token_bytes=key // tokens, mixer=INDEXER),
            LayerCache("ring", token_bytes=key + POSITIONS_BYTES, span=tokens, mixer=INDEXER),
        ]

    def waiting_keys(self) -> LayerCache:
        """A ring of the keys and gates, in bfloat16, of the tokens that do not fill a weighed key yet.

        Source: vLLM models/glm5next/common/attention.py (Glm5NextTailCache, without drafts).
        """
        waiting = 2 * self._plain_bytes
        return LayerCache("ring", token_bytes=waiting, span=self.tokens_per_key, latent=True, mixer=INDEXER)
