"""What a layer's cache keeps of a request, as vLLM's ``KVCacheSpec`` classes tell it: how many blocks it takes.

Each answers for one length or for an array of lengths by the same formula. Source: vLLM 0.32/0.33,
``v1/kv_cache_interface.py``.
"""

from __future__ import annotations

from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div, lesser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.units import Whole


class Spec:
    """A kind of cache."""

    __slots__ = ()

    kind: str
    grows = False
    """Whether it takes more blocks the longer a request is, without an end."""
    span: int | None = None
    """Tokens that a window or chunk keeps."""

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """Blocks that one request takes at most, on each of the ranks that share its tokens."""
        raise NotImplementedError

    def entries(self, context: Whole, block_size: int) -> Whole:
        """Entries of a request's row in the block table.

        Windows and states are looked up by position like all others (``max_num_blocks_per_req``).
        """
        return ceil_div(context, block_size)


@dataclass(frozen=True, slots=True)
class Full(Spec):
    """Every token (``FullAttentionSpec``)."""

    kind = "full"
    grows = True

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """Blocks of all tokens; no other kind is spread over ranks of decode context parallelism (``dcp_sharded``)."""
        return ceil_div(ceil_div(context, context_parallel), block_size)


@dataclass(frozen=True, slots=True)
class Sliding(Spec):
    """The latest tokens (``SlidingWindowSpec``)."""

    span: int

    kind = "sliding"

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """Blocks of the window and of what is in flight, and one more, since a window may begin inside a block."""
        return ceil_div(lesser(self.span - 1 + tokens_in_flight, context), block_size) + 1


@dataclass(frozen=True, slots=True)
class Chunked(Spec):
    """The tokens of a chunk (``ChunkedLocalAttentionSpec``)."""

    span: int

    kind = "chunked"

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """Blocks of the chunk and of what is in flight."""
        return ceil_div(lesser(self.span + tokens_in_flight, context), block_size)


@dataclass(frozen=True, slots=True)
class State(Spec):
    """A state, whatever the length (``MambaSpec``)."""

    count: int = 1
    """Its copies: with prefix caching, of several boundaries."""
    whole: bool = False
    """Every rank holds all of it: such states are grouped by themselves."""

    kind = "state"

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """A block a copy."""
        return self.count + 0 * context


@dataclass(frozen=True, slots=True)
class EveryState(Spec):
    """A state at every boundary of blocks (``MambaSpec`` in the mode "all")."""

    ahead: int = 0
    """Further copies, for tokens drafted ahead."""

    kind = "state"
    grows = True

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """A block for each boundary."""
        return ceil_div(context, block_size) + self.ahead


@dataclass(frozen=True, slots=True)
class Ring(Spec):
    """The few tokens of a request that are not pooled yet."""

    kind = "ring"

    def blocks(self, context: Whole, tokens_in_flight: int, block_size: int, context_parallel: int) -> Whole:
        """One block."""
        return 1 + 0 * context

    def entries(self, context: Whole, block_size: int) -> Whole:
        """One entry."""
        return 1 + 0 * context


FULL, RING = Full(), Ring()
