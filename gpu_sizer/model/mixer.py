"""What every kind of token mixer answers: its tensors, what it caches, how wide it is at work, and itself in words.

A kind is one module of :mod:`gpu_sizer.model.mixers`, whose class holds the facts of a card (field names are those of
Hugging Face configurations) and overrides what is its own. Engines ask for the traits below, not for the class.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.model.builder import Builder
    from gpu_sizer.model.caches import CacheTypes, LayerCache
    from gpu_sizer.model.indexer import Indexer
    from gpu_sizer.model.short_convolutions import ShortConvolutions
    from gpu_sizer.model.tensor import Tensor


class Mixer:
    """A token mixer: attention of some kind, or a state-space / linear mixer."""

    __slots__ = ()

    prefix = "self_attn."
    """The module's name in checkpoints."""
    kind: str
    """As in a card; the name of the kind's module."""
    latent = False
    """Caches one latent for all heads."""
    compressed = False
    """Caches compressed states of several tokens, in a format of the engine's own."""
    sliding_window: int | None = None
    indexer: Indexer | None = None
    short_convolutions: ShortConvolutions | None = None

    @property
    def heads(self) -> int:
        """Query heads of attention that is cut by them; 0 for other kinds."""
        return 0

    @property
    def kv_heads(self) -> int:
        """Heads whose keys and values are cached; 0 for other kinds."""
        return 0

    @property
    def rotary_width(self) -> int | None:
        """Width of the part of a head that the engine's one table of rotary positions serves; null without."""
        return None

    @property
    def index_width(self) -> int:
        """Width of an indexer's key; 0 without one."""
        return self.indexer.head_dim if self.indexer else 0

    @property
    def tokens_per_key(self) -> int:
        """Tokens that share one index key; 1 without an indexer, too."""
        return self.indexer.tokens_per_key if self.indexer else 1

    @property
    def reads_states(self) -> bool:
        """Whether it reads compressed states that an earlier layer makes."""
        return False

    def tensors(self, hidden: int, b: Builder) -> Iterator[Tensor]:
        """The tensors of one layer.

        Args:
            hidden: width of the residual stream.
            b: makes them, in the model's storage type.
        """
        raise NotImplementedError

    def caches(self, tp: int, t: CacheTypes) -> list[LayerCache]:
        """What one layer keeps on one rank.

        Args:
            tp: tensor parallel size.
            t: bytes of what is cached.
        """
        raise NotImplementedError

    def values(self, tp: int) -> int:
        """Values a token that it holds at once on one of so many ranks, beside the residual stream; 0: not known."""
        return 0

    def absorbed_values(self, tp: int) -> int:
        """Values of a latent's up-projections on one rank, which kernels absorb into queries and outputs."""
        return 0

    def words(self) -> str:
        """What it caches, as a formula in words."""
        return "a constant state per sequence"
