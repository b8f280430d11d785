"""A question in words -> what is asked: the intent, the names, the options, and what was left aside."""

from __future__ import annotations

from gpu_sizer.cards.families import (
    ambiguous,
    are_sizes,
    as_released,
    best_known_first,
    digits,
    newest_of_size,
)
from gpu_sizer.cards.names import join_names
from gpu_sizer.engines.registry import INSTEAD, engine
from gpu_sizer.errors import GpuSizerError, RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.load import WEIGHTS
from gpu_sizer.queries.first_words import Decided, first_words
from gpu_sizer.queries.languages import in_english
from gpu_sizer.queries.naming import (
    LIKE_SIZE,
    is_portable,
    told_by_size,
    unknown,
    unknown_gpus,
    unknown_in_laptops,
    unknown_model,
    wants_one,
)
from gpu_sizer.queries.reading import Reader
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.queries.topics import Remark
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.queries.entities import Name
    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.options import Options

EXAMPLE = 'ask for example "how many A6000s for Mixtral 8x7b"'
#: Intents that need no GPU.
_WITHOUT_GPU = ("gpus", "memory")
#: Words that say by what models are the best, and nothing else.
_OF_RATINGS = (
    *("rated", "ranked", "rating", "scoring", "score", "arena", "top", "smartest", "strongest", "cleverest"),
    *("capable", "intelligent"),
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks: ids of the catalogue, options as typed, and what to tell the reader of both.

    ``spelling`` is how the model was written: it may be a release with a name and a length of its own. ``mixed`` are
    GPUs that are all meant together, one by one.
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
    remarks: tuple[Remark, ...] = ()
    mixed: tuple[str, ...] = ()
    other_memory: tuple[str, ...] = ()
    """GPUs of the same name with another memory, where none was told."""
    sought: bool = False
    """Whether it is one of several types of weights, the largest first, of which one that fits is sought."""
    instead: Intent | None = None
    """What else is answered where the speed that was named is not known."""
    memory: tuple[int, int] | None = None
    """The least and the most gigabytes of the GPUs that are sought, where an amount was told."""
    among: tuple[str, ...] = ()
    """The models of which those that run are asked for, as ``spelling`` calls them; empty for the whole catalogue."""


def _incomplete(message: str, about: str, suggestions: Sequence[str] = ()) -> RequestError:
    error = RequestError(message, about=about, suggestions=suggestions)
    error.kind = "incomplete"
    return error


class _Decision:
    """What a question that has been read means."""

    def __init__(self, text: str, cards: Catalogue) -> None:
        self.text, self.cards = text, cards
        self.r = Reader(in_english(text), cards)
        self.notes: list[str] = []

    def parts(self) -> tuple[Understanding, ...]:
        """Each thing that is asked."""
        self.r.read()
        intent = self._intent()
        if (sought := self._sought()) is not None:
            intent, models = "models", []
        else:
            models = self._models(intent)
        if not models and intent != "models":
            intent = self._without_model(intent)
        self._as_ollama([m for m, _ in models])
        if models and (closed := self._closed()) is not None:
            self.r.remarks.append(Remark(str(closed), first=True))
        gpus = self._gpus(intent)
        if not gpus and intent not in _WITHOUT_GPU:
            intent, gpus = self._without_gpu(intent)
        count, intent = self._count(intent)
        self._where_it_runs(gpus)
        decided = Decided(intent, tuple(models), gpus, count)
        one = self._together(self._one_of(decided, sought))
        o = self.r.options
        if max(len(models), len(self.r.gpus), len(o.weights), len(o.lengths)) < 2:
            return (one,)
        from gpu_sizer.queries.several import parts

        return parts(one, models, self.r)

    def _one_of(self, d: Decided, sought: Name | None) -> Understanding:
        """The question about the first of its models."""
        r, o = self.r, self.r.options
        o.prices = r.says("asks_price")
        r.remarks += first_words(r, d)
        if d.intent == "models" and r.says("asks_best"):
            o.best = True
            r.s.taken.update(i for word in _OF_RATINGS for i in r.s.places.get(word, ()))
        memory = self._memory_sought() if d.intent == "gpus" else None
        o.notes = tuple(remark.text for remark in r.remarks)
        model, spelling = d.models[0] if d.models else (None, sought.spelling if sought is not None else "")
        one = Understanding(
            " ".join(self.text.split())[:500],
            d.intent,
            model,
            spelling,
            d.gpus,
            d.count,
            o,
            (*r.taken_as, *self.notes),
            r.ignored(),
            tuple(r.remarks),
            memory=memory,
            among=sought.ids if sought is not None else (),
            other_memory=r.other_memory() if d.intent == "fit" else (),
            instead=r.intent() if d.intent == "speed" and not r.pace.alone else None,
        )
        if d.intent != "speed":
            return one
        from gpu_sizer.queries.several import timed

        return timed(one)

    def _together(self, one: Understanding) -> Understanding:
        """The question about all of its GPUs at once, where they are a mixture."""
        if not self.r.mixed:
            return one
        each = [i for g in self.r.gpus for i in g.ids[:1] * (g.count or 1)]
        if self.r.options.engine is None:
            self.r.options.engine = INSTEAD
            self.r.remarks.append(Remark("by llama.cpp's rules, since vLLM takes GPUs of one kind", first=True))
        told = tuple(self.r.remarks)
        return replace(one, intent="fit", mixed=tuple(each), gpu_count=len(each), remarks=told)

    def complete(self, error: GpuSizerError) -> None:
        """Says in an error what else the question tells that no answer could have covered."""
        # What an answer would say of speed is not true of a question that has none.
        told = [r.text for r in self.r.remarks if r.first and r.topic != "speed" and r.text not in str(error)]
        if self.r.chip is not None and self.r.chip not in str(error):
            told.insert(0, f"{self.r.chip} is not in the catalogue")
        if self.r.pace.alone:
            told.append("nor is its speed estimated")
        if isinstance(error, UnknownModelError) and self.r.gpus:
            each = [f"{g.count} × {g.ids[0]}" if g.count else g.ids[0] for g in self.r.gpus if g.ids]
            link = " or " if self.r.chooses else " + "
            told.insert(0, f"the GPUs were understood: {link.join(each)}")
        for gpu in unknown_gpus(self.r.s) if self.r.read_all else ():
            if not any(word in str(error) for word in gpu.split()):
                told.insert(0, f"the GPU {gpu[:40]!r} is not in the catalogue")
        if told:
            error.args = (f"{error}; besides, {'; '.join(told)}",)

    def _intent(self) -> Intent:
        """What is asked.

        Raises:
            RequestError: nothing that can be told from the words.
        """
        pace = self.r.pace
        timed_ = pace.alone or (self.r.models and self.r.gpus and (pace.named or self.r.options.token_price))
        intent = "speed" if timed_ else self.r.intent()
        if self.r.chip is not None and not self.r.gpus and intent != "models":
            raise self._unknown_chip()
        if not self.r.says("sizing") and self.r.memory is None and (intent is None or not self.r.sure):
            if self.r.pasted is not None:
                raise RequestError(self.r.pasted)
            if closed := self._closed():
                raise closed
            error = RequestError(f"not understood; {EXAMPLE}")
            error.kind = "unknown"
            raise error
        return intent or "count"

    def _unknown_chip(self) -> GpuSizerError:
        if any(computer in str(self.r.chip) for computer in ("Mac", "Imac")):
            return UnknownGpuError(f"which one? {self.r.chip} is sized by its chip and memory, as in M4 Max 64GB")
        return UnknownGpuError(
            f"{self.r.chip} is not in the catalogue, and nothing else stands in for it; `gpu-sizer gpus` lists what is"
            " known"
        )

    def _closed(self) -> UnknownModelError | None:
        """The error for a model whose weights are not public, where one is named."""
        if not (left := self.r.ignored()):
            return None
        from gpu_sizer.queries.closed import closed_model

        return next((e for run in left if (e := closed_model(run)) is not None), None)

    def _of_another_kind(self) -> UnknownModelError | None:
        """The error for a model that is no generative decoder, where one is named: ``does bert-base fit on a t4``."""
        if not (left := self.r.ignored()):
            return None
        from gpu_sizer.cards.other_kinds import other_kind

        return next((e for run in left if (e := other_kind(run)) is not None), None)

    def _models(self, intent: Intent) -> list[tuple[str, str]]:
        """The models that are asked about, and how each was written.

        Raises:
            UnknownModelError: a name that is none, or one that could mean several.
        """
        models: dict[str, str] = {}
        for name in sorted(self.r.models, key=lambda n: n.start):
            models.setdefault(self._one(name), name.spelling)
        if not models and intent == "models":
            told = unknown_model(self.r.s, self.r.mender.vocabulary.families)
            if told and self.r.mender.vocabulary.names_something(told.split()):
                raise unknown(UnknownModelError, told, self.r.model_names)
        return list(models.items())

    def _one(self, name: Name) -> str:
        """The one model that a name means; of several of the size that was told, the newest.

        Raises:
            UnknownModelError: it could mean several.
        """
        if len(name.ids) == 1:
            return name.ids[0]
        ids = self.r.newest_first(as_released(name.ids))
        if len(ids) == 1:
            return ids[0]
        if (said := newest_of_size(name.spelling, ids, self.cards.models.released)) is not None:
            self.notes.append(said)
            return ids[0]
        if are_sizes(name.spelling):
            ids = best_known_first(ids, self.cards.models.index.values())
        if more := self._said_behind(name):
            # Another member of the family than those that are known: "qwen3 omni 30b".
            raise unknown(UnknownModelError, f"{name.spelling} {more}", self.r.model_names)
        raise ambiguous(UnknownModelError, name.spelling, ids)

    def _said_behind(self, name: Name) -> str:
        """The words behind a name that are nothing else and so belong to it."""
        s, i = self.r.s, name.stop
        while s.at(i) and s.at(i) not in STOP_WORDS and not set(",;.?!").intersection(s.words[i].before):
            i += 1
        said = [s.at(k) for k in range(name.stop, i)]
        return " ".join(said) if any(map(str.isalpha, said)) else ""

    def _sought(self) -> Name | None:
        """The name of several models of which those that run are asked for: ``which qwen3 for 8 GB``."""
        if not self.r.gpus:
            return None
        several = (n for n in self.r.models if len(n.ids) > 1)
        return next((n for n in several if wants_one(self.r.s, n.start)), None)

    def _where_it_runs(self, ids: Sequence[str]) -> None:
        """Where no engine is named and the usual one runs on none of the GPUs, the one that does."""
        if self.r.options.engine is not None or not ids:
            return
        usual, gpus = engine(), [self.cards.gpus.get(i) for i in ids]
        kinds = [(g.platform, g.compute_capability) for g in gpus]
        why = [usual.never_on(*kind) for kind in kinds]
        if all(why) and not any((other := engine(INSTEAD)).never_on(*kind) for kind in kinds):
            self.r.options.engine = INSTEAD
            self.r.remarks.append(Remark(f"by {other.title}'s rules, since {why[0]}", first=True))

    def _as_ollama(self, models: Sequence[str]) -> None:
        """Ollama serves four bits unless told otherwise; a model that was released in four bits it serves as it is."""
        o = self.r.options
        if "ollama" not in self.r.s.asked or WEIGHTS in o.settings:
            return
        from gpu_sizer.cards.ollama_tags import USUAL_TYPE, usual_type

        if any(usual_type(self.cards.models.get(m)) is None for m in models):
            return
        o.settings[WEIGHTS] = USUAL_TYPE
        text = f"Ollama's default file is taken, {USUAL_TYPE.upper()}: say fp16 for the weights as released"
        self.r.remarks.append(Remark(text, first=True))

    def _without_model(self, intent: Intent) -> Intent:
        """What is asked where no model is named.

        Raises:
            GpuSizerError: a model that is not known or not public, or none where one is needed.
        """
        if self.r.pasted is not None:
            raise RequestError(self.r.pasted)
        if closed := self._closed():
            raise closed
        if like := told_by_size(self.r.s, self.r.mender, self.r._billions, LIKE_SIZE):
            ids = self.r.newest_first(like[0])[:3]
            raise UnknownModelError(f"unknown model {like[1]!r}; did you mean {join_names(ids)}?", suggestions=ids)
        if told := unknown_model(self.r.s, self.r.mender.vocabulary.families):
            raise unknown(UnknownModelError, told, self.r.model_names)
        if other := self._of_another_kind():
            raise other
        prices = self.r.says("asks_price") and not self.r.says("asks_models")
        if self.r.gpus and (prices or self.r.options.by_month or self.r.options.dollars_an_hour is not None):
            gpu = self.r.gpus[0].ids[0]
            raise _incomplete(
                f"for which model? What machines cost is listed by `gpu-sizer machines --gpu {gpu}`", "model"
            )
        if self.r.gpus and self.r.pace.asked:
            self.r.remarks = [r for r in self.r.remarks if r.topic != "speed"]
            raise _incomplete('the speed of which model? ask for example "how fast is Qwen3 14B on a 3090"', "model")
        if self.r.gpus and intent in ("fit", "memory", "models", "gpus", "compare"):
            return "models"
        if self.r.memory is not None and not self.r.gpus:
            self.r.take_holder()
            if not self.r.gpus:
                raise self._no_holder()
            return "models"
        elsewhere = " ".join(unknown_gpus(self.r.s))
        left = next((told for told in self.r.ignored() if told not in elsewhere and digits(told)), "")
        which = f"for which model? {left[:40]!r} is none that is known;" if left else "for which model?"
        if self.r.gpus:
            many = f"{count} x " if (count := self.r.gpu_count) else ""
            runs = f', or "what can I run on {many}{self.r.gpus[0].ids[0]}"'
            raise _incomplete(f"{which} {EXAMPLE}{runs}", "model")
        raise _incomplete(f"{which} {EXAMPLE}", "model")

    def _gpus(self, intent: Intent) -> tuple[str, ...]:
        """The GPUs that are asked about.

        Raises:
            UnknownGpuError: one that is not known, or a name that could mean several.
        """
        for name in self.r.gpus:
            if len(name.ids) > 1:
                raise ambiguous(UnknownGpuError, name.spelling, name.ids)
        for told in unknown_gpus(self.r.s):
            if is_portable(told):
                raise unknown_in_laptops(told, self.cards.gpus)
            raise unknown(UnknownGpuError, told, self.r.gpu_names)
        if self.r.gpus and self.r.chip is not None:
            self.r.remarks.append(Remark(f"{self.r.chip} is not in the catalogue and is not answered for", first=True))
        return tuple(dict.fromkeys(g.ids[0] for g in self.r.gpus))

    def _without_gpu(self, intent: Intent) -> tuple[Intent, tuple[str, ...]]:
        """What is asked where no GPU is named: which of them carry the model.

        Raises:
            RequestError: no GPU has the memory that was told, or none is told where one is needed.
        """
        if self.r.pasted is not None:
            raise RequestError(self.r.pasted)
        if self.r.memory is not None and not self.r.models:
            raise self._no_holder()
        if self.r.memory is not None:
            said = f"no GPU of the catalogue has {self.r.memory} GB: these figures tell whether one of that size does"
            self.r.remarks.append(Remark(said, first=True))
            return "memory", ()
        if intent in ("models", "speed"):
            raise _incomplete(f"on which GPU? {EXAMPLE}", "gpu")
        if self.r.options.gpu_count is not None and self.r.options.max_gpus is None:
            self.r.options.max_gpus = self.r.options.gpu_count
        return "gpus", ()

    def _memory_sought(self) -> tuple[int, int] | None:
        """The gigabytes that GPUs are to have which are sought, of which the catalogue has some."""
        if (sought := self.r.memory_bounds) is None:
            return None
        if any(sought[0] <= g.memory.marketed_gb <= sought[1] for g in self.cards.gpus.all()):
            return sought
        said = f"no GPU of the catalogue has {self.r.memory} GB: those of any memory are listed"
        self.r.remarks.append(Remark(said, first=True))
        return None

    def _no_holder(self) -> RequestError:
        return _incomplete(f"on which GPU? none of the catalogue has {self.r.memory} GB", "gpu")

    def _count(self, intent: Intent) -> tuple[int | None, Intent]:
        """The number of GPUs that was told, and what is asked of them."""
        count = self.r.gpu_count
        if intent == "speed":
            return (1 if count is None and any(g.article for g in self.r.gpus) else count), intent
        if intent == "fit" and count is None and not self.r.options.nodes:
            return (None, "count") if any(g.plural for g in self.r.gpus) else (1, "fit")
        return count, intent


def understand_all(text: str, cards: Catalogue) -> tuple[Understanding, ...]:
    """Everything that a question asks, in its order.

    Raises:
        UnknownModelError, UnknownGpuError: no such name (``kind`` unknown), or several (``ambiguous``).
        RequestError: no question about sizing (``kind`` unknown), or one that lacks its model or GPU (``incomplete``).
    """
    decision = _Decision(text, cards)
    try:
        return decision.parts()
    except GpuSizerError as error:
        decision.complete(error)
        raise


def understand(text: str, cards: Catalogue) -> Understanding:
    """What a question means; of one that asks several things, the first.

    Raises:
        GpuSizerError: as :func:`understand_all`.
    """
    return understand_all(text, cards)[0]
