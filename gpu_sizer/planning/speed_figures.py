"""Speeds as figures, and what of them a load asks for: the reasons for which a plan is refused."""

from __future__ import annotations

from gpu_sizer.load import USUAL_ANSWER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.load import Load
    from gpu_sizer.timing.answer import Figure, Speed


def rounded(value: float) -> str:
    """A figure with the digits that matter: ``31.2``, ``3,060``."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def spread(figure: Figure) -> str:
    """A figure with its range: ``about 31 (20 to 55)``."""
    return f"about {rounded(figure.about)} ({rounded(figure.low)} to {rounded(figure.high)})"


def each_of(users: int) -> str:
    """``one user``, ``each of 100 users``."""
    return "one user" if users == 1 else f"each of {users:,} users"


def wanted(load: Load) -> str:
    """The rates that are asked for: ``20 tokens a second for each of 100 users``."""
    found = []
    if (each := load.tokens_per_second) is not None:
        found.append(f"{each:,g} tokens a second for {each_of(load.users)}")
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
