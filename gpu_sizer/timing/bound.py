"""What no server can exceed: its weights and caches read once a step at full bandwidth, its operations at full rate.

Nothing is lost between kernels, links are infinitely fast, and reading hides behind computing or the other way round.
What no benchmark tells is taken at its best: caches are in 8 bits, and tokens agree on their experts so well that they
meet half of those that tokens would which choose evenly. Whatever is faster was not measured on this model, these GPUs
and this load.
"""

from __future__ import annotations

from gpu_sizer.timing.formulas import coverage, larger, smaller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.timing.case import Case, Number

#: Of the experts that tokens meet which choose evenly, those that they meet at least.
LEAST_MET = 0.5
#: Of the bytes of a cache in 16 bits, those in 8.
LEAST_CACHE = 0.5


def _operations(c: Case) -> Number:
    """Seconds of one token's multiplications on all GPUs together, at their full rate."""
    work = 2 * c.dense_parameters / c.dense_rate + 2 * c.expert_parameters / c.expert_rate
    return work / (c.tensor * c.pipeline * c.data)


def _reading(c: Case, running: Number) -> Number:
    """Seconds of reading what a step needs, at full bandwidth."""
    in_stage = larger(running / c.pipeline, 1.0)
    met = larger(c.experts_per_token / c.experts, LEAST_MET * coverage(c, in_stage))
    weights = (c.dense_bytes + c.head_bytes) / c.tensor + c.expert_bytes * met / (c.tensor * c.data)
    caches = c.pipeline * larger(in_stage / c.data, 1.0) * c.cache_bytes * LEAST_CACHE
    return (weights + caches) / c.bandwidth


def least_token_seconds(c: Case, running: Number) -> Number:
    """The least time from a token of an answer to its next while so many requests run at once."""
    return larger(_reading(c, running), _operations(c) * running)


def most_tokens_per_second(c: Case, users: Number) -> Number:
    """The most output tokens a second of so many requests at once, the operations of their prompts included."""
    return smaller(users / _reading(c, users), c.answer / (_operations(c) * (c.answer + c.prompt)))
