"""What a model asks of its GPUs: bytes to read and operations to do, by kind, for a token and for a prompt.

Every figure is counted from the inventory of tensors; nothing is a rule of thumb. A multiplication by a matrix of
``n`` parameters takes ``2 n`` operations a token.
"""

from __future__ import annotations

from collections import Counter

from gpu_sizer.model.formats import storage_bytes
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.model.architecture import Architecture
    from gpu_sizer.model.inventory import Inventory
    from gpu_sizer.model.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that a token uses: bytes of all of them, parameters of those that it is multiplied by."""

    bytes: float = 0.0
    parameters: float = 0.0
    bits: int = 16
    """Bits in which most of them are multiplied, on a GPU that computes in so few."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Attention of some layers: operations for a query and a key, and how far a query sees."""

    layers: int
    prompt_operations: float
    """For one pair of tokens of a prompt, all heads: scores and the weighted sum."""
    step_operations: float
    """The same while decoding from the cache; more where heads meet in a shared latent."""
    window: int | None
    """Tokens that a query sees; null is all."""

    def pairs(self, prompt: float) -> float:
        """Pairs of a prompt's tokens of which each query sees those before it."""
        if self.window is None or self.window >= prompt:
            return prompt * prompt / 2
        return self.window * (prompt - self.window / 2)


@dataclass(frozen=True, slots=True)
class Work:
    """What one token, and one prompt, take."""

    dense: Weights
    """Everything in the stack that every token uses."""
    routed: Weights
    """Routed experts: bytes of all, parameters of those that one token uses."""
    head: Weights
    experts: int
    experts_per_token: int
    layers: int
    expert_layers: int
    latent_layers: int
    """Layers whose heads meet in a shared latent (MLA)."""
    state_layers: int
    """Layers that keep a state instead of keys and values."""
    hidden_size: int
    scores: tuple[Scores, ...]

    def prompt_score_operations(self, prompt: float) -> float:
        """Operations of all attention of one prompt."""
        return sum(s.layers * s.prompt_operations * s.pairs(prompt) for s in self.scores)

    def step_score_operations(self, context: float) -> float:
        """Operations of attention of one decoded token that sees a context."""
        return sum(s.layers * s.step_operations * min(context, s.window or context) for s in self.scores)


#: Formats whose values are widened to 16 bits before they are multiplied, on any GPU.
WEIGHT_ONLY = ("int4",)
#: Rows and columns of a matrix that is large beside its scales.
_LARGE = 1 << 14


def bits_of(fmt: str) -> int:
    """Bits in which weights of a format are multiplied, where the GPU computes in so few: 4, 8 or 16."""
    if fmt.startswith(WEIGHT_ONLY):
        return 16
    return min(16, storage_bytes((_LARGE, _LARGE), fmt) * 8 // _LARGE**2 // 4 * 4)


def _weights(tensors: list[tuple[Tensor, int]]) -> Weights:
    size, parameters, by_bits = 0, 0, Counter[int]()
    for t, layers in tensors:
        held = storage_bytes(t.shape, t.fmt) * t.copies * layers
        size, parameters = size + held, parameters + t.active_parameters * layers
        by_bits[bits_of(t.fmt)] += t.parameters * layers
    return Weights(size, parameters, by_bits.most_common(1)[0][0] if by_bits else 16)


def _scores_of(mixer: Any, layers: int) -> Scores | None:
    """The attention of a mixer in so many layers; null where it attends to nothing, as a state does."""
    heads, rank = getattr(mixer, "num_attention_heads", 0), getattr(mixer, "kv_lora_rank", None)
    if rank is not None:
        rope = mixer.qk_rope_head_dim
        wide = mixer.qk_nope_head_dim + rope + mixer.v_head_dim
        return Scores(layers, 2 * heads * wide, 2 * heads * (2 * rank + rope), None)
    if getattr(mixer, "num_key_value_heads", None) is None:
        return None
    operations = 2 * heads * (mixer.head_dim + (mixer.v_head_dim or mixer.head_dim))
    return Scores(layers, operations, operations, mixer.sliding_window or mixer.attention_chunk_size)


def _attention(architecture: Architecture, layers: Counter[str]) -> tuple[tuple[Scores, ...], int, int]:
    """Attention by kinds of layers; how many layers have a latent, and how many a state."""
    scored, latent, states = [], 0, 0
    for name, count in layers.items():
        block = architecture.blocks[name]
        for mixer in filter(None, (block.mixer, block.second_mixer)):
            if (scores := _scores_of(mixer, count)) is not None:
                scored.append(scores)
                latent += count if hasattr(mixer, "kv_lora_rank") else 0
            else:
                states += count
    return tuple(scored), latent, states


def work_of(card: ModelCard, inventory: Inventory) -> Work:
    """What a model in the types of this inventory asks of its GPUs; towers, which see pictures alone, left out."""
    routed: list[tuple[Tensor, int]] = []
    dense: list[tuple[Tensor, int]] = []
    layers = Counter(inventory.layer_names)
    expert_layers = 0
    for name, count in layers.items():
        tensors = inventory.blocks[name]
        expert_layers += count if any(t.is_expert for t in tensors) else 0
        for t in tensors:
            if not t.on_host:
                (routed if t.is_expert else dense).append((t, count * card.architecture.blocks[name].passes))
    dense += [(t, 1) for t in inventory.final]
    head = [t for t in (inventory.embedding if inventory.tied else inventory.head) if t.is_vocabulary]
    scores, latent, states = _attention(card.architecture, layers)
    return Work(
        dense=_weights(dense),
        routed=_weights(routed),
        head=_weights([(t, 1) for t in head]),
        experts=max((t.copies for t, _ in routed), default=1),
        experts_per_token=max((t.active_copies for t, _ in routed), default=1),
        layers=len(inventory.layer_names),
        expert_layers=expert_layers,
        latent_layers=latent,
        state_layers=states,
        hidden_size=card.architecture.hidden_size,
        scores=scores,
    )
