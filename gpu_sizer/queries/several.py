"""The parts of a question that asks several things: a table of ways in which it may fall apart, tried in order."""

from __future__ import annotations

from itertools import islice

from gpu_sizer.load import WEIGHTS
from gpu_sizer.queries.settings import USUAL_FILES
from gpu_sizer.queries.topics import Remark
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_sizer.queries.reading import Reader
    from gpu_sizer.queries.understanding import Understanding

    #: The parts of a question about one model, or null where it does not fall apart in this way.
    Way = Callable[[Understanding, Reader], list[Understanding] | None]

#: Answers that one question gets at most.
MOST_PARTS = 6


def timed(u: Understanding) -> Understanding:
    """A question as one of speed, which has nothing to say of leaving that out."""
    kept = tuple(r for r in u.remarks if r.topic != "speed")
    options = replace(u.options, notes=tuple(r.text for r in kept))
    return replace(u, intent="speed", remarks=kept, options=options)


def _runs_on_each(part: Understanding, r: Reader) -> list[Understanding] | None:
    """``4x A6000 vs 2x H100``: what runs on each of these."""
    if part.intent not in ("compare", "models") or len(r.gpus) < 2 or part.model:
        return None
    return [replace(part, intent="models", gpus=g.ids[:1], gpu_count=g.count) for g in r.gpus]


def _speed_on_each(part: Understanding, r: Reader) -> list[Understanding] | None:
    """``3090 vs 4090 speed``: that of each; one of each is a kind, not a number (``is a 5090 faster than a 4090``)."""
    asked = r.pace.asked or r.options.token_price
    if part.intent not in ("compare", "speed") or len(r.gpus) < 2 or not asked:
        return None
    return [replace(timed(part), gpus=g.ids[:1], gpu_count=g.count if g.count != 1 else None) for g in r.gpus]


def _fits_each(part: Understanding, r: Reader) -> list[Understanding] | None:
    """``3x 3090 or an A6000``: whether each of these does."""
    numbers = [g.count or (1 if g.article else None) for g in r.gpus]
    counted = len(numbers) > 1 and any(g.count for g in r.gpus) and None not in numbers
    if part.intent != "compare" or not counted or r.says("asks_price"):
        return None
    each = zip(r.gpus, numbers, strict=True)
    return [replace(part, intent="fit", gpus=g.ids[:1], gpu_count=number) for g, number in each]


def _in_each_type(part: Understanding, r: Reader) -> list[Understanding] | None:
    """``fp8 vs bf16``, or the usual files of which one that fits is sought."""
    if len(r.options.weights) < 2:
        return None
    sought = r.options.weights == USUAL_FILES and bool(part.gpus)
    alone = part.intent == "compare" and len(part.gpus) == 1
    intent = "fit" if sought or r.held else "count" if alone else part.intent
    made = []
    for kind in r.options.weights:
        options = replace(part.options, settings={**part.options.settings, WEIGHTS: kind}, weights=())
        said = Remark(f"that is with weights in {kind}", first=True)
        made.append(replace(part, intent=intent, options=options, remarks=(*part.remarks, said), sought=sought))
    return made


def _at_each_length(part: Understanding, r: Reader) -> list[Understanding] | None:
    """``at 8k, 32k and 128k``; where the context is what is asked for, lengths tell none."""
    if len(r.options.lengths) < 2 or part.intent == "context":
        return None
    made = []
    for length in r.options.lengths:
        said = Remark(f"that is at {length} tokens", first=True)
        options = replace(part.options, context=(length,), lengths=())
        made.append(replace(part, options=options, remarks=(*part.remarks, said)))
    return made


#: The ways, of which the first that a question falls apart in is taken.
WAYS: tuple[Way, ...] = (_runs_on_each, _speed_on_each, _fits_each, _in_each_type, _at_each_length)


def parts(one: Understanding, models: Sequence[tuple[str, str]], r: Reader) -> tuple[Understanding, ...]:
    """The question about each of its models, in its parts; models that stand by GPUs of their own go with these.

    Args:
        one: the question about the first of them.
        models: the models, and how each was written.
        r: what the question says.
    """
    return tuple(islice(_parts(one, models, r), MOST_PARTS))


def _parts(one: Understanding, models: Sequence[tuple[str, str]], r: Reader) -> Iterator[Understanding]:
    own = _pairs(r) if len(models) > 1 else {}
    for model, spelling in models or [(one.model or "", one.spelling)]:
        part = replace(one, model=model or None, spelling=spelling, gpus=own.get(model, one.gpus))
        if own and part.intent == "compare":
            part = replace(part, intent="count")
        yield from next((made for way in WAYS if (made := way(part, r)) is not None), [part])


def _pairs(r: Reader) -> dict[str, tuple[str, ...]]:
    """The GPU that stands beside each model, where they alternate: Llama 3 8B on L4 and 70B on H100."""
    names = sorted([(n.start, "m", n.ids[0]) for n in r.models] + [(g.start, "g", g.ids[0]) for g in r.gpus])
    kinds = "".join(kind for _, kind, _ in names)
    if kinds not in ("mg" * (len(kinds) // 2), "gm" * (len(kinds) // 2)):
        return {}
    by_kind = {k: [i for _, kind, i in names if kind == k] for k in "mg"}
    return {m: (g,) for m, g in zip(by_kind["m"], by_kind["g"], strict=True)}
