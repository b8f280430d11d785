"""A question in words -> what is asked: the intent, the names, the options, and what was left aside."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from gpu_sizer.cards.names import join_names
from gpu_sizer.errors import RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.queries.entities import ARTICLES, Name, counted, exact_names
from gpu_sizer.queries.grammar import read_options
from gpu_sizer.queries.intents import about_sizing, intent_of
from gpu_sizer.queries.naming import ambiguous, left_over, nearly, told_in_part, unknown, widened
from gpu_sizer.queries.near_names import NearNames
from gpu_sizer.queries.options import Options
from gpu_sizer.queries.sentence import Sentence
from gpu_sizer.queries.settings import read_engine
from gpu_sizer.queries.spelling import Mender, Vocabulary
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.errors import GpuSizerError
    from gpu_sizer.queries.intents import Intent

EXAMPLE = 'ask for example "how many A6000s for Mixtral 8x7b"'
#: Words left aside that an answer names.
MOST_IGNORED = 6


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks: ids of the catalogue, options as typed, and what to tell the reader of both."""

    question: str
    intent: Intent
    model: str | None
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
        self.model_names, self.gpu_names = NearNames(cards.models.index), NearNames(cards.gpus.index)
        self.options = Options()
        self.models: list[Name] = []
        self.gpus: list[Name] = []
        self.taken_as: list[str] = []

    def read(self) -> None:
        """Names first, then quantities, then bare figures, then what is only nearly a name."""
        s, mender = self.s, self.mender
        read_engine(s, self.options)
        self.models, self.gpus = exact_names(s, self.cards, mender)
        read_options(s, self.options)
        models, gpus = exact_names(s, self.cards, mender, figures=True)
        self.models += models
        self.gpus += gpus
        self.models = [self._widened(m) for m in self.models]
        self.gpus = [self.with_memory(g) for g in self.gpus]
        if not self.models:
            self._find(self.models, told_in_part(s, self.mender))
        if not self.gpus:
            self._find_gpu()
        if not self.models:
            self._find(self.models, nearly(s, self.model_names))

    def _widened(self, name: Name) -> Name:
        if len(name.ids) > 1:
            return name
        wide = widened(self.s, name, self.mender)
        if wide.near:
            self.taken_as.append(f"{wide.spelling!r} taken as {wide.ids[0]}")
        return wide

    def _find(self, into: list[Name], found: tuple[list[str], str, range] | None) -> None:
        if found is None:
            return
        ids, spelling, places = found
        self.s.take(places.start, places.stop)
        name = Name(places.start, places.stop, tuple(ids), spelling, near=True)
        into.append(counted(self.s, name, self.mender) if into is self.gpus else name)
        if len(ids) == 1:
            self.taken_as.append(f"{spelling!r} taken as {ids[0]}")

    def _find_gpu(self) -> None:
        """A GPU told in part (``pro 6000``), parted by what looks like an article (``A 100``), or misspelt."""
        s = self.s
        for i in s.free():
            key = s.at(i) + s.at(i + 1)
            if s.at(i) in ARTICLES and s.at(i + 1).isdigit() and (identity := self.cards.gpus.index.get(key)):
                s.take(i, i + 2)
                self.gpus.append(counted(s, Name(i, i + 2, (identity,), key), self.mender))
                return
        found = nearly(s, self.gpu_names)
        if found is None or not any(c.isdigit() for c in found[1]):
            known = Mender(lambda: _vocabulary(tuple(self.cards.gpus.ids())))
            part = told_in_part(s, known)
            found = part if part is not None and any(c.isdigit() for c in part[1]) else found
        self._find(self.gpus, found)

    def intent(self) -> Intent | None:
        """What is asked."""
        return intent_of(
            self.s,
            models=len(self.models),
            gpus=len({g.ids for g in self.gpus}),
            counted=self.gpu_count is not None,
            count_asked=any(self._asked(g) for g in self.gpus),
        )

    def _asked(self, gpu: Name) -> bool:
        """Whether ``how many`` or ``number of`` stands before a GPU."""
        said = [w.text for w in self.s.words]
        before = [w for w in said[max(0, gpu.start - 4) : gpu.start] if w not in ("of", "nvidia", "amd", "x", "the")]
        behind = said[gpu.stop : gpu.stop + 1]
        return before[-1:] in (["many"], ["number"], ["fewest"], ["much"]) or behind in (["count"], ["needed"])

    def memory_told(self, near: Name | None = None) -> int | None:
        """Gigabytes of a GPU that stand beside its name, or anywhere; their words are taken."""
        s = self.s
        places = list(s.free())
        if near is not None:
            places = [s.skip(near.stop, ("with", "of", "at", "x"), most=1), near.start - 1, near.start - 2]
        for i in places:
            word = s.at(i)
            amount = word.removesuffix("gib").removesuffix("gb").removesuffix("g")
            if amount.isdigit() and len(amount) < 5 and word != amount:
                s.take(i)
                return int(amount)
            if word.isdigit() and len(word) < 5 and s.at(i + 1) in ("gb", "gib", "gigabytes", "g"):
                s.take(i, i + 2)
                return int(word)
        return None

    def with_memory(self, gpu: Name) -> Name:
        """The GPU with the memory that was told beside it.

        Raises:
            UnknownGpuError: it does not come with that memory.
        """
        told = self.memory_told(gpu)
        if told is None:
            return gpu
        shelf = self.cards.gpus
        if (identity := shelf.index.get(f"{gpu.spelling.replace(' ', '')}{told}gb")) is not None:
            return replace(gpu, ids=(identity,))
        kept = tuple(i for i in gpu.ids if shelf.get(i).memory.marketed_gb == told)
        if not kept:
            raise UnknownGpuError(
                f"{join_names(gpu.ids)} does not come with {told} GB"
                f" (but with {shelf.get(gpu.ids[0]).memory.marketed_gb})",
                suggestions=gpu.ids,
            )
        return replace(gpu, ids=kept)

    @property
    def gpu_count(self) -> int | None:
        """The number of GPUs that was told."""
        said = self.options.gpu_count or next((g.count for g in self.gpus if g.count is not None), None)
        if said is None and self.options.sizes:
            said = prod(self.options.sizes.values())
        if said is not None and self.options.nodes and self.options.nodes > 1 and not self.options.gpu_count:
            return said * self.options.nodes
        return said

    def ignored(self) -> tuple[str, ...]:
        """Words that were not understood and may matter."""
        left = dict.fromkeys(self.s.at(i) for i in self.s.free())
        return tuple(w for w in left if w not in STOP_WORDS)[:MOST_IGNORED]


def _one(names: Sequence[Name], kind: type[UnknownModelError] | type[UnknownGpuError]) -> tuple[str, ...]:
    """The ids of the names, each of which means one."""
    for name in names:
        if len(name.ids) > 1:
            raise ambiguous(kind, name.spelling, name.ids)
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
    memory = None if reader.gpus else reader.memory_told()
    if memory is not None and intent not in ("gpus", "memory"):
        holders = [g.id for g in cards.gpus.all() if g.memory.marketed_gb == memory]
        which = f", such as {join_names(holders[:6])}" if holders else ""
        raise _incomplete(f"on which GPU? name one of {memory} GB{which}", "gpu", holders)
    if intent is None or not (reader.models or reader.gpus):
        if not about_sizing(reader.s):
            raise _not_understood()
        intent = intent or "count"
    models = _one(reader.models, UnknownModelError)
    if len(models) > 1:
        raise ambiguous(UnknownModelError, " / ".join(n.spelling for n in reader.models), models)
    if not models and intent != "models":
        if (name := left_over(reader.s)) and (reader.gpus or any(c.isdigit() for c in name)):
            raise unknown(UnknownModelError, name, reader.model_names)
        raise _incomplete(f"for which model? {EXAMPLE}", "model")
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
        gpus,
        count,
        reader.options,
        tuple(reader.taken_as),
        reader.ignored(),
    )
