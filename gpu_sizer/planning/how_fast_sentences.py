"""How fast a model is on its GPUs, in plain words."""

from __future__ import annotations

from gpu_sizer.planning.rate import rounded, spread
from gpu_sizer.planning.rental_words import named, priced
from gpu_sizer.planning.sentences import in_layout, times
from gpu_sizer.planning.speed_sentences import speed_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.how_fast import HowFast


def headline(found: HowFast) -> str:
    """The answer in a sentence."""
    r = found.request
    what = f"{r.model.name} on {times(found.layout.gpu_count, r.gpu.short_name)}{in_layout(found.layout)}"
    if (speed := found.speed) is None:
        return f"{what} does not run: {found.reason}."
    in_all = f"{spread(speed.tokens_per_second)} tokens a second in all"
    if (user := speed.tokens_per_second_per_user) is None:
        return f"{what}: {in_all}."
    if r.users == 1:
        return f"{what}: {spread(user)} tokens a second."
    return f"{what}: {spread(user)} tokens a second for each of {r.users:,} users, {in_all}."


def lines(found: HowFast) -> Iterator[str]:
    """The whole answer, line by line."""
    yield headline(found)
    r, s = found.request, found.settings
    if found.speed is not None:
        yield ""
        yield from speed_lines(found.speed, r.users)
        if (dollars := found.usd_per_million_tokens) is not None and (rental := found.rental) is not None:
            cost = f"{named(rental)} at {priced(rental, monthly=False)}"
            yield f"${dollars:,.3g} a million output tokens, prompts included, on {cost}"
        if (tokens := found.tokens_per_watt_hour) is not None:
            yield f"{rounded(tokens)} output tokens a watt-hour, the GPUs at their limit of power"
        if not found.memory.within_budget:
            yield f"Note: {found.memory.reason or 'not all users are held at once'}"
    yield ""
    yield (
        f"Assumed: {r.get_engine().describe()}; {found.weights_format} weights; prompts of {found.prompt:,} tokens, "
        f"answers of {found.answer:,}, {r.users:,} at once; {r.get_engine().settings_words(s)}"
    )
