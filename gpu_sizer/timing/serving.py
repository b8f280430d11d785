"""Continuous batching in its steady state: how many requests run at once, and what each of them gets.

Of ``B`` requests that run at once each takes ``answer`` steps, and meanwhile the prompts of the others are worked
through between the steps. One cycle, in which every place is taken once, lasts ``answer x step + B x prefill``
(the fluid picture of continuous batching, https://www.usenix.org/conference/osdi22/presentation/yu).
"""

from __future__ import annotations

from gpu_sizer.records import dataclass
from gpu_sizer.timing.formulas import larger, prefill_seconds, reading_seconds, smaller, step_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.timing.case import Case, Number
    from gpu_sizer.timing.constants import Constants


@dataclass(frozen=True, slots=True)
class Steady:
    """What a server does under a constant load."""

    running: Number
    """Requests at once."""
    tokens_per_second: Number
    """Output tokens of all requests."""
    token_seconds: Number
    """From one token of an answer to its next, prompts of others between them included."""
    first_seconds: Number
    """To the first token, waiting for a place included."""
    prompt_share: Number
    """The share of the time that is spent on prompts."""


def steady(c: Case, k: Constants, users: Number, places: Number, *, arrive: Number = 1.0, tail: Number = 0.0) -> Steady:
    """The steady state.

    Args:
        c: the case.
        k: its constants.
        users: requests that want to run at once.
        places: requests that can: what cache and engine allow.
        arrive: 1 where a new request comes whenever one is done, 0 where all come at once and no other follows.
        tail: mean answers for which the last request of a burst still runs when most are done, by request.
    """
    running = larger(smaller(users, places), 1.0)
    step, prefill = step_seconds(c, k, running), prefill_seconds(c, k)
    cycle = c.answer * step + running * prefill
    between = step + arrive * (running - 1) * prefill / c.answer
    alone = k.first + (prefill**2 * (c.data * c.pipeline) ** 2 + reading_seconds(c, k) ** 2) ** 0.5
    waiting = larger(users - running, 0.0) / running * cycle
    first = alone + arrive * (k.queue * (running - 1) * prefill + step) + waiting
    in_all = running * c.answer / (cycle + arrive * k.first)
    # The longest answers of a burst run nearly alone.
    in_all = in_all / (1 + tail * step_seconds(c, k, 1.0) * in_all)
    return Steady(running, in_all, between, first, running * prefill / cycle)
