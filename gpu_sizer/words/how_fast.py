"""How fast a model is on its GPUs, in plain words."""

from __future__ import annotations

from gpu_sizer.units import rounded
from gpu_sizer.words.blocks import USUAL, Paragraph, Told
from gpu_sizer.words.plan import notes
from gpu_sizer.words.rental import named, on, priced, token_dollars
from gpu_sizer.words.speed import speed_blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.planning.cost import Cost
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.words.blocks import Block


def headline(fast: HowFast) -> str:
    """The answer in a sentence."""
    r = fast.request
    what = f"{r.model.name} on {on(r, fast.layout.gpu_count, fast.layout)}"
    if (speed := fast.speed) is None:
        return f"{what} does not run: {fast.reason}."
    if fast.full and (requests := fast.requests_per_second) is not None:
        return f"{what}: {requests.describe()} requests a second, with {speed.running:,.0f} at once."
    in_all = f"{speed.tokens_per_second.describe()} tokens a second in all"
    if (user := speed.tokens_per_second_per_user) is None:
        return f"{what}: {in_all}."
    if r.users == 1:
        return f"{what}: {user.describe()} tokens a second."
    return f"{what}: {user.describe()} tokens a second for each of {r.users:,} users, {in_all}."


def first_token(fast: HowFast) -> Iterator[str]:
    """When the first token comes; nothing where that was not measured."""
    if fast.speed is not None and (first := fast.speed.ttft_ms) is not None:
        yield f"the first token comes after {first.describe()} ms, a class more than a figure"


def how_fast_told(fast: HowFast, level: int = USUAL) -> Told:
    """How fast a model is, in words."""
    return Told(headline(fast), "fits" if fast.fits else "does_not_fit", tuple(_blocks(fast)))


def _blocks(fast: HowFast) -> Iterator[Block]:
    r, s = fast.request, fast.settings
    if fast.speed is not None:
        yield from speed_blocks(fast.speed, r.users)
        costs = []
        if (requests := fast.requests_per_second) is not None:
            costs.append(f"{requests.describe()} requests a second")
        if (cost := fast.cost) is not None:
            costs += cost_lines(cost)
        if (tokens := fast.tokens_per_watt_hour) is not None:
            costs.append(f"{rounded(tokens)} output tokens a watt-hour, the GPUs at their limit of power")
        if costs:
            yield Paragraph(tuple(costs), close=True)
        if not fast.memory.within_budget:
            yield notes((fast.memory.reason or "not all users are held at once",))
    told = (
        f"Assumed: {r.get_engine().describe()}; {fast.weights_format} weights; prompts of {fast.prompt:,} tokens, "
        f"answers of {fast.answer:,}, {r.users:,} at once; {r.get_engine().settings_words(s)}"
    )
    yield Paragraph((told,), tone="dim")


def cost_lines(cost: Cost) -> Iterator[str]:
    """What tokens cost, line by line."""
    spread_ = f"({token_dollars(cost.low)} to {token_dollars(cost.high)})"
    machines = f"{named(cost.rental)} at {priced(cost.rental, monthly=False)}"
    yield f"${token_dollars(cost.per_million)} {spread_} a million output tokens, prompts included, on {machines}"
    yield (
        f"  told apart by time: ${token_dollars(cost.per_million_input)} a million tokens of prompts,"
        f" ${token_dollars(cost.per_million_output)} a million of answers"
    )
