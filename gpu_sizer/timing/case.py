"""One model on some GPUs under one load, in the numbers that the formulas take: plain ones, or arrays of many cases."""

from __future__ import annotations

from math import log2

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.timing.hardware import Hardware
    from gpu_sizer.timing.work import Work

    Number = Any
    """A float, or a numpy array of floats: every formula takes both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the formulas see of a model, its GPUs, their layout and the load."""

    tensor: Number
    pipeline: Number
    data: Number
    """Groups of GPUs that each attend to requests of their own and share the experts."""
    rounds: Number
    """Rounds of messages until every GPU of a stage has heard of all others; 0 where there is one."""
    dense_bytes: Number
    dense_parameters: Number
    expert_bytes: Number
    expert_parameters: Number
    """Of the experts that one token uses."""
    head_bytes: Number
    head_parameters: Number
    experts: Number
    experts_per_token: Number
    layers: Number
    expert_layers: Number
    latent_layers: Number
    state_layers: Number
    scaled_layers: Number
    """Layers whose activations are brought to fewer bits before they meet the weights."""
    hidden_size: Number
    prompt_scores: Number
    """Operations of attention of one whole prompt."""
    step_scores: Number
    """Operations of attention of one decoded token."""
    cache_bytes: Number
    """Read by one GPU for one request's token."""
    prompt: Number
    answer: Number
    bandwidth: Number
    dense_rate: Number
    expert_rate: Number
    wide_rate: Number
    """Operations a second in 16 bits, in which attention and the head are computed."""
    link_bandwidth: Number


def case_of(
    work: Work,
    hardware: Hardware,
    tensor: int,
    pipeline: int,
    data: int,
    *,
    prompt: float,
    answer: float,
    cache_bytes: float,
) -> Case:
    """The case of a model's work on a layout of GPUs.

    Args:
        work: of the model.
        hardware: of each GPU.
        tensor: ranks over which every layer is cut.
        pipeline: stages.
        data: groups that share the experts.
        prompt: tokens of a prompt.
        answer: tokens of an answer.
        cache_bytes: what one GPU reads of one request's cache for a token, at the mean length of its answer.
    """
    return Case(
        tensor=tensor,
        pipeline=pipeline,
        data=data,
        rounds=log2(tensor * data),
        dense_bytes=work.dense.bytes,
        dense_parameters=work.dense.parameters,
        expert_bytes=work.routed.bytes,
        expert_parameters=work.routed.parameters,
        head_bytes=work.head.bytes,
        head_parameters=work.head.parameters,
        experts=work.experts,
        experts_per_token=work.experts_per_token,
        layers=work.layers,
        expert_layers=work.expert_layers,
        latent_layers=work.latent_layers,
        state_layers=work.state_layers,
        scaled_layers=work.layers if min(work.dense.bits, work.routed.bits or 16) <= 8 else 0,
        hidden_size=work.hidden_size,
        prompt_scores=work.prompt_score_operations(prompt),
        step_scores=work.step_score_operations(prompt + answer / 2),
        cache_bytes=cache_bytes,
        prompt=prompt,
        answer=answer,
        bandwidth=hardware.bandwidth,
        dense_rate=hardware.rate(work.dense.bits),
        expert_rate=hardware.rate(work.routed.bits),
        wide_rate=hardware.rate16,
        link_bandwidth=hardware.link_bandwidth,
    )
