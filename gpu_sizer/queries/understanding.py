"""A question in words -> what is asked: the intent, the names, the options, and what was left aside."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from gpu_sizer.cards.names import join_names, normal
from gpu_sizer.errors import RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.queries.asides import refuse_other_language, refuse_other_subjects
from gpu_sizer.queries.entities import ARTICLES, Name, counted, exact_names, goes_on
from gpu_sizer.queries.gpu_memory import memory_told, with_memory
from gpu_sizer.queries.grammar import read_options
from gpu_sizer.queries.intents import Told, about_sizing, intent_of
from gpu_sizer.queries.naming import ambiguous, left_over, narrowed, nearly, told_in_part, unknown, widened
from gpu_sizer.queries.near_names import NearNames
from gpu_sizer.queries.options import Options
from gpu_sizer.queries.sentence import Sentence
from gpu_sizer.queries.settings import read_engine
from gpu_sizer.queries.spelling import RELEASED, Mender, Vocabulary
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.errors import GpuSizerError
    from gpu_sizer.queries.intents import Intent

EXAMPLE = 'ask for example "how many A6000s for Mixtral 8x7b"'
#: Stretches left aside that an answer names.
MOST_IGNORED = 6
#: Idle words that are told with an amount left aside: ``under $ 20``.
_BEFORE_AMOUNTS = frozenset(("$", "€", "£", "under", "below", "over", "above", "least", "not", "no", "without"))


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks: ids of the catalogue, options as typed, and what to tell the reader of both.

    ``spelling`` is how the model was written: it may be a release with a name and a length of its own.
    """

    question: str
    intent: Intent
    model: str | None
    spelling: str
    gpus: tuple[str, ...]
    gpu_count: int | None
    options: Options
    taken_as: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@lru_cache(maxsize=8)
def _vocabulary(ids: tuple[str, ...]) -> Vocabulary:
    return Vocabulary.of(ids)


class _Reader:
    """One question while it is read."""

    def __init__(self, text: str, cards: Catalogue) -> None:
        self.s = Sentence(text)
        self.cards = cards
        self.mender = Mender(lambda: _vocabulary(tuple(cards.models.ids())))
        self.model_names, self.gpu_names = NearNames(cards.models), NearNames(cards.gpus)
        self.options = Options()
        self.models: list[Name] = []
        self.gpus: list[Name] = []
        self.taken_as: list[str] = []

    def read(self) -> None:
        """Names first, then quantities, then bare figures, then what is only nearly a name."""
        s, mender = self.s, self.mender
        refuse_other_language(s.text, s)
        refuse_other_subjects(s)
        read_engine(s, self.options)
        copied = self._copied()
        self.models, self.gpus = exact_names(s, self.cards, mender)
        self._refuse_others()
        self.models += copied
        read_options(s, self.options)
        models, gpus = exact_names(s, self.cards, mender, figures=True)
        self.models += models
        self.gpus += gpus
        self.models = [self._widened(m) for m in self.models]
        self.gpus = [with_memory(s, g, self.cards.gpus) for g in self.gpus]
        if not self.models:
            self._find(self.models, told_in_part(s, self.mender))
        if not self.gpus:
            self._find_gpu()
        if not self.models:
            self._find(self.models, nearly(s, self.model_names))
        self.models = [narrowed(s, m) if len(m.ids) > 1 else m for m in self.models]

    def _copied(self) -> list[Name]:
        """Models whose hub ids stand in the question."""
        if "/" not in self.s.text:
            return []
        from gpu_sizer.queries.hub_ids import known_hub_ids

        found = known_hub_ids(self.s, self.cards)
        self.taken_as += [f"{m.spelling!r} taken as {m.ids[0]}" for m in found if m.near]
        return found

    def _refuse_others(self) -> None:
        if "/" in self.s.text and self.models:
            from gpu_sizer.queries.hub_ids import refuse_others

            refuse_others(self.s, self.models, RELEASED)

    def _widened(self, name: Name) -> Name:
        if len(name.ids) > 1 or name.near:
            return name
        wide = widened(self.s, name, self.mender, self._billions)
        if wide.near:
            self.taken_as.append(f"{wide.spelling!r} taken as {wide.ids[0]}")
        return wide

    def _billions(self, identity: str) -> list[float]:
        told = self.cards.models.get(identity).parameters
        return [n / 1e9 for n in (told.total, told.active) if n]

    def newest_first(self, ids: Sequence[str]) -> list[str]:
        """Models in the order of their release, the latest first; those without a date last."""
        released = {i: str(self.cards.models.get(i).released or "") for i in ids}
        return sorted(sorted(ids), key=lambda i: released[i], reverse=True)

    def _find(self, into: list[Name], found: tuple[list[str], str, range] | None) -> None:
        if found is None:
            return
        ids, spelling, places = found
        if len(ids) > 1 and into is self.models and (whole := self._mended(spelling)) is not None:
            ids = [whole]
        self.s.take(places.start, places.stop)
        name = Name(places.start, places.stop, tuple(ids), spelling, near=True)
        into.append(counted(self.s, name, self.mender) if into is self.gpus else name)
        if len(ids) == 1:
            self.taken_as.append(f"{spelling!r} taken as {ids[0]}")

    def _mended(self, spelling: str) -> str | None:
        """The model whose whole name the mended words of a spelling are."""
        words = [self.mender.mend(word) or word for word in spelling.split()]
        return self.cards.models.index.get(normal(" ".join(words))) if words != spelling.split() else None

    def _find_gpu(self) -> None:
        """A GPU told in part (``pro 6000``), parted by what looks like an article (``A 100``), or misspelt."""
        s = self.s
        for i in s.free():
            key = s.at(i) + s.at(i + 1)  # a letter and a number: nothing stands between
            if s.at(i) in ARTICLES and s.at(i + 1).isdigit() and (identity := self.cards.gpus.index.get(key)):
                s.take(i, i + 2)
                self.gpus.append(counted(s, Name(i, i + 2, (identity,), key), self.mender))
                return
        found = nearly(s, self.gpu_names)
        if found is None or not any(c.isdigit() for c in found[1]):
            known = Mender(lambda: _vocabulary(tuple(self.cards.gpus.ids())))
            part = told_in_part(s, known)
            found = part if part is not None and any(c.isdigit() for c in part[1]) else found
        if found is not None and goes_on(s, found[2].start, found[2].stop):
            return
        self._find(self.gpus, found)

    def intent(self) -> Intent | None:
        """What is asked."""
        told = Told(
            models=len(self.models),
            gpus=len({g.ids for g in self.gpus}),
            counted=self.gpu_count is not None,
            count_asked=any(self._asked(g) for g in self.gpus),
            users=self.options.users is not None,
            context=bool(self.options.context),
        )
        return intent_of(self.s, told)

    def _asked(self, gpu: Name) -> bool:
        """Whether ``how many`` or ``number of`` stands before a GPU."""
        said = [w.text for w in self.s.words]
        before = [w for w in said[max(0, gpu.start - 4) : gpu.start] if w not in ("of", "nvidia", "amd", "x", "the")]
        behind = said[gpu.stop : gpu.stop + 1]
        return before[-1:] in (["many"], ["number"], ["fewest"], ["much"]) or behind in (["count"], ["needed"])

    @property
    def gpu_count(self) -> int | None:
        """The number of GPUs that was told."""
        o, named = self.options, next((g for g in self.gpus if g.count is not None), None)
        said = o.gpu_count if o.gpu_count is not None else named.count if named else None
        if said is None and o.sizes:
            return prod(o.sizes.values())
        place = o.count_place if o.gpu_count is not None else named.start if named else None
        if said is None or o.nodes is None or place is None:
            return said
        total = o.nodes_place is not None and o.nodes_place > place and not self.s.has((("each",), ("per",)))
        return said if total else said * o.nodes

    @property
    def sure(self) -> bool:
        """Whether a name is beyond doubt: it is spelt right, has a number, or is the whole question."""
        named = [n for n in (*self.models, *self.gpus) if not n.near or any(c.isdigit() for c in n.spelling)]
        return bool(named) or (bool(self.models or self.gpus) and not self.ignored())

    def ignored(self) -> tuple[str, ...]:
        """Stretches of words that were not understood and may matter."""
        left: list[list[int]] = []
        for i in self.s.free():
            if left and left[-1][-1] == i - 1 and not any(c in ",;.?!\n" for c in self.s.words[i].before):
                left[-1].append(i)
            else:
                left.append([i])
        found: dict[str, None] = {}
        for run in left:
            telling = [i for i in run if self.s.at(i) not in STOP_WORDS]
            if telling:
                start = telling[0] - (telling[0] - 1 in run and self.s.at(telling[0] - 1) in _BEFORE_AMOUNTS)
                found[" ".join(self.s.at(i) for i in range(start, telling[-1] + 1))] = None
        return tuple(found)[:MOST_IGNORED]


def _one(
    names: Sequence[Name],
    kind: type[UnknownModelError] | type[UnknownGpuError],
    order: Callable[[Sequence[str]], Sequence[str]] = tuple,
) -> tuple[str, ...]:
    """The ids of the names, each of which means one; those to ask back among are put in order."""
    for name in names:
        if len(name.ids) > 1:
            raise ambiguous(kind, name.spelling, order(name.ids))
    return tuple(dict.fromkeys(name.ids[0] for name in names))


def _incomplete(message: str, about: str, suggestions: Sequence[str] = ()) -> RequestError:
    error = RequestError(message, about=about, suggestions=suggestions)
    error.kind = "incomplete"
    return error


def _not_understood() -> GpuSizerError:
    error = RequestError(f"not understood; {EXAMPLE}")
    error.kind = "unknown"
    return error


def understand(text: str, cards: Catalogue) -> Understanding:
    """What a question means.

    Raises:
        UnknownModelError, UnknownGpuError: no such name (``kind`` unknown), or several (``ambiguous``).
        RequestError: no question about sizing (``kind`` unknown), or one that lacks its model or GPU (``incomplete``).
    """
    reader = _Reader(text, cards)
    reader.read()
    intent = reader.intent()
    memory = None if reader.gpus else memory_told(reader.s)
    if memory is not None and intent not in ("gpus", "memory"):
        holders = [g.id for g in cards.gpus.all() if g.memory.marketed_gb == memory]
        which = f", such as {join_names(holders[:6])}" if holders else ""
        raise _incomplete(f"on which GPU? name one of {memory} GB{which}", "gpu", holders)
    if not about_sizing(reader.s) and (intent is None or not reader.sure):
        raise _not_understood()
    intent = intent or "count"
    models = _one(reader.models, UnknownModelError, reader.newest_first)
    if len(models) > 1:
        raise ambiguous(UnknownModelError, " / ".join(n.spelling for n in reader.models), models)
    if not models and intent != "models":
        if (name := left_over(reader.s)) and (reader.gpus or any(c.isdigit() for c in name)):
            raise unknown(UnknownModelError, name, reader.model_names)
        raise _incomplete(f"for which model? {EXAMPLE}", "model")
    if intent == "models" and (name := left_over(reader.s)) and reader.mender.vocabulary.names_something(name.split()):
        raise unknown(UnknownModelError, name, reader.model_names)
    gpus = _one(reader.gpus, UnknownGpuError)
    if not gpus and intent not in ("gpus", "memory"):
        if name := left_over(reader.s):
            raise unknown(UnknownGpuError, name, reader.gpu_names)
        raise _incomplete(f"on which GPU? {EXAMPLE}; or ask which GPU is cheapest for {models[0]}", "gpu")
    count = reader.gpu_count
    if intent == "fit" and count is None and not reader.options.nodes:
        intent, count = ("count", None) if any(g.plural for g in reader.gpus) else ("fit", 1)
    return Understanding(
        " ".join(text.split())[:500],
        intent,
        models[0] if models else None,
        reader.models[0].spelling if models else "",
        gpus,
        count,
        reader.options,
        tuple(reader.taken_as),
        reader.ignored(),
    )
