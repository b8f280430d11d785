"""A question that goes on from the one before: "and on 2 h100?", "what about llama 3 70b?", "and with 16 users?"."""

from __future__ import annotations

import re
from itertools import pairwise

from gpu_sizer.errors import GpuSizerError, RequestError
from gpu_sizer.queries.understanding import understand_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.queries.understanding import Understanding

#: How such a question begins.
_GOES_ON = re.compile(r"(?:and|also|now|then|what about|how about|what if)\b[\s,]*", re.IGNORECASE)

#: Commands whose first argument is a model.
_OF_A_MODEL = (
    "size",
    "fit",
    "context",
    "users",
    "memory",
    "speed",
    "explain",
    "which-gpu",
    "compare",
    "rent",
    "deploy",
)
#: Settings that questions say in words of their own.
_RATES = {
    "tokens_per_second": " at {:g} tokens per second per user",
    "requests_per_second": " at {:g} requests per second in total",
}


def whole_question(text: str, before: str | None, cards: Catalogue) -> str:
    """A question with what it leaves to the one before; itself where it leaves nothing, or none came before.

    Args:
        text: as typed.
        before: the whole question before it.
        cards: the catalogue.
    """
    if before is None:
        return text
    begun = _GOES_ON.match(text.strip())
    tail = text.strip()[begun.end() if begun else 0 :].strip(" ?.!")
    own, missing = _read(tail, cards)
    complete = own is not None and own.model is not None and bool(own.gpus)
    if not tail or complete or (begun is None and not missing):
        return text
    # "at 32k?", "how fast is it": no question by itself, and one that goes on only if all of it is then understood.
    unsure = begun is None and missing == "all"
    last, _ = _read(before, cards)
    if last is None or last.model is None:
        return text
    # A text that lacks the model alone is read with it, for the GPUs that it may name.
    named = own or _read(f"{tail} for {last.model}", cards)[0]
    made = _composed(tail, own, named, last)
    understood, _ = _read(made, cards)
    if understood is None or (unsure and not set(understood.ignored) <= set(last.ignored)):
        return text
    if last.options.context and not understood.options.context:
        made += f" at {last.options.context[0]} tokens"
    if last.options.users and not understood.options.users:
        made += f" with {last.options.users} users"
    if last.options.engine and not understood.options.engine:
        made += f" under {last.options.engine}"
    if last.options.utilization and not understood.options.utilization:
        made += f" utilization {last.options.utilization:g}"
    return f"{made}{''.join(_kept(last, understood))}"


def _kept(last: Understanding, understood: Understanding) -> Iterator[str]:
    """Settings that only the question before tells, by their names, which the reader takes in either place."""
    for name, value in last.options.settings.items():
        if name in understood.options.settings or value is False:
            continue
        if (said := _RATES.get(name)) is not None:
            yield said.format(value)
        else:
            yield f", {name}" if value is True else f", {name} {value}"


def as_question(words: list[str]) -> str | None:
    """What a command line asked, as a question that others may go on from; null where it names no model.

    Args:
        words: the command and its arguments: ``size mixtral-8x7b --gpu a6000 --context 8k``.
    """
    if len(words) < 2 or words[0] not in _OF_A_MODEL or words[1].startswith("-"):
        return None
    given = dict(pairwise(words)) | dict(w.split("=", 1) for w in words if "=" in w)
    said = f"how many {given.get('--gpu', 'GPUs')} for {words[1]}"
    for option, text in (("--context", " at {} tokens"), ("--users", " with {} users"), ("--engine", " under {}")):
        said += text.format(given[option]) if option in given else ""
    return said


def _read(text: str, cards: Catalogue) -> tuple[Understanding | None, Literal["", "model", "all"]]:
    """What a text asks, if it is a question by itself; and whether all that it lacks is the model, or all that asks."""
    try:
        return understand_all(text, cards)[0], ""
    except RequestError as error:
        if (error.kind, error.about) == ("unknown", "question"):
            return None, "all"
        return None, "model" if error.kind == "incomplete" and error.about == "model" else ""
    except GpuSizerError:
        return None, ""


def _composed(tail: str, own: Understanding | None, named: Understanding | None, last: Understanding) -> str:
    """The tail in the question that it goes on from."""
    model = "" if own is not None and own.model is not None else last.spelling or last.model or ""
    gpu = last.gpus[0] if last.gpus else ""
    if named is not None and named.gpus:
        on = "" if re.match(r"on\b", tail, re.IGNORECASE) else "on "
        return f"does {model} fit {on}{tail}" if named.gpu_count else f"how many {named.gpus[0]} for {model}"
    if last.intent == "fit" and last.gpu_count:
        where = f"on {last.gpu_count} {gpu}"
        return f"does {model} fit {where} {tail}" if model else f"does {tail} fit {where}"
    return f"how many {gpu or 'GPUs'} for {model or tail}{f' {tail}' if model else ''}"
