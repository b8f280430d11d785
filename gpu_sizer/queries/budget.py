"""Money in a question: what may be paid for renting by the hour, and whether a price by the month is asked for."""

from __future__ import annotations

from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.planning.choices import Choices
from gpu_sizer.queries.topics import Remark
from gpu_sizer.queries.words import is_decimal, word_set
from gpu_sizer.words.rental import money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.queries.options import Options
    from gpu_sizer.queries.sentence import Sentence

_DOLLARS = word_set("$ usd dollar dollars bucks")
#: Hours of a time that is paid for.
_HOURS: dict[str, float] = {
    **dict.fromkeys(("hour", "hours", "hr", "h", "hourly"), 1),
    **dict.fromkeys(("day", "daily"), 24),
    **dict.fromkeys(("week", "weekly"), 24 * 7),
    **dict.fromkeys(("month", "months", "mo", "monthly"), HOURS_PER_MONTH),
    **dict.fromkeys(("year", "yearly"), 12 * HOURS_PER_MONTH),
}
_PER = word_set("per a an each every the")
_MOST = word_set("under below within max maximum most at up to budget of is less than")
#: What is said of a sum for which no time is told.
TO_BUY = Remark("what GPUs cost to buy is not known here, only to rent: say so much an hour or a month", True, "budget")


def read_budget(s: Sentence, o: Options) -> tuple[Remark, ...]:
    """Takes sums of money and the times they are for."""
    remarks = []
    for i, word in enumerate(s.words):
        if not is_decimal(word.text) or i in s.taken:
            continue
        named, start = s.said(i + 1) in _DOLLARS, i - (s.said(i - 1) == "$")
        if start == i and not named:
            continue
        stop = i + 1 + named
        time = s.skip(stop, _PER)
        while s.at(start - 1) in _MOST:
            start -= 1
        if (hours := _HOURS.get(s.said(time))) is not None:
            o.dollars_an_hour = float(word.text) / hours
            s.take(start, time + 1)
        else:
            s.take(start, stop)
            remarks.append(TO_BUY)
    for i, word in enumerate(s.words):
        if word.text in ("month", "monthly") and i not in s.taken:
            o.by_month = True
            s.take(i)
    return tuple(remarks)


def judged(o: Options, result: Any) -> Iterator[str]:
    """What the prices of an answer are against the sum that was told, and by the month."""
    if o.dollars_an_hour is None and not o.by_month:
        return
    most = o.dollars_an_hour
    if not isinstance(result, Choices):
        if most is not None:
            yield f"{money(most)} an hour is not judged here: gpu-sizer rent MODEL --max-price {most:.4g} does"
        return
    prices = [c.price_per_hour for c in result.options if c.plan.fits and c.price_per_hour is not None]
    if most is not None and prices:
        within = sum(price <= most for price in prices)
        what = f"{within} of the kinds of GPU listed cost" if within > 1 else "one kind of GPU listed costs"
        yield f"{what if within else 'none listed costs'} {money(most)} an hour or less"
    first = result.options[0].price_per_hour if result.options else None
    if o.by_month and first is not None:
        yield f"the first is ${first * HOURS_PER_MONTH:,.0f} a month of {HOURS_PER_MONTH} hours"
