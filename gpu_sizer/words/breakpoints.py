"""Where the number of GPUs changes, in words."""

from __future__ import annotations

from collections.abc import Iterator

from gpu_sizer.planning.breakpoints import Step, context_steps, user_steps
from gpu_sizer.planning.request import Request
from gpu_sizer.units import amount


def lines(request: Request) -> Iterator[str]:
    """Both lists in words."""
    users = amount(request.users, "user")
    yield f"By context, {users}: {describe(context_steps(request), 'tokens')}"
    yield f"By users of {request.context:,} tokens: {describe(user_steps(request), 'users')}"


def describe(steps: tuple[Step, ...], unit: str) -> str:
    """``1 GPU up to 11,264 tokens, 2 up to 32,768``."""
    if not steps:
        return f"no number of GPUs carries one of the {unit}"
    first, *rest = steps
    named = unit if first.upto > 1 else unit.removesuffix("s")
    words = [f"{amount(first.gpu_count, 'GPU')} up to {first.upto:,} {named}"]
    return ", ".join(words + [f"{s.gpu_count} up to {s.upto:,}" for s in rest])
