"""What tokens cost on machines that are rented by the hour."""

from __future__ import annotations

from gpu_sizer.records import dataclass
from gpu_sizer.timing.answer import significant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.planning.rental import Rental
    from gpu_sizer.timing.answer import Speed

HOUR = 3600
MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars for a million tokens under a load: all machines' hour over what they give in it."""

    per_million: float
    """Of output, their prompts included."""
    low: float
    """The same at the upper end of the speed, and"""
    high: float
    """at the lower one."""
    per_million_input: float
    """Of prompts alone: their share of the machines' time."""
    per_million_output: float
    """Of output alone: the rest of the time."""
    rental: Rental

    @property
    def rounded(self) -> float:
        """Dollars for a million tokens of output, with the digits that count."""
        return significant(self.per_million)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "usd_per_million_tokens": self.rounded,
            "usd_per_million_tokens_range": [significant(self.low), significant(self.high)],
            "usd_per_million_input_tokens": significant(self.per_million_input),
            "usd_per_million_output_tokens": significant(self.per_million_output),
            **self.rental.summary(),
        }


def cost_of(speed: Speed | None, rental: Rental | None, prompt: float, answer: float) -> Cost | None:
    """What tokens cost; null without a speed or a price.

    The time that prompts take, and the time of the steps between, are told apart by the formulas
    (:class:`gpu_sizer.timing.serving.Steady`); each is paid for by the tokens that it is spent on, so that the prices
    of a request's input and output add up to what the machines cost while it is served.

    Args:
        speed: under the load.
        rental: the machines.
        prompt: tokens of a prompt.
        answer: tokens of an answer.
    """
    if speed is None or rental is None or (price := rental.price_hour_usd) is None:
        return None
    tokens, share = speed.tokens_per_second, speed.prompt_share
    whole = price / (tokens.about * HOUR) * MILLION
    return Cost(
        per_million=whole,
        low=whole * tokens.about / tokens.high,
        high=whole * tokens.about / tokens.low,
        per_million_input=whole * share * answer / prompt,
        per_million_output=whole * (1 - share),
        rental=rental,
    )


def tokens_per_watt_hour(speed: Speed | None, gpu: GpuSpec, count: int) -> float | None:
    """Output tokens of a watt-hour at the GPUs' own limit of power; null where speed or limit is not known."""
    if speed is None or gpu.tdp_w is None:
        return None
    return significant(speed.tokens_per_second.about * HOUR / (gpu.tdp_w * count))
