"""Where the number of GPUs changes, in words."""

from __future__ import annotations

from gpu_sizer.planning.breakpoints import context_steps, user_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.breakpoints import Step
    from gpu_sizer.planning.request import Request


def lines(request: Request) -> Iterator[str]:
    """Both lists in words."""
    users = "1 user" if request.users == 1 else f"{request.users:,} users"
    yield f"By context, {users}: {describe(context_steps(request), 'tokens')}"
    yield f"By users of {request.context:,} tokens: {describe(user_steps(request), 'users')}"


def describe(steps: tuple[Step, ...], unit: str) -> str:
    """``1 GPU up to 11,264 tokens, 2 up to 32,768``."""
    if not steps:
        return f"no number of GPUs carries one of the {unit}"
    first, *rest = steps
    named = unit if first.upto > 1 else unit.removesuffix("s")
    words = [f"{first.gpu_count} GPU{'s' if first.gpu_count > 1 else ''} up to {first.upto:,} {named}"]
    return ", ".join(words + [f"{s.gpu_count} up to {s.upto:,}" for s in rest])
