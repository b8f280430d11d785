"""A speed in plain words."""

from __future__ import annotations

from gpu_sizer.load import USUAL_ANSWER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.load import Load
    from gpu_sizer.timing.answer import Figure, Speed

#: What would help against what binds.
HELP = {
    "memory bandwidth": "GPUs with faster memory, fewer bits, or more GPUs help",
    "arithmetic": "GPUs with more operations a second, fewer bits, or more GPUs help",
    "links": "a faster link between GPUs, or fewer GPUs a replica, help",
    "overheads": "launches and scheduling take the time: more users at once cost each of them little",
}


def rounded(value: float) -> str:
    """A figure with the digits that matter: ``31.2``, ``3,060``."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def spread(figure: Figure) -> str:
    """A figure with its range: ``about 31 (20 to 55)``."""
    return f"about {rounded(figure.about)} ({rounded(figure.low)} to {rounded(figure.high)})"


def _at_most(figure: Figure) -> str:
    return f"{spread(figure)}, at most {rounded(figure.bound)}" if figure.bound is not None else spread(figure)


def speed_lines(speed: Speed, users: int) -> Iterator[str]:
    """What a speed consists of, line by line."""
    user, token, first = speed.tokens_per_second_per_user, speed.tpot_ms, speed.ttft_ms
    if user is not None:
        yield f"  tokens/s a user      {_at_most(user)}"
    yield f"  tokens/s in all      {_at_most(speed.tokens_per_second)}"
    if token is not None:
        yield f"  time per token       {spread(token)} ms, at least {rounded(token.bound or 0)}"
    if first is not None:
        yield f"  time to the first    {spread(first)} ms; a class more than a figure"
    at_once = f"{speed.running:,.0f} requests run at once"
    waiting = f"; the other {users - speed.running:,.0f} wait" if users - speed.running >= 1 else ""
    yield f"{at_once}{waiting}. What binds: {speed.binds} ({HELP[speed.binds]})."
    basis = speed.basis
    yield (
        f"Basis: {basis.kind}: {basis.records:,} measured configurations that the constants had not seen, half of them "
        f"within {basis.median_error:.0%}; the ranges hold 90 % of what was measured."
    )


def _users(users: int) -> str:
    return "one user" if users == 1 else f"each of {users:,} users"


def wanted(load: Load) -> str:
    """The rates that are asked for: ``20 tokens a second for each of 100 users``."""
    found = []
    if (each := load.tokens_per_second) is not None:
        found.append(f"{each:,g} tokens a second for {_users(load.users)}")
    if (in_all := load.requests_per_second) is not None:
        found.append(f"{in_all:,.6g} requests a second")
    return " and ".join(found)


def reached(speed: Speed, load: Load) -> str:
    """What a speed is of the rates that are asked for, where it is not enough."""
    reasons = []
    if load.requests_per_second is not None:
        needed = rounded(load.requests_per_second * (load.answer or USUAL_ANSWER))
        reasons.append(f"{spread(speed.tokens_per_second)} tokens a second in all, {needed} are needed")
    if load.tokens_per_second is not None and speed.tokens_per_second_per_user is not None:
        at_once = f" with {speed.running:,.0f} of {load.users:,} at once" if speed.running < load.users else ""
        reasons.append(
            f"{spread(speed.tokens_per_second_per_user)} tokens a second for each user{at_once}, "
            f"{load.tokens_per_second:g} are asked for"
        )
    return "; ".join(reasons)


def kept(speed: Speed, load: Load) -> str:
    """That the rates which are asked for are reached, in a sentence."""
    found = []
    if (each := load.tokens_per_second) is not None and speed.tokens_per_second_per_user is not None:
        user = spread(speed.tokens_per_second_per_user)
        found.append(f"{_users(load.users)} surely gets {each:,g} tokens a second: {user}")
    if (in_all := load.requests_per_second) is not None:
        needed = rounded(in_all * (load.answer or USUAL_ANSWER))
        found.append(
            f"{in_all:,.4g} requests ({needed} tokens) a second are surely answered:"
            f" {spread(speed.tokens_per_second)} tokens a second in all"
        )
    text = "; ".join(found)
    return f"{text[:1].upper()}{text[1:]}."
