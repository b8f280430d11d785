"""A model as an engine holds it: weights and caches of each layout, computed once."""

from __future__ import annotations

from functools import cached_property

from gpu_sizer.engines.doubts import may_keep_bytes
from gpu_sizer.errors import UncountableError
from gpu_sizer.memory.weights import WeightPlacement, refusal
from gpu_sizer.model.caches import INDEXER, SHORT_CONVOLUTIONS, CacheTypes
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.engines.held_drafter import HeldDrafter
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.memory.weights import StageWeights, WeightRules
    from gpu_sizer.model.architecture import Block
    from gpu_sizer.model.caches import LayerCache
    from gpu_sizer.model.inventory import Inventory

    Bounds = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Cells:
    """What the layers of one stage keep on one rank.

    ``full`` and ``windowed`` are bytes per token of layers that keep every token and of those that keep a window,
    ``states`` bytes per sequence; ``window`` is the widest window in tokens.
    """

    full: int = 0
    windowed: int = 0
    states: int = 0
    window: int = 0


def _plain(cache: LayerCache, block: Block, types: CacheTypes) -> LayerCache:
    """A layer's cache, with index keys in the cache's own type."""
    if cache.mixer != INDEXER or cache.span is not None:
        return cache
    return replace(cache, token_bytes=sum([m.index_width for m in block.mixers]) * types.cache_bytes)


def _with_own_cache(block: Block) -> Block:
    """The block, with caches of its own where its mixers read those of earlier layers."""
    made = {
        name: replace(mixer, shares_cache=False)
        for name in ("mixer", "second_mixer")
        if getattr(mixer := getattr(block, name), "shares_cache", False)
    }
    return replace(block, **made) if made else block


class HeldModel:
    """One model under the weight rules of one engine."""

    counts_compressed = False
    """Whether the engine's pools of compressed attention are counted."""
    plain_index_keys = False
    """Whether the keys of indexers are cached in the cache's own type, and not in float8 beside their scales."""
    pools_every_layer = False
    """Whether layers that read the caches of earlier ones have room for caches of their own."""
    drafter: HeldDrafter | None = None
    """What drafts for it; null for most, and on engines on which nothing does."""

    def __init__(self, card: ModelCard, inventory: Inventory, rules: WeightRules) -> None:
        """Prepares a model.

        Args:
            card: the model.
            inventory: its tensors in the types in which the engine holds them.
            rules: how the engine places them.

        Raises:
            UncountableError: it has compressed attention or pooled index keys, whose cache is not known for the engine.
        """
        self.card, self.inventory, self.rules = card, inventory, rules
        self._placements: dict[tuple[int, int], WeightPlacement] = {}
        self._weights: dict[tuple[int, int, tuple[tuple[int, int], ...]], list[StageWeights]] = {}
        self._caches: dict[tuple[int, CacheTypes], dict[str, list[LayerCache]]] = {}
        self._cells: dict[tuple[int, CacheTypes, tuple[tuple[int, int], ...], bool], list[Cells]] = {}
        self._refusals: dict[tuple[int, bool], str | None] = {}
        types = CacheTypes("bfloat16", "bfloat16")
        for block in card.architecture.blocks.values():
            for mixer in block.mixers:
                if mixer.compressed and self.counts_compressed:
                    continue
                # States of which every rank holds all are those of Qwen4's streams.
                if mixer.compressed or any(c.whole for c in mixer.caches(1, types)):
                    kind = type(mixer).__name__
                    raise UncountableError(
                        f"how this engine caches {card.name}'s layers ({kind}) is not known here; "
                        "vllm knows them (--engine vllm)",
                        about="model",
                    )
                if mixer.tokens_per_key > 1:
                    raise UncountableError(
                        f"how this engine caches the pooled index keys of {card.name} is not known here; "
                        "vllm knows them (--engine vllm)",
                        about="model",
                    )
        self.has_experts = inventory.has_experts
        self.has_latent = any(m.latent for b in card.architecture.blocks.values() for m in b.mixers)

    @cached_property
    def has_scaled_experts(self) -> bool:
        """Whether experts are stored with scales beside low-precision values."""
        return self.inventory.has_scaled_experts

    @property
    def layers(self) -> int:
        """Layers of the stack."""
        return len(self.inventory.layer_names)

    def refusal(self, layout: Layout) -> str | None:
        """Why a layout cannot hold the model's tensors, or null where it can."""
        stages = layout.pipeline_parallel_size
        if stages > self.layers or (stages > 1 and self.inventory.looped):
            return refusal(self.inventory, layout, self.rules)
        # All else that may be refused depends on neither stages nor replicas.
        key = (layout.tensor_parallel_size, layout.expert_parallel)
        if key not in self._refusals:
            self._refusals[key] = refusal(self.inventory, layout, self.rules)
        return self._refusals[key]

    def may_keep(self, layout: Layout) -> int:
        """Bytes more on a GPU of an accepted layout if the release kept what its name does not tell."""
        return may_keep_bytes(self.card, self.inventory, layout)

    def weights(self, tp: int, expert_ranks: int, bounds: Bounds) -> list[StageWeights]:
        """Weights on one rank of each stage; ``bounds`` are the first and past-the-last layers."""
        key = (tp, expert_ranks, tuple(bounds))
        if (kept := self._weights.get(key)) is None:
            kept = self._weights[key] = self._placement(tp, expert_ranks).stages_of(bounds)
        return kept

    def layer_weights(self, tp: int, expert_ranks: int, bounds: Bounds) -> tuple[int, ...]:
        """Weights of the layers alone on one rank of each stage."""
        return self._placement(tp, expert_ranks).layers_of(bounds)

    def _placement(self, tp: int, expert_ranks: int) -> WeightPlacement:
        if (kept := self._placements.get((tp, expert_ranks))) is None:
            kept = self._placements[tp, expert_ranks] = WeightPlacement(self.inventory, tp, expert_ranks, self.rules)
        return kept

    def caches(self, tp: int, types: CacheTypes) -> dict[str, list[LayerCache]]:
        """What each distinct layer keeps on one rank."""
        if (kept := self._caches.get((tp, types))) is None:
            blocks = self.card.architecture.blocks
            if self.pools_every_layer:
                blocks = {name: _with_own_cache(block) for name, block in blocks.items()}
            kept = {name: block.caches(tp, types) for name, block in blocks.items()}
            if self.plain_index_keys:
                kept = {name: [_plain(c, blocks[name], types) for c in caches] for name, caches in kept.items()}
            self._caches[tp, types] = kept
        return kept

    def refuse_states(self, title: str, kind: str | None = None) -> None:
        """Refuses a model for an engine, called ``title``, whose cache of states (of a kind, or any) is not known.

        Raises:
            UncountableError: some layers keep a state a sequence.
        """
        every = [c for caches in self.caches(1, CacheTypes("bfloat16", "bfloat16")).values() for c in caches]
        if any(c.state_bytes and kind in (None, c.mixer) for c in every):
            layers = "short convolutions" if kind == SHORT_CONVOLUTIONS else "state-space layers"
            raise UncountableError(
                f"{title}'s cache for the {layers} of {self.card.name} is not known here; vllm knows them "
                "(--engine vllm)",
                about="model",
            )

    def cells(self, tp: int, types: CacheTypes, bounds: Bounds, *, windows: bool) -> list[Cells]:
        """What the layers of each stage keep; without ``windows`` every attention layer keeps every token."""
        key = (tp, types, tuple(bounds), windows)
        if (kept := self._cells.get(key)) is None:
            kept = self._cells[key] = self._cells_of(tp, types, bounds, windows=windows)
        return kept

    def _cells_of(self, tp: int, types: CacheTypes, bounds: Bounds, *, windows: bool) -> list[Cells]:
        caches, names = self.caches(tp, types), self.inventory.layer_names
        # Most stages of a long pipeline hold the same layers.
        made: dict[tuple[str, ...], Cells] = {}
        result = []
        for start, stop in bounds:
            if (cells := made.get(layers := names[start:stop])) is not None:
                result.append(cells)
                continue
            full = windowed = states = window = 0
            for name in layers:
                for c in caches[name]:
                    states += c.state_bytes
                    if windows and c.span is not None:
                        windowed, window = windowed + c.token_bytes, max(window, c.span)
                    else:
                        full += c.token_bytes
            made[layers] = Cells(full, windowed, states, window)
            result.append(made[layers])
        return result
