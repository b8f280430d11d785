"""The tensors of dense feed-forwards and mixtures of experts."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.cards.feed_forwards import Dense, FeedForward, MixtureOfExperts
from gpu_sizer.model.tensor import Split, Tensor

WIDTH = "feed-forward width"


def _projections(
    prefix: str, part: str, hidden: int, width: int, gated: bool, bias: bool, fmt: str, what: str
) -> Iterator[Tensor]:
    for name in ("gate_proj", "up_proj") if gated else ("up_proj",):
        yield Tensor(f"{prefix}{name}.weight", (width, hidden), part, fmt, Split(0, width, what), is_linear=True)
        if bias:
            yield Tensor(f"{prefix}{name}.bias", (width,), part, fmt, Split(0, width, what))
    yield Tensor(f"{prefix}down_proj.weight", (hidden, width), part, fmt, Split(1, width, what), is_linear=True)
    if bias:
        yield Tensor(f"{prefix}down_proj.bias", (hidden,), part, fmt)


def _experts(m: MixtureOfExperts, hidden: int, fmt: str, name: str, inner: int, active: int) -> Iterator[Tensor]:
    width = m.latent_size or hidden
    for t in _projections(
        f"mlp.{name}.{{expert}}.", "experts", width, inner, m.gated, m.expert_bias, fmt, "expert width"
    ):
        yield Tensor(
            t.name,
            t.shape,
            t.part,
            t.fmt,
            t.split,
            copies=m.num_experts,
            active_copies=active,
            is_expert=True,
            is_linear=t.is_linear,
        )


def _mixture(m: MixtureOfExperts, hidden: int, fmt: str) -> Iterator[Tensor]:
    router_fmt = "float32" if m.router_dtype == "float32" else fmt
    yield Tensor("mlp.gate.weight", (m.num_experts, hidden), "router", router_fmt)
    if m.router_bias:
        yield Tensor("mlp.gate.bias", (m.num_experts,), "router", router_fmt)
    if m.score_correction_bias:
        yield Tensor("mlp.gate.e_score_correction_bias", (m.num_experts,), "router", "float32", is_parameter=False)
    if m.latent_size:
        yield Tensor("mlp.fc1_latent_proj.weight", (m.latent_size, hidden), "experts", fmt, is_linear=True)
        yield Tensor("mlp.fc2_latent_proj.weight", (hidden, m.latent_size), "experts", fmt, is_linear=True)
    yield from _experts(m, hidden, fmt, "experts", m.moe_intermediate_size, m.num_experts_per_tok)
    if m.vision_intermediate_size:
        # A token is of a picture or it is not: it counts as one of the text, whose experts are the larger.
        yield Tensor("mlp.vision_gate.weight", (m.num_experts, hidden), "router", router_fmt, active_copies=0)
        if m.score_correction_bias:
            name = "mlp.vision_gate.e_score_correction_bias"
            yield Tensor(name, (m.num_experts,), "router", "float32", is_parameter=False)
        yield from _experts(m, hidden, fmt, "vision_experts", m.vision_intermediate_size, 0)
    if m.num_shared_experts:
        yield from _projections(
            "mlp.shared_experts.", "shared_experts", hidden, m.shared_width, m.gated, False, fmt, "shared expert width"
        )
    if m.shared_expert_gate:
        yield Tensor("mlp.shared_expert_gate.weight", (1, hidden), "shared_experts", fmt)


def feed_forward_tensors(feed_forward: FeedForward, hidden_size: int, fmt: str, prefix: str = "mlp.") -> list[Tensor]:
    """The tensors of one layer's feed-forward, in the model's storage type."""
    if isinstance(feed_forward, Dense):
        f = feed_forward
        return list(_projections(prefix, "mlp", hidden_size, f.intermediate_size, f.gated, f.bias, fmt, WIDTH))
    return list(_mixture(feed_forward, hidden_size, fmt))
