"""What a speed hangs on: the resource of which twice as much would help most."""

from __future__ import annotations

from gpu_sizer.records import replace
from gpu_sizer.timing.formulas import prompt_seconds, step_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.timing.case import Case
    from gpu_sizer.timing.constants import Constants

#: The figures of a case that are one resource.
RESOURCES = {
    "memory bandwidth": ("bandwidth",),
    "arithmetic": ("dense_rate", "expert_rate", "wide_rate"),
    "links": ("link_bandwidth",),
}
#: What is left where no resource helps: launches, scheduling, collectives of little data.
OVERHEADS = "overheads"
#: Less than this share of the time saved by twice as much of a resource: it is not what binds.
LEAST = 0.1


def _cycle(c: Case, k: Constants, running: float) -> float:
    return float(c.answer * step_seconds(c, k, running) + running * prompt_seconds(c, k))


def binds(c: Case, k: Constants, running: float) -> str:
    """What answers wait for most while so many requests run at once."""
    now = _cycle(c, k, running)
    saved = {
        name: 1 - _cycle(replace(c, **{key: 2 * getattr(c, key) for key in keys}), k, running) / now
        for name, keys in RESOURCES.items()
    }
    most = max(saved, key=lambda name: saved[name])
    return most if saved[most] >= LEAST else OVERHEADS
