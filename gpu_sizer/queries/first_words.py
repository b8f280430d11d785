"""What the first line of an answer must say of how it was decided: a table of sentences, and when each is true."""

from __future__ import annotations

from gpu_sizer.queries.patterns import matches
from gpu_sizer.queries.topics import Remark
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.reading import Reader

#: Where the engine itself is sought.
_ENGINES_ASKED = "which|what|best engine|engines|backend|backends, best inference engine"
#: Several models that are to run at once on the same GPUs.
_SHARED = (
    "together, both, alongside, side by side, at once, at the same time, simultaneously, in parallel, models on one|a,"
    " same|single|one gpu|card, share, sharing, plus"
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a question was decided to ask: its intent, models as they were written, GPUs, and their number."""

    intent: Intent
    models: tuple[tuple[str, str], ...]
    gpus: tuple[str, ...]
    count: int | None


def _users_of_each(r: Reader, d: Decided) -> bool:
    return r.options.users_each and d.count is None and not all(g.count for g in r.gpus)


def _of_one_engine(r: Reader, d: Decided) -> bool:
    return r.options.engines_more or matches(r.s, _ENGINES_ASKED)


def _on_shared(r: Reader, d: Decided) -> bool:
    return len(d.models) > 1 and bool(d.gpus) and matches(r.s, _SHARED)


def _of_any_number(r: Reader, d: Decided) -> bool:
    return d.intent == "compare" and r.options.prices and any((g.count or 1) > 1 for g in r.gpus)


#: When something is to be said, and what; ``{users}`` are those that were told.
SENTENCES: tuple[tuple[Callable[[Reader, Decided], bool], str], ...] = (
    (_users_of_each, "{users} users a GPU are taken as those of all: say on how many GPUs they are"),
    (
        _of_one_engine,
        "by one engine's rules alone: `gpu-sizer size MODEL --gpu GPU --engine all` has those of each",
    ),
    (_on_shared, "each model is sized as if it had the GPUs to itself: models that share them are not planned"),
    (_of_any_number, "the fewest of each are priced, not the numbers that are told"),
)


def first_words(r: Reader, decided: Decided) -> Iterator[Remark]:
    """What is to be said of what was decided."""
    for holds, text in SENTENCES:
        if holds(r, decided):
            yield Remark(text.format(users=r.options.users), first=True)
