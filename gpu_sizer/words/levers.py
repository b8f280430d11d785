"""What would make a plan smaller or safer, in words."""

from __future__ import annotations

from gpu_sizer.planning.levers import levers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.planning.levers import Lever
    from gpu_sizer.planning.plan import Plan

#: What changes, and the option that changes it to a value.
_CHANGES = {
    "fewer sequences": "fewer sequences at once (--max-num-seqs {})",
    "smaller cache": "an fp8 cache (--kv-cache-dtype fp8)",
    "higher utilization": "higher utilization (--utilization {:g})",
    "shorter context": "a shorter context (--context {})",
}


def change(lever: Lever) -> str:
    """``fewer sequences at once (--max-num-seqs 16)``."""
    return _CHANGES[lever.kind].format(*lever.settings.values())


def advice(plan: Plan) -> tuple[str, list[str]]:
    """What would make a plan smaller or safer: a title, and a line for each change with its effect."""
    title = "What would make it smaller" if (plan.gpu_count or 0) > 1 else "What would give room"
    return title, [f"{change(lever)}: {_effect(lever, plan.gpu_count)}" for lever in levers(plan)]


def _effect(lever: Lever, plan_count: int | None) -> str:
    what = f"{lever.gpu_count} instead of {plan_count}" if lever.gpu_count != plan_count else "fits with room"
    return what + (", tight" if lever.verdict == "tight" else "")


def dumped(plan: Plan) -> list[dict[str, Any]]:
    """The levers of a plan as JSON objects, each with its words."""
    return [{"lever": change(lever), **lever.model_dump()} for lever in levers(plan)]
