"""Money in a question: what may be paid for renting by the hour, prices by the month, and those of a million tokens."""

from __future__ import annotations

from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.choices import Choices
from gpu_sizer.queries.intents import says
from gpu_sizer.queries.options import Options
from gpu_sizer.queries.patterns import SETS
from gpu_sizer.queries.sentence import Sentence
from gpu_sizer.queries.topics import Remark
from gpu_sizer.queries.words import is_decimal, word_set
from gpu_sizer.words.rental import money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.machine import Offer

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
#: One of these stands in every question about what tokens cost.
_PRICED = _DOLLARS | word_set("cost costs price prices pricing cheap cheaper cheapest expensive pay")
_MILLION = word_set("million 1m 1000000 mtok mtoks 1mtok")
_WHOLE = word_set("mtok mtoks 1mtok")
_MOST = word_set("under below within max maximum most at up to budget of is less than")
#: What is said of a sum for which no time is told.
TO_BUY = Remark("what GPUs cost to buy is not known here, only to rent: say so much an hour or a month", True, "budget")


def read_budget(s: Sentence, o: Options) -> tuple[Remark, ...]:
    """Takes sums of money and the times they are for, and the tokens of which a price is asked for."""
    _read_token_price(s, o)
    remarks = []
    for i, word in enumerate(s.words):
        if i in s.taken or (amount := _amount(word.text)) is None or word.before.strip().endswith("/"):
            continue
        named, start = s.said(i + 1) in _DOLLARS, i - (s.said(i - 1) == "$")
        if start == i and not named:
            continue
        stop = i + 1 + named
        time = s.skip(stop, _PER)
        while s.at(start - 1) in _MOST:
            start -= 1
        if (hours := _HOURS.get(s.said(time))) is not None:
            o.dollars_an_hour = amount / hours
            s.take(start, time + 1)
        else:
            s.take(start, stop)
            remarks.append(TO_BUY)
    for i, word in enumerate(s.words):
        if word.text in ("month", "monthly") and i not in s.taken:
            o.by_month = True
            s.take(i)
    return tuple(remarks)


def _amount(text: str) -> float | None:
    """``5000`` and ``5k``."""
    power = 1000 if text.endswith("k") else 1
    digits = text.removesuffix("k")
    return float(digits) * power if is_decimal(digits) else None


def _read_token_price(s: Sentence, o: Options) -> None:
    """``cost per million tokens``, ``$/1M tokens``, ``price of a million tokens``, ``$ per mtok``."""
    if _PRICED.isdisjoint(s.asked):
        return
    for i in list(s.free()):
        if s.at(i) not in _MILLION:
            continue
        per = s.at(i - 1) in _PER or "/" in s.words[i].before
        tokens = s.at(i + 1) in SETS["TOKENS"] or s.at(i) in _WHOLE
        if tokens and (per or s.at(i - 1) == "of" or not _PRICED.isdisjoint(s.asked[i + 1 : i + 4])):
            o.token_price = True
            s.take(i - (s.at(i - 1) in _PER), i + 1 + (s.at(i) not in _WHOLE))
            return


def within(text: str, cards: Catalogue) -> tuple[Offer, str] | None:
    """The machine with the most memory for the sum that a question tells, and what to say of it; null without a sum.

    Raises:
        RequestError: nothing costs so little.
    """
    o, s = Options(), Sentence(text)
    read_budget(s, o)
    if not (says(s, "asks_models") or says(s, "asks_best") or says(s, "sizing")):
        return None
    if (most := o.dollars_an_hour) is None:
        return None
    from gpu_sizer.cards.fleet import fleet
    from gpu_sizer.planning.rental import hour_of, most_memory

    best = most_memory(fleet(cards).all(), cards.gpus.get, most)
    if best is None or (hour := hour_of(best.price, 1)) is None:
        raise RequestError(f"no machine that is known to be rented out costs {money(most)} an hour or less")
    name = f"{best.offer.machine.name} of {best.offer.provider_name}"
    said = f"of one machine for {money(most)} an hour or less, most memory has {name}, at {money(hour)}"
    return best.offer, said


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
