"""Speed and rates in a question: asked for alone, or told beside something else."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.patterns import found, matches
from gpu_sizer.queries.topics import Remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.queries.sentence import Sentence

#: Words of speed.
SPEEDS = (
    "throughput, latency, latencies, ttft, tpot, itl, tps, tok s, TOKENS EACH TIME, TOKENS s|sec|second,"
    " speed|speeds, how fast, how much|many tokens does|do|can|will|would, tokens generated, generate tokens,"
    " time to first token, tokens generated a|per TIME, generation|decode|inference speed"
)
#: A load that is told as a rate.
RATES = "# RATES, RATES #, # RATED EACH TIME, # RATED sec|second|minute, # concurrent RATED EACH TIME, RATED EACH TIME"
#: Where speed itself is asked for.
_ASKED = (
    "HOW throughput|latency|ttft|tps|speed|tpot, how fast, ^ throughput|latency|ttft|tps|speed, HOW TOKENS EACH TIME,"
    " HOW TOKENS s|sec|second, HOW tok|t s, estimate of throughput, HOW # TOKENS EACH TIME, how much tokens|tok"
)
#: What else a question asks, beside speed.
_ELSE = ("asks_memory", "asks_count", "asks_fit", "asks_hardware", "asks_users")
_CONTEXT = "max|maximum|longest|most|much context, context length|window, what context"


def read_speed(s: Sentence, *, counted: bool, has_model: bool) -> tuple[tuple[Remark, ...], bool]:
    """What an answer says of the speed or rate that a question tells, and whether speed is all that it asks.

    The words are taken.

    Args:
        s: the sentence.
        counted: whether a number of GPUs is asked for.
        has_model: whether a model is named.

    Raises:
        RequestError: a number of GPUs for a rate.
    """
    from gpu_sizer.queries.intents import says

    rates = [p for p in found(s, RATES) if not s.taken.issuperset(p)]
    speeds = [p for p in found(s, SPEEDS) if not s.taken.issuperset(p)]
    if not rates and not speeds:
        return (), False
    told = next((" ".join(s.said(i) for i in p) for p in rates if any(s.words[i].number for i in p)), None)
    others = matches(s, _CONTEXT) or any(says(s, cue) for cue in _ELSE)
    if told is not None and (counted or not has_model):
        raise RequestError(
            f"{told!r} is a rate: say how many requests run at the same time, as in '20 users', or ask"
            " `gpu-sizer size` with --requests-per-second",
            about="users",
        )
    alone = matches(s, _ASKED) and not (others and has_model)
    for place in (*rates, *speeds):
        s.take(place.start, place.stop)
        _take_amount(s, place)
    if alone:
        return (), True
    return (Remark("speed and latency are not part of this, only what fits in memory", True, "speed"),), False


def _take_amount(s: Sentence, place: range) -> None:
    """Takes the limit beside a word of speed: ``under 500 ms``, ``< 800ms``, ``20 tokens/s``."""
    if s.number_at(place.start - 1) is not None:
        s.take(place.start - 1)
    i = s.skip(
        place.stop, ("under", "below", "over", "of", "less", "than", "within", "at", "least", "around", "about", "most")
    )
    unit = s.at(i).lstrip("0123456789.")
    if s.at(i)[:1].isdigit() and (unit in ("ms", "s", "sec") or s.at(i + 1) in ("ms", "s", "sec", "second", "seconds")):
        s.take(place.stop, i + 1 + (unit == ""))
