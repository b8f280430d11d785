"""A speed in plain words."""

from __future__ import annotations

from gpu_sizer.load import USUAL_ANSWER
from gpu_sizer.units import rounded
from gpu_sizer.words.blocks import Pairs, Paragraph

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.load import Load
    from gpu_sizer.timing.answer import Figure, Speed
    from gpu_sizer.words.blocks import Block

#: What would help against what binds.
HELP = {
    "memory bandwidth": "GPUs with faster memory, fewer bits, or more GPUs help",
    "arithmetic": "GPUs with more operations a second, fewer bits, or more GPUs help",
    "links": "a faster link between GPUs, or fewer GPUs a replica, help",
    "overheads": "launches and scheduling take the time: more users at once cost each of them little",
}


def each_of(users: int) -> str:
    """``one user``, ``each of 100 users``."""
    return "one user" if users == 1 else f"each of {users:,} users"


def _at_most(figure: Figure) -> str:
    return f"{figure.describe()}, at most {rounded(figure.bound)}" if figure.bound is not None else figure.describe()


def speed_blocks(speed: Speed, users: int, title: str = "") -> Iterator[Block]:
    """What a speed consists of."""
    user, token, first = speed.tokens_per_second_per_user, speed.tpot_ms, speed.ttft_ms
    rows = []
    if user is not None:
        rows.append(("tokens/s a user", _at_most(user)))
    rows.append(("tokens/s in all", _at_most(speed.tokens_per_second)))
    if token is not None:
        rows.append(("time per token", f"{token.describe()} ms, at least {rounded(token.bound or 0)}"))
    if first is not None:
        rows.append(("time to the first", f"{first.describe()} ms; a class more than a figure"))
    yield Pairs(tuple(rows), title)
    running = f"{speed.running:,.0f}"
    at_once = "One request runs at once" if running == "1" else f"{running} requests run at once"
    waiting = f"; the other {users - speed.running:,.0f} wait" if users - speed.running >= 1 else ""
    basis = speed.basis
    yield Paragraph(
        (
            f"{at_once}{waiting}. What binds: {speed.binds} ({HELP[speed.binds]}).",
            f"Basis: {basis.kind}: {basis.records:,} measured configurations that the constants had not seen, half of "
            f"them within {basis.median_error:.0%}; the ranges hold 90 % of what was measured.",
        ),
        close=True,
    )


def expected(speed: Speed, load: Load) -> str:
    """What a speed is of the rates that are asked for: ``about 43 (31 to 60) tokens a second each``."""
    told = []
    if load.tokens_per_second is not None and (user := speed.tokens_per_second_per_user) is not None:
        told.append(f"{user.describe()} tokens a second{' each' if load.users > 1 else ''}")
    if load.requests_per_second is not None:
        told.append(f"{speed.tokens_per_second.describe()} tokens a second in all")
    return ", ".join(told)


def kept(speed: Speed, load: Load) -> str:
    """That the rates which are asked for are reached, in a sentence."""
    lines = []
    if (each := load.tokens_per_second) is not None and speed.tokens_per_second_per_user is not None:
        user = speed.tokens_per_second_per_user.describe()
        lines.append(f"{each_of(load.users)} surely gets {each:,g} tokens a second: {user}")
    if (in_all := load.requests_per_second) is not None:
        needed = rounded(in_all * (load.answer or USUAL_ANSWER))
        lines.append(
            f"{in_all:,.4g} requests ({needed} tokens) a second are surely answered:"
            f" {speed.tokens_per_second.describe()} tokens a second in all"
        )
    text = "; ".join(lines)
    return f"{text[:1].upper()}{text[1:]}."
