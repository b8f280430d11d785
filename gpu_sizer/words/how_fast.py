"""How fast a model is on its GPUs, in plain words."""

from __future__ import annotations

from gpu_sizer.units import rounded
from gpu_sizer.words.blocks import USUAL, Paragraph, Told
from gpu_sizer.words.plan import in_layout, notes, times
from gpu_sizer.words.rental import named, priced
from gpu_sizer.words.speed import speed_blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.words.blocks import Block


def headline(found: HowFast) -> str:
    """The answer in a sentence."""
    r = found.request
    what = f"{r.model.name} on {times(found.layout.gpu_count, r.gpu.short_name)}{in_layout(found.layout)}"
    if (speed := found.speed) is None:
        return f"{what} does not run: {found.reason}."
    if found.full and (requests := found.requests_per_second) is not None:
        return f"{what}: {requests.describe()} requests a second, with {speed.running:,.0f} at once."
    in_all = f"{speed.tokens_per_second.describe()} tokens a second in all"
    if (user := speed.tokens_per_second_per_user) is None:
        return f"{what}: {in_all}."
    if r.users == 1:
        return f"{what}: {user.describe()} tokens a second."
    return f"{what}: {user.describe()} tokens a second for each of {r.users:,} users, {in_all}."


def how_fast_told(found: HowFast, level: int = USUAL) -> Told:
    """How fast a model is, in words."""
    return Told(headline(found), "fits" if found.fits else "does_not_fit", tuple(_blocks(found)))


def _blocks(found: HowFast) -> Iterator[Block]:
    r, s = found.request, found.settings
    if found.speed is not None:
        yield from speed_blocks(found.speed, r.users)
        costs = []
        if (requests := found.requests_per_second) is not None:
            costs.append(f"{requests.describe()} requests a second")
        if (cost := found.cost) is not None:
            costs += cost_lines(cost)
        if (tokens := found.tokens_per_watt_hour) is not None:
            costs.append(f"{rounded(tokens)} output tokens a watt-hour, the GPUs at their limit of power")
        if costs:
            yield Paragraph(tuple(costs), close=True)
        if not found.memory.within_budget:
            yield notes((found.memory.reason or "not all users are held at once",))
    told = (
        f"Assumed: {r.get_engine().describe()}; {found.weights_format} weights; prompts of {found.prompt:,} tokens, "
        f"answers of {found.answer:,}, {r.users:,} at once; {r.get_engine().settings_words(s)}"
    )
    yield Paragraph((told,), tone="dim")


def cost_lines(cost: Cost) -> Iterator[str]:
    """What tokens cost, line by line."""
    spread_ = f"({_dollars(cost.low)} to {_dollars(cost.high)})"
    machines = f"{named(cost.rental)} at {priced(cost.rental, monthly=False)}"
    yield f"${_dollars(cost.per_million)} {spread_} a million output tokens, prompts included, on {machines}"
    yield (
        f"  told apart by time: ${_dollars(cost.per_million_input)} a million tokens of prompts,"
        f" ${_dollars(cost.per_million_output)} a million of answers"
    )


def _dollars(amount: float) -> str:
    return f"{amount:,.3g}" if amount < 100 else f"{amount:,.0f}"
