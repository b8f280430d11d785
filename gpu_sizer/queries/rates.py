"""Speed and rates in a question: rates that a load is told by, and words of speed that ask for one or only name it."""

from __future__ import annotations

from gpu_sizer.queries.intents import says
from gpu_sizer.queries.options import LINKS
from gpu_sizer.queries.patterns import SETS, found, matches
from gpu_sizer.queries.topics import Remark
from gpu_sizer.queries.words import is_decimal, word_set
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.queries.options import Options
    from gpu_sizer.queries.sentence import Sentence

#: A rate of tokens, and one of requests; a number stands before or behind.
TOKEN_RATES = "TOKENS EACH TIME, TOKENS s|sec|second|min|minute|hour|day, tps"
REQUEST_RATES = "RATES, RATED EACH TIME, RATED s|sec|second|min|minute|hour|day"
#: Words of speed that ask for nothing more beside a rate, and those of times, of which no limit is judged.
SPEEDS = (
    "throughput, tok s, TOKENS EACH TIME, TOKENS s|sec|second, speed|speeds, how fast, fast enough, tokens generated,"
    " how much|many tokens does|do|can|will|would, generate tokens, tokens generated a|per TIME, tps,"
    " generation|decode|inference speed, RATES, RATED EACH TIME, RATED sec|second|minute"
)
LATENCIES = "latency, latencies, ttft, tpot, itl, time to first token, response time|times, p50|p90|p95|p99"
#: Where speed itself is asked for.
_ASKED = (
    "HOW throughput|latency|ttft|tps|speed|tpot, how fast, ^ throughput|latency|ttft|tps|speed, HOW TOKENS EACH TIME,"
    " HOW TOKENS s|sec|second, HOW tok|t s, estimate of throughput, how much tokens|tok"
)
_FASTER = "faster|fastest|quicker|quickest|slower|slowest"
_FIRST = "ttft, first token, time to the first, latency|latencies, response time|times"
#: Where the most requests a second are asked for.
_ASKED_MOST = "HOW RATED EACH TIME, HOW RATES, HOW RATED s|sec|second, HOW concurrent|total RATED EACH TIME"
#: Where speed is what is named: these begin the question, end it, or stand before what it is the speed of; but not
#: as what something is to be good for.
_NAMED_BEFORE = word_set("of for on with from when running using in")
_WISHED = word_set(
    "good high higher decent best better max maximum great nice acceptable usable reasonable for enough fine"
)
#: What else a question asks, beside speed.
_ELSE = ("asks_memory", "asks_count", "asks_fit", "asks_hardware", "asks_users")
_CONTEXT = "max|maximum|longest|most|much context, context length|window, what context"
#: Seconds of a time.
_SECONDS = {
    **dict.fromkeys(("tps", "rps", "qps", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("rpm", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("hour", "hours", "hr", "h"), 3600),
    **dict.fromkeys(("rpd", "day", "days"), 86_400),
    "month": 30 * 86_400,
}
#: Words between an amount and what it is an amount of; prompts are not what is generated.
_BETWEEN = word_set("output generated generation decode decoding completion new concurrent total of")
_PROMPTS = word_set("input inputs prompt prompts prefill processed")
_PREFILL = word_set("prefill pp processing ingest ingestion eval evaluation")
#: Of each, or of all together.
_EACH = word_set(
    "user users stream streams request requests client clients session sessions person customer chat conversation"
    " conversations developer employee apiece"
)
_ALL = word_set("total aggregate aggregated overall combined altogether together throughput cluster system")
_PER = word_set("per a each every for by one single")
#: An amount that is seen and not wished for: ``i get 12 tokens per second``.
_SEEN = "i|we|only|just get|got|see|have|getting, got|currently|achieved|measured|seeing, am|are|im getting"
#: Words before an amount in which these are looked for.
_NEAR = 5
#: Figures of a number that may be a GPU's name, and what stands before one.
_FIGURES = 4
_BEFORE_GPUS = word_set("x rtx gtx rx geforce radeon dual quad single on a my the")
#: The scope of a rate at which prompts are read, which no answer judges.
PROMPTS = "prompts"
#: Tokens a second that no answer was ever measured to come at (tests/evidence/speed.jsonl: 535): more is in all.
FASTEST = 540


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate by which a load is told."""

    amount: float
    """A second."""
    tokens: bool
    """Tokens, or else requests."""
    scope: str
    """``each`` user, ``all`` together, ``prompts`` where it is not one of answers, or empty where it is not said."""
    a_second: bool
    """Whether it was told by the second."""
    said: str


@dataclass(frozen=True, slots=True)
class Paced:
    """What a question says of speed."""

    rates: tuple[Rate, ...] = ()
    alone: bool = False
    """Whether speed is all that it asks."""
    most: bool = False
    """Whether it asks for the most requests a second."""
    waits: bool = False
    """Whether it asks when the first token comes."""
    asked: bool = False
    """Whether it asks for speed at all, be it beside something else, and tells no rate."""
    named: bool = False
    """Whether speed is what it names, without a verb and without asking for anything else."""
    remarks: tuple[Remark, ...] = ()


def _names_speed(s: Sentence) -> bool:
    """Whether speed is the noun that a question without a verb is about: ``tok/s of llama 3 8b on an a10g``."""
    last = len(s.words)
    while last and s.said(last - 1) in ("please", "pls", "thanks", "like"):
        last -= 1
    for pattern in (SPEEDS, LATENCIES):
        for place in found(s, pattern):
            start = s.skip(place.start - 1, ("the", "a", "expected", "inference", "generation", "decode"), -1)
            ends = place.stop == last or s.said(place.stop) in _NAMED_BEFORE
            apart = s.said(start) not in _WISHED | _PROMPTS and not _seen(s, range(max(0, start - 3), start + 1))
            if (start < 0 or ends) and apart:
                return True
    return False


def read_speed(s: Sentence, *, has_model: bool) -> Paced:
    """What a question says of speed; the words are taken.

    Args:
        s: the sentence.
        has_model: whether a model is named.
    """

    most = matches(s, _ASKED_MOST)
    every = tuple(_rates(s))
    rates = tuple(r for r in every if r.scope != PROMPTS)
    others = matches(s, _CONTEXT) or any(says(s, cue) for cue in _ELSE)
    alone = most or (matches(s, _ASKED) and not (others and has_model))
    named = not every and not others and _names_speed(s)
    told = [SPEED] if len(every) > len(rates) else []
    faster = [p for p in found(s, _FASTER) if s.taken.isdisjoint(p)]
    for place in faster:
        s.take(place.start, place.stop)
    limited = False
    for pattern, remark in ((SPEEDS, SPEED), (LATENCIES, LATENCY)):
        places = [p for p in found(s, pattern) if not s.taken.issuperset(p)]
        for place in places:
            s.take(place.start, place.stop)
            limited |= _take_amount(s, place) and remark is LATENCY
        if places:
            told.append(remark)
    if rates and not alone:
        return Paced(rates, remarks=tuple(r for r in told if r is not SPEED))
    remarks = (LATENCY,) if limited else ()
    if alone:
        return Paced(rates, True, most, matches(s, _FIRST), asked=True, remarks=remarks)
    asked = bool(told or faster)
    most = named and matches(s, REQUEST_RATES)
    remarks = (*((SPEED,) if asked else ()), *remarks)
    return Paced(remarks=remarks, most=most, waits=matches(s, _FIRST), asked=asked, named=named)


#: What answers say of speed that is only named, and of limits on times beside a rate.
SPEED = Remark("speed and latency are not part of this, only what fits in memory", True, "speed")
LATENCY = Remark("whether a limit on latency is kept is not judged", True, "latency")


def _rates(s: Sentence) -> Iterator[Rate]:
    for pattern, tokens in ((TOKEN_RATES, True), (REQUEST_RATES, False)):
        for place in list(found(s, pattern)):
            if s.taken.isdisjoint(place) and (rate := _rate(s, place, tokens)) is not None:
                yield rate


def _rate(s: Sentence, place: range, tokens: bool) -> Rate | None:
    """The rate at a place, whose words are taken; null where no amount stands by it, or another's."""
    first = s.skip(place.start - 1, _BETWEEN, -1)
    start, stop, amount = first, place.stop, _amount(s, first)
    if amount is None and (behind := _behind(s, place)) is not None:
        start, stop, amount = place.start, behind + 1, _amount(s, behind)
        if s.said(stop) in SETS["RATED"] | SETS["TOKENS"]:
            tokens, stop = s.said(stop) in SETS["TOKENS"], stop + 1
    if amount is None or _is_gpu(s, start):
        return None
    near = range(max(0, start - _NEAR), stop)
    if _seen(s, near):
        return None
    lower = _lower(s, start)
    amount, start = (amount, start) if lower is None else lower
    seconds = next(n for i in reversed(place) if (n := _SECONDS.get(s.said(i))))
    scope, end = _scope(s, near, stop)
    if _of_prompts(s, start, stop):
        scope = PROMPTS
    said = "".join((" " if s.words[i].before.strip() != "/" else "/") + s.said(i) for i in range(start, stop)).strip()
    s.take(start, end)
    return Rate(amount / seconds, tokens, scope, seconds == 1, said)


def _is_gpu(s: Sentence, i: int) -> bool:
    """Whether a figure before a unit of speed is a GPU's name: ``2x3090 t/s``."""
    return len(s.at(i)) >= _FIGURES and s.said(i - 1) in _BEFORE_GPUS


def _of_prompts(s: Sentence, start: int, stop: int) -> bool:
    """Whether a rate is one of prompts: ``5000 input tokens per second``, ``prompt processing at 5000 tokens/s``."""
    before = s.skip(start - 1, ("at", "of", "speed", "rate"), -1)
    return s.said(before) in _PREFILL or any(s.said(i) in _PROMPTS for i in range(start, stop + 1))


def _amount(s: Sentence, i: int) -> float | None:
    """``20``, ``2.5``, ``5k`` or ``1m`` as a number above 0."""
    text = s.at(i)
    if text and (number := s.words[i].number) is not None:
        return float(abs(number)) or None
    power = {"k": 1e3, "m": 1e6}.get(text[-1:], 1.0)
    digits = text[:-1] if power > 1 else text
    return float(digits) * power or None if is_decimal(digits) else None


def _behind(s: Sentence, place: range) -> int | None:
    """The place of the amount behind a rate: ``rps: 50``, ``tokens per second of at least 20``."""
    short = len(place) == 1
    i = s.skip(place.stop, LINKS | {"least", "target", "over", "above"})
    if not s.at(i):
        return None
    marked = not frozenset(":=<>≥~").isdisjoint(s.words[i].before)
    named = s.said(i + 1) in SETS["RATED"] | SETS["TOKENS"]
    return i if marked or i > place.stop or named or (short and _amount(s, i) is not None) else None


def _lower(s: Sentence, i: int) -> tuple[float, int] | None:
    """The lower end of ``20-30`` or ``20 to 30`` before a rate, and where it stands."""
    before = i - 1 if s.words[i].before in "-–—" else i - 2 if s.said(i - 1) == "to" else None
    if before is None or (low := _amount(s, before)) is None:
        return None
    return low, before


def _seen(s: Sentence, near: range) -> bool:
    return any(near.start <= p.start < near.stop for p in found(s, _SEEN))


def _scope(s: Sentence, near: range, stop: int) -> tuple[str, int]:
    """Whether a rate is of each user or of all together, and the end of the words that say so."""
    i = stop
    while s.said(i) in _PER or s.said(i) == "in":
        i += 1
    marked = stop < len(s.words) and s.words[stop].before.strip() == "/"
    if s.said(i) in _EACH and (i > stop or marked):
        return "each", i + 1
    if s.said(i - 1) in ("each", "apiece") and i > stop:
        return "each", i
    if s.said(stop) == "apiece":
        return "each", stop + 1
    if s.said(i) in _ALL or (s.said(i) == "all" and i > stop):
        return "all", i + 1
    before = [s.said(k) for k in near if k < stop]
    if not _ALL.isdisjoint(before):
        return "all", stop
    return ("each", stop) if not {"each", "every"}.isdisjoint(before) else ("", stop)


def _take_amount(s: Sentence, place: range) -> bool:
    """Takes the limit beside a word of speed: ``under 500 ms``, ``< 800ms``; not a GPU's figure: ``4090 speed``."""
    if s.number_at(place.start - 1) is not None and len(s.at(place.start - 1)) < _FIGURES:
        s.take(place.start - 1)
    i = s.skip(
        place.stop, ("under", "below", "over", "of", "less", "than", "within", "at", "least", "around", "about", "most")
    )
    unit = s.at(i).lstrip("0123456789.")
    if s.at(i)[:1].isdigit() and (unit in ("ms", "s", "sec") or s.at(i + 1) in ("ms", "s", "sec", "second", "seconds")):
        s.take(place.stop, i + 1 + (unit == ""))
        return True
    return False


def settle(rates: tuple[Rate, ...], o: Options) -> tuple[Remark, ...]:
    """Puts rates among the options, now that the users are known, and says what had to be taken for granted."""
    remarks = []
    for rate in rates:
        text = None
        if not rate.a_second:
            what = "tokens" if rate.tokens else "requests"
            text = f"{rate.said!r} is taken as {rate.amount:.3g} {what} a second, evenly spread"
        if not rate.tokens:
            amount = rate.amount * (o.users or 1 if rate.scope == "each" else 1)
            o.settings["requests_per_second"] = max(amount, o.settings.get("requests_per_second", 0.0))
        elif _of_each(rate, o):
            o.settings["tokens_per_second"] = max(rate.amount, o.settings.get("tokens_per_second", 0.0))
            if not rate.scope and o.users is None:
                text = f"{rate.said!r} is taken as what one user gets: say 'in total' for all users together"
        else:
            o.tokens_in_all = max(rate.amount, o.tokens_in_all or 0.0)
            if not rate.scope and rate.a_second:
                text = f"{rate.said!r} is taken as what all users get together"
        if text is not None:
            remarks.append(Remark(text, not rate.scope and rate.tokens, "rate"))
    if len({(r.tokens, r.scope) for r in rates}) < len(rates):
        remarks.append(Remark("of several rates the highest is taken", True, "rate"))
    return tuple(remarks)


def _of_each(rate: Rate, o: Options) -> bool:
    if rate.scope:
        return rate.scope == "each"
    return rate.a_second and rate.amount <= FASTEST


def rates_left(o: Options) -> Iterator[str]:
    """What to say of rates where nothing could be answered."""
    if "tokens_per_second" in o.settings or o.tokens_in_all is not None:
        yield "tokens a second were asked for, which are not judged then"
    if "requests_per_second" in o.settings:
        yield "requests a second were asked for, which are not judged then"
