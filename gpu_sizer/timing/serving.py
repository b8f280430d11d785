"""Continuous batching in its steady state: how many requests run at once, and what each of them gets.

Of ``B`` requests that run at once each takes ``answer`` steps, and meanwhile the prompts of the others are worked
through between the steps. One cycle, in which every place is taken once, lasts ``answer x step + B x prefill``
(the fluid picture of continuous batching, https://www.usenix.org/conference/osdi22/presentation/yu).
"""

from __future__ import annotations

from math import e

from gpu_sizer.records import dataclass
from gpu_sizer.timing.formulas import larger, prompt_seconds, reading_seconds, smaller, step_seconds

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


#: Places and weights of Gauss and Legendre's rule of three points between 0 and 1 (https://dlmf.nist.gov/3.5#v).
_RULE = ((0.5 - 0.15**0.5, 5 / 18), (0.5, 8 / 18), (0.5 + 0.15**0.5, 5 / 18))


def _end_seconds(c: Case, k: Constants, running: Number, tail: Number) -> Number:
    """Seconds that the end of a burst takes beyond its share of the throughput before, by token of a mean answer.

    Answers are as long as an exponential distribution says, up to a longest one: when no other request waits, the
    number that runs falls by ``e`` with each mean answer, and each step is as long as so few take.

    Args:
        c: the case.
        k: its constants.
        running: requests at once before the end.
        tail: mean answers that the end lasts.
    """
    steps: Number = 0.0
    for place, weight in _RULE:
        steps = steps + weight * step_seconds(c, k, running * e ** (-tail * place))
    return tail * steps - (1 - e**-tail) * step_seconds(c, k, running)


def _between(c: Case, step: Number, prefill: Number, running: Number, arrive: Number) -> Number:
    """Seconds from one token to the next: a step, and the prompts of others that are worked through meanwhile."""
    return step + arrive * (running - 1) * prefill / c.answer


def at_once(users: Number, places: Number) -> Number:
    """Requests that run at once, of those that want to and those that can."""
    return larger(smaller(users, places), 1.0)


def token_seconds(c: Case, k: Constants, running: Number) -> Number:
    """Seconds from one token of an answer to its next while so many requests run at once, and new ones come."""
    return _between(c, step_seconds(c, k, running), prompt_seconds(c, k), running, 1.0)


def _in_all(c: Case, k: Constants, cycle: Number, running: Number, arrive: Number) -> Number:
    """Output tokens a second of requests that each take a cycle."""
    return running * c.answer / (cycle + arrive * k.first)


def tokens_per_second(c: Case, k: Constants, running: Number) -> Number:
    """Output tokens a second of so many requests at once, whose places new ones take."""
    cycle = c.answer * step_seconds(c, k, running) + running * prompt_seconds(c, k)
    return _in_all(c, k, cycle, running, 1.0)


def steady(
    c: Case,
    k: Constants,
    users: Number,
    places: Number,
    *,
    arrive: Number = 1.0,
    burst: Number | None = None,
    tail: Number = 0.0,
) -> Steady:
    """The steady state.

    Args:
        c: the case.
        k: its constants.
        users: requests that want to run at once.
        places: requests that can: what cache and engine allow.
        arrive: 1 where a new request comes whenever one is done, 0 where all come at once and no other follows.
        burst: requests that come all at once, with none to follow; null, or infinitely many, is no burst.
        tail: mean answers that the end of a burst lasts, from when no other request waits.
    """
    running = at_once(users, places)
    step, prefill = step_seconds(c, k, running), prompt_seconds(c, k)
    cycle = c.answer * step + running * prefill
    between = _between(c, step, prefill, running, arrive)
    alone = k.first + (prefill**2 * (c.data * c.pipeline) ** 2 + reading_seconds(c, k) ** 2) ** 0.5
    waiting = larger(users - running, 0.0) / running * cycle
    first = alone + arrive * (k.queue * (running - 1) * prefill + step) + waiting
    in_all = _in_all(c, k, cycle, running, arrive)
    if burst is not None:
        in_all = in_all / (1 + _end_seconds(c, k, running, tail) / burst * in_all)
    return Steady(running, in_all, between, first, running * prefill / cycle)
