"""From a steady state to an answer: ranges put around it, and bounds that nothing exceeds."""

from __future__ import annotations

from gpu_sizer.records import unfinished
from gpu_sizer.timing.answer import Evidence, Figure, Speed
from gpu_sizer.timing.band import band, ends
from gpu_sizer.timing.binding import binds
from gpu_sizer.timing.bound import least_token_seconds, most_tokens_per_second

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.timing.case import Case, Number
    from gpu_sizer.timing.constants import Constants, Generation
    from gpu_sizer.timing.serving import Steady

#: Milliseconds of a second.
MS = 1e3


def _at_most(low: float, about: float, high: float, bound: float) -> Figure:
    """A figure below its bound."""
    return Figure(low=min(low, bound), about=min(about, bound), high=min(high, bound), bound=bound)


def _at_least(low: float, about: float, high: float, bound: float) -> Figure:
    """A figure above its bound."""
    return Figure(low=max(low, bound), about=max(about, bound), high=max(high, bound), bound=bound)


def judged(c: Case, k: Constants, made: Steady, generation: Generation, gpu: str, users: float, replicas: int) -> Speed:
    """The speed of some replicas that each do the same.

    Args:
        c: the case of one replica.
        k: its constants.
        made: its steady state.
        generation: of the engine.
        gpu: the kind of GPU whose constants were used.
        users: requests that want to run at once, in one replica.
        replicas: how many.
    """
    experts = c.experts > 1
    seen = (generation.key, experts, made.running)
    tokens, cell = band("tokens", *seen)
    low, high = tokens.around(made.tokens_per_second)
    most = most_tokens_per_second(c, max(users, made.running))
    in_all = _at_most(*(replicas * v for v in (low, made.tokens_per_second, high, most)))
    user = token = first = None
    basis, told = tokens, cell
    if generation.latency:
        between, told = band("token", *seen)
        basis = between
        seconds = (between.low * made.token_seconds, made.token_seconds, between.high * made.token_seconds)
        token = _at_least(*(MS * v for v in (*seconds, least_token_seconds(c, made.running))))
        user = Figure(low=MS / token.high, about=MS / token.about, high=MS / token.low, bound=MS / (token.bound or MS))
        waited, _ = band("first", *seen)
        wait = MS * made.first_seconds
        first = Figure(low=wait * waited.low, about=wait, high=wait * waited.high)
    values = {
        "tokens_per_second": in_all,
        "tokens_per_second_per_user": user,
        "tpot_ms": token,
        "ttft_ms": first,
        "running": made.running * replicas,
        "prompt_share": made.prompt_share,
        "basis": Evidence(records=basis.records, median_error=basis.median_error, kind=f"{told}; {gpu}"),
    }
    speed: Speed = unfinished(Speed, values, {"binds": lambda: binds(c, k, made.running)})
    return speed


def low_each(c: Case, generation: Generation, running: Number, token_seconds: Number) -> tuple[Number, Number]:
    """The lower end of the tokens a second for each user, and what physics allows; numbers and arrays alike.

    Args:
        c: the case of one replica.
        generation: of the engine.
        running: requests at once, in one replica.
        token_seconds: from one token of an answer to its next.
    """
    _, high = ends("token", generation, c.experts > 1, running)
    return MS / (MS * (high * token_seconds)), MS / (MS * least_token_seconds(c, running))
