"""Why a plan is refused that has the memory: what of the rates that a load asks for its speed does not reach."""

from __future__ import annotations

from gpu_sizer.load import USUAL_ANSWER
from gpu_sizer.units import rounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.load import Load
    from gpu_sizer.timing.answer import Speed


def too_slow(speed: Speed, load: Load) -> str:
    """What a speed is of the rates that are asked for, where it is not enough."""
    reasons = []
    if load.requests_per_second is not None:
        needed = rounded(load.requests_per_second * (load.answer or USUAL_ANSWER))
        reasons.append(f"{speed.tokens_per_second.describe()} tokens a second in all, {needed} are needed")
    if load.tokens_per_second is not None and speed.tokens_per_second_per_user is not None:
        at_once = f" with {speed.running:,.0f} of {load.users:,} at once" if speed.running < load.users else ""
        reasons.append(
            f"{speed.tokens_per_second_per_user.describe()} tokens a second for each user{at_once}, "
            f"{load.tokens_per_second:g} are asked for"
        )
    return "; ".join(reasons)
