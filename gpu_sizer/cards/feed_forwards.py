"""Feed-forward blocks as a card describes them: dense, or a mixture of experts."""

from __future__ import annotations

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.cards.constraints import NonNegativeInt, PositiveInt


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A dense feed-forward (MLP)."""

    kind: Literal["dense"] = "dense"
    intermediate_size: PositiveInt
    """Inner width."""
    gated: bool = True
    """Gate, up and down projections (SwiGLU and its kin); otherwise up and down only."""
    bias: bool = False
    """Biases on its projections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureOfExperts:
    """Routed experts, with shared experts beside them where the model has these."""

    kind: Literal["mixture_of_experts"] = "mixture_of_experts"
    num_experts: PositiveInt
    """Routed experts in a layer."""
    num_experts_per_tok: PositiveInt
    """Routed experts that a token uses."""
    moe_intermediate_size: PositiveInt
    """Inner width of one routed expert."""
    gated: bool = True
    """Gate, up and down projections; otherwise up and down only."""
    expert_bias: bool = False
    """Biases on the experts' projections (gpt-oss)."""
    router_bias: bool = False
    """Bias on the router (gpt-oss)."""
    score_correction_bias: bool = False
    """A float32 bias per expert that steers the choice (DeepSeek-V3); a buffer, not a parameter."""
    router_dtype: Literal["model", "float32"] = "model"
    """Type in which the router's weight is kept."""
    num_shared_experts: NonNegativeInt = 0
    """Shared experts; they act as one dense feed-forward of the summed width."""
    shared_expert_intermediate_size: PositiveInt | None = None
    """Inner width of all shared experts together; null is num_shared_experts x the expert width."""
    shared_expert_gate: bool = False
    """A learned gate (hidden_size x 1) on the shared experts' output (Qwen)."""
    latent_size: PositiveInt | None = None
    """Experts work in this narrower width, between two projections (Nemotron 3 Super)."""
    vision_intermediate_size: PositiveInt | None = None
    """Inner width of a second set of as many experts, which tokens of pictures use instead (ERNIE 4.5 VL)."""

    def __post_init__(self) -> None:
        if self.num_experts_per_tok > self.num_experts:
            raise ValueError(
                f"num_experts_per_tok ({self.num_experts_per_tok}) exceeds num_experts ({self.num_experts})"
            )
        if self.shared_expert_intermediate_size and not self.num_shared_experts:
            raise ValueError("shared_expert_intermediate_size without num_shared_experts")

    @property
    def shared_width(self) -> int:
        """Inner width of the shared experts together; 0 where there are none."""
        return self.shared_expert_intermediate_size or self.num_shared_experts * self.moe_intermediate_size


FeedForward = Dense | MixtureOfExperts
