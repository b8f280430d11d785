"""A speed in plain words."""

from __future__ import annotations

from gpu_sizer.planning.rate import rounded, spread
from gpu_sizer.planning.sentences import in_layout, short_name, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.timing.answer import Figure, Speed

#: What would help against what binds.
HELP = {
    "memory bandwidth": "GPUs with faster memory, fewer bits, or more GPUs help",
    "arithmetic": "GPUs with more operations a second, fewer bits, or more GPUs help",
    "links": "a faster link between GPUs, or fewer GPUs a replica, help",
    "overheads": "launches and scheduling take the time: more users at once cost each of them little",
}


def _at_most(figure: Figure) -> str:
    return f"{spread(figure)}, at most {rounded(figure.bound)}" if figure.bound is not None else spread(figure)


def headline(found: HowFast) -> str:
    """The answer in a sentence."""
    r = found.request
    what = f"{r.model.name} on {times(found.layout.gpu_count, short_name(r.gpu))}{in_layout(found.layout)}"
    if (speed := found.speed) is None:
        return f"{what} does not run: {found.reason}."
    in_all = f"{spread(speed.tokens_per_second)} tokens a second in all"
    if (user := speed.tokens_per_second_per_user) is None:
        return f"{what}: {in_all}."
    if r.users == 1:
        return f"{what}: {spread(user)} tokens a second."
    return f"{what}: {spread(user)} tokens a second for each of {r.users:,} users, {in_all}."


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


def lines(found: HowFast) -> Iterator[str]:
    """The whole answer, line by line."""
    yield headline(found)
    r, s = found.request, found.settings
    if found.speed is not None:
        yield ""
        yield from speed_lines(found.speed, r.users)
        if (dollars := found.usd_per_million_tokens) is not None and (price := found.price) is not None:
            day = price.date.isoformat() if price.date else "a day that is not told"
            yield (
                f"${dollars:,.3g} a million output tokens, prompts included, at ${price.usd_per_hour:g} a GPU and hour "
                f"({price.provider}, {price.kind or 'kind not told'}, {day})"
            )
        if (tokens := found.tokens_per_watt_hour) is not None:
            yield f"{rounded(tokens)} output tokens a watt-hour, the GPUs at their limit of power"
        if not found.memory.within_budget:
            yield f"Note: {found.memory.reason or 'not all users are held at once'}"
    yield ""
    yield (
        f"Assumed: {r.get_engine().describe()}; {found.weights_format} weights; prompts of {found.prompt:,} tokens, "
        f"answers of {found.answer:,}, {r.users:,} at once; {r.get_engine().settings_words(s)}"
    )
