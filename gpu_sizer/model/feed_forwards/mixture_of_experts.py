"""A mixture of experts."""

from __future__ import annotations

from gpu_sizer.model.feed_forward import FeedForward, projections
from gpu_sizer.model.tensor import Tensor
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.model.constraints import NonNegativeInt, PositiveInt


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureOfExperts(FeedForward):
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
    def dense_width(self) -> int:
        """Inner width of the shared experts together; 0 where there are none."""
        return self.shared_expert_intermediate_size or self.num_shared_experts * self.moe_intermediate_size

    def _experts(self, hidden: int, fmt: str, name: str, inner: int, active: int) -> Iterator[Tensor]:
        width = self.latent_size or hidden
        prefix = f"mlp.{name}.{{expert}}."
        for t in projections(prefix, "experts", width, inner, self.gated, self.expert_bias, fmt, "expert width"):
            yield replace(t, copies=self.num_experts, active_copies=active, is_expert=True)

    def tensors(self, hidden: int, fmt: str) -> Iterator[Tensor]:
        """Router, routed and shared experts."""
        router_fmt = "float32" if self.router_dtype == "float32" else fmt
        yield Tensor("mlp.gate.weight", (self.num_experts, hidden), "router", router_fmt)
        if self.router_bias:
            yield Tensor("mlp.gate.bias", (self.num_experts,), "router", router_fmt)
        if self.score_correction_bias:
            name = "mlp.gate.e_score_correction_bias"
            yield Tensor(name, (self.num_experts,), "router", "float32", is_parameter=False)
        if self.latent_size:
            yield Tensor("mlp.fc1_latent_proj.weight", (self.latent_size, hidden), "experts", fmt, is_linear=True)
            yield Tensor("mlp.fc2_latent_proj.weight", (hidden, self.latent_size), "experts", fmt, is_linear=True)
        yield from self._experts(hidden, fmt, "experts", self.moe_intermediate_size, self.num_experts_per_tok)
        if self.vision_intermediate_size:
            # A token is of a picture or it is not: it counts as one of the text, whose experts are the larger.
            yield Tensor("mlp.vision_gate.weight", (self.num_experts, hidden), "router", router_fmt, active_copies=0)
            if self.score_correction_bias:
                name = "mlp.vision_gate.e_score_correction_bias"
                yield Tensor(name, (self.num_experts,), "router", "float32", is_parameter=False)
            yield from self._experts(hidden, fmt, "vision_experts", self.vision_intermediate_size, 0)
        if self.num_shared_experts:
            prefix, what = "mlp.shared_experts.", "shared expert width"
            width, gated = self.dense_width, self.gated
            yield from projections(prefix, "shared_experts", hidden, width, gated, False, fmt, what)
        if self.shared_expert_gate:
            yield Tensor("mlp.shared_expert_gate.weight", (1, hidden), "shared_experts", fmt)
