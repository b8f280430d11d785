"""What no server can exceed: every byte of the weights read once a step at full bandwidth, every operation at peak.

A token is given the experts that it needs alone, nothing is lost between kernels, links are infinitely fast, and the
cache of other requests costs nothing. Whatever is faster was not measured on this model and these GPUs.
"""

from __future__ import annotations

from gpu_sizer.speed.formulas import larger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.speed.case import Case, Number


def _operations(c: Case) -> Number:
    """Seconds of one token's multiplications on all GPUs together, at their peak."""
    ranks = c.tensor * c.pipeline * c.data
    narrow = 2 * c.dense_parameters / c.dense_rate + 2 * c.expert_parameters / c.expert_rate
    return narrow / ranks


def _bytes(c: Case) -> Number:
    """Seconds of reading what one token needs, at full bandwidth."""
    experts = c.expert_bytes * c.experts_per_token / c.experts
    whole = (c.dense_bytes + c.head_bytes) / c.tensor + experts / (c.tensor * c.data)
    return (whole + c.cache_bytes * c.pipeline) / c.bandwidth


def least_token_seconds(c: Case) -> Number:
    """The least time from a token of an answer to its next, however few requests run."""
    return _bytes(c)


def most_tokens_per_second(c: Case, users: Number) -> Number:
    """The most output tokens a second in all: of so many requests at once, and of the operations with their prompts."""
    work = _operations(c)
    of_requests = users / larger(_bytes(c), 0.0)
    of_operations = c.answer / (work * (c.answer + c.prompt))
    return (of_requests + of_operations - abs(of_requests - of_operations)) / 2
