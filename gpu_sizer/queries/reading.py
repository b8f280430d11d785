"""A question while it is read: names first, then quantities, then bare figures, then what is only nearly a name."""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod

from gpu_sizer.cards.families import TAGS, Vocabulary, is_size, newest_first
from gpu_sizer.cards.names import join_names, normal
from gpu_sizer.engines.registry import engine
from gpu_sizer.errors import UnknownModelError
from gpu_sizer.queries.entities import (
    ARTICLES,
    RELEASED,
    Mender,
    Name,
    counted,
    counts_something,
    exact_names,
    goes_on,
    in_laptop,
    singular,
)
from gpu_sizer.queries.gpu_memory import bounds, memory_place, with_memory
from gpu_sizer.queries.grammar import NODE_NOUNS, read_options
from gpu_sizer.queries.hardware import SYSTEM_MEMORY, take_computer, unknown_chip
from gpu_sizer.queries.intents import Told, intent_of, says
from gpu_sizer.queries.naming import (
    is_desktops,
    narrowed,
    nearly,
    of_release,
    release_named,
    told_by_size,
    told_in_part,
    unknown_gpus,
    unknown_in_laptops,
    widened,
)
from gpu_sizer.queries.options import DRAFTING, Options
from gpu_sizer.queries.patterns import matches
from gpu_sizer.queries.rates import Paced, read_speed, settle
from gpu_sizer.queries.sentence import Sentence
from gpu_sizer.queries.settings import read_engine
from gpu_sizer.queries.stopwords import STOP_WORDS
from gpu_sizer.queries.topics import DRAFTS, HOST, Remark, refuse_topics, take_topics
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.near_names import NearNames

#: Models of one question that are looked for by family and size.
MOST_MODELS = 6
#: Stretches left aside that an answer names.
MOST_IGNORED = 6
#: Idle words that are told with an amount left aside: ``under $ 20``.
_BEFORE_AMOUNTS = frozenset(("$", "€", "£", "under", "below", "over", "above", "least", "not", "no", "without"))
#: A number of machines that is asked for; of instances it may be one of copies.
_MACHINES_ASKED = "many|number nodes|machines|servers|boxes|hosts"
#: One machine that is sought: ``which instance``.
_MACHINE_SOUGHT = "which|what|cheapest instance|instances|machine|machines|vm|node|nodes"
#: One of these, or a sign, stands in every question about money.
_MONEY = frozenset(
    ("usd", "dollar", "dollars", "bucks", "month", "monthly", "million", "1m", "1000000", "mtok", "mtoks")
)
#: GPUs that are told as so many of each are all meant together, unless one of these says that one is to be chosen.
_CHOICE = "or|vs|versus|better|best|cheaper|cheapest|faster|quicker|slower|than|compare|comparison|which|beat|beats"
_TOGETHER = "plus|together|both|mixed|mix|mixing|alongside|combined|combination"


def _is_size(text: str) -> bool:
    """``-40gb``: gigabytes behind a GPU's name."""
    return text.endswith("gb") and text[:-2].lstrip("-").isdigit()


def _told_size(s: Sentence, gpu: Name) -> bool:
    """Whether gigabytes stand beside a GPU's name."""
    return any("gb" in s.said(i) or s.said(i) in ("80g", "40g") for i in range(gpu.start - 2, gpu.stop + 3))


@lru_cache(maxsize=8)
def _vocabulary(ids: tuple[str, ...]) -> Vocabulary:
    return Vocabulary.of(ids)


class Reader:
    """What one question says: its models and GPUs, options, remarks, and what was left aside."""

    def __init__(self, text: str, cards: Catalogue) -> None:
        self.s = Sentence(text)
        self.cards = cards
        self.mender = Mender(lambda: _vocabulary(tuple(cards.models.ids())))
        self.options = Options()
        self.models: list[Name] = []
        self.gpus: list[Name] = []
        self.taken_as: list[str] = []
        self.remarks: list[Remark] = []
        self.chip: str | None = None
        self.memory: int | None = None
        self._memory_at = 0
        self.held = False
        self.read_all = False
        self.pace = Paced()

    def read(self) -> None:
        """Reads the question.

        Raises:
            GpuSizerError: another subject, a name that is none, or a quantity that makes no sense.
        """
        s, mender = self.s, self.mender
        refuse_topics(s)
        read_engine(s, self.options)
        copied = self._copied()
        self._refuse_drafts()
        self.models, self.gpus = exact_names(s, self.cards, mender)
        self.models += copied
        self.gpus = [self._in_machines(g) for g in self.gpus]
        if self.options.per_machine is None and (matches(s, _MACHINES_ASKED) or matches(s, _MACHINE_SOUGHT)):
            self.options.per_machine = 0
        self._copies_told()
        self._extras()
        self._surroundings()
        if "$" in s.text or not _MONEY.isdisjoint(s.asked):
            from gpu_sizer.queries.budget import read_budget

            self.remarks += read_budget(s, self.options)
        self.pace = read_speed(s, has_model=bool(self.models))
        read_options(s, self.options)
        self.options.most, self.options.waits = self.pace.most, self.pace.waits
        self.remarks += (*self.pace.remarks, *settle(self.pace.rates, self.options))
        models, gpus = exact_names(s, self.cards, mender, figures=True)
        models = [self._tagged(m) for m in (*self.models, *models)]
        self.models = [self._widened(m) for m in (*models, *self._other_sizes(models))]
        self.gpus = [with_memory(s, g, self.cards.gpus) for g in (*self.gpus, *gpus)]
        if not self.models:
            self._find(self.models, told_in_part(s, mender) or told_by_size(s, mender, self._billions))
        if not self.models and (release := of_release(s, self.cards.models)) is not None:
            told = " ".join(s.at(i) for i in range(release.start, release.stop))
            self.taken_as.append(f"{told!r} taken as {release.spelling}")
            s.take(release.start, release.stop)
            self.models.append(release)
        self._find_others()
        if not self.gpus:
            self._find_gpu()
        if not self.models:
            self._find(self.models, nearly(s, self.model_names))
        self.models = [narrowed(s, m) if len(m.ids) > 1 else m for m in self.models]
        self.models = self._without_drafts()
        self.gpus.sort(key=lambda g: g.start)
        self._of_laptops()
        self.read_all = True
        self._refuse_others()
        if not self.gpus and self.chip is None and (place := memory_place(s)) is not None:
            self._of_memory(*place)

    def _of_memory(self, place: int, gigabytes: int) -> None:
        """Keeps an amount of memory that was told; where its GPU is asked about, one that has as much stands for it."""
        self.memory, self._memory_at = gigabytes, place
        if self.intent() == "gpus" and not self.says("asks_models") and not self.says("asks_fit"):
            return
        if next(unknown_gpus(self.s), None) is None:
            self.take_holder()

    def take_holder(self) -> None:
        """A GPU that stands for those of the memory that was told, the one that has least of it to a program."""
        gigabytes, place = self.memory, self._memory_at
        holders = [
            g for g in self.cards.gpus.all() if g.memory.marketed_gb == gigabytes and g.is_whole and not g.shares_memory
        ]
        if not holders:
            return
        usual = [g for g in holders if g.vendor == "NVIDIA"] or holders
        usual = [g for g in usual if engine().never_on(g.platform, g.compute_capability) is None] or usual
        chosen = min(usual, key=lambda g: (g.memory.visible_mib, g.id))
        others = [g.id for g in holders if g.id != chosen.id][:4]
        like = f" (as much have {join_names(others)})" if others else ""
        self.taken_as.append(f"{gigabytes} GB taken as {chosen.id}, of which a program sees least{like}")
        name = Name(place, place + 1, (chosen.id,), f"{gigabytes} GB")
        self.gpus.append(counted(self.s, name, self.mender))
        self.held = True

    def _of_laptops(self) -> None:
        """Refuses a laptop's GPU that is not known: the desktop's of that name has another memory.

        Raises:
            UnknownGpuError: there is one.
        """
        if not in_laptop(self.s):
            return
        for gpu in self.gpus:
            if (gpu.count or 1) == 1 and any(is_desktops(self.cards.gpus.get(i).name) for i in gpu.ids):
                raise unknown_in_laptops(gpu.spelling, self.cards.gpus)

    def _copies_told(self) -> None:
        """Copies that are told by a number before a model's name: ``3 x Llama 3 8B``."""
        for model in self.models:
            i = model.start - 2
            if self.s.at(i + 1) == "x" and (number := self.s.number_at(i)) is not None:
                self.options.copies = number
                self.s.take(i, i + 2)

    def _in_machines(self, gpu: Name) -> Name:
        """A GPU whose number is one of machines: ``two H100 nodes``; or of GPUs in each, ``8xH100 machines``."""
        s = self.s
        i = s.skip(gpu.start - 1, ("of", "with", "x", "a", "having"), -1)
        if s.at(i) in NODE_NOUNS and {"many", "number"} & {s.said(i - 1), s.said(i - 2)}:
            self.options.per_machine = gpu.count or 0
            s.take(i)
            return replace(gpu, count=None)
        if gpu.count is not None and matches(s, _MACHINES_ASKED):
            self.options.per_machine = gpu.count
            return replace(gpu, count=None)
        if s.counted(gpu.stop) not in NODE_NOUNS or gpu.stop >= len(s.words):
            return gpu
        number, plural = s.words[gpu.start].number, s.at(gpu.stop).endswith("s")
        asked = {"many", "number"} & {s.said(gpu.start - 1), s.said(gpu.start - 2)}
        each = gpu.count is not None and s.said(gpu.start + 1) == "x"
        if asked:
            self.options.per_machine = gpu.count or 0
        elif gpu.count is not None and number == gpu.count and plural and not each:
            self.options.nodes, self.options.nodes_place = gpu.count, gpu.start
        else:
            return gpu
        s.take(gpu.stop)
        return replace(gpu, count=None)

    def _surroundings(self) -> None:
        """The computer, chips that are not known, and topics that no answer covers."""
        named = [self.cards.gpus.get(g.ids[0]) for g in self.gpus]
        if take_computer(self.s, shared=any(g.shares_memory for g in named)):
            self.remarks.append(SYSTEM_MEMORY)
        self.options.power = self.says("asks_power")
        self.chip = unknown_chip(self.s, [g.vendor for g in named])
        known = {r.topic for r in self.remarks}
        self.remarks += [r for r in take_topics(self.s) if r.topic not in known]

    def _extras(self) -> None:
        """What takes memory beside the model."""
        from gpu_sizer.queries.extras import CUES, read_extras

        if not CUES.isdisjoint(self.s.asked):
            self.taken_as += read_extras(self.s, self.options)

    def _without_drafts(self) -> list[Name]:
        """The models but those that only draft for another, which become a setting."""
        kept = []
        for name in self.models:
            beside = {*self.s.asked[max(0, name.start - 4) : name.start], *self.s.asked[name.stop : name.stop + 2]}
            last = name is max(self.models, key=lambda m: m.start)
            if len(self.models) == 1 or DRAFTING.isdisjoint(beside) or not last:
                kept.append(name)
            elif len(name.ids) == 1:
                from gpu_sizer.queries.extras import drafted_by

                self.taken_as += drafted_by(self.options, name.ids[0])
                self.remarks = [r for r in self.remarks if r.topic != DRAFTS]
        return kept or self.models

    def _copied(self) -> list[Name]:
        """Models whose hub ids stand in the question."""
        if "/" not in self.s.text:
            return []
        from gpu_sizer.queries.hub_ids import known_hub_ids

        names = known_hub_ids(self.s, self.cards)
        self.taken_as += [f"{m.spelling!r} taken as {m.ids[0]}" for m in names if m.near]
        return names

    def _refuse_drafts(self) -> None:
        if any(word.startswith(("eagle", "dflash", "dspark")) for word in self.s.asked):
            from gpu_sizer.queries.hub_ids import refuse_drafts

            refuse_drafts(self.s, self.cards)

    def _refuse_others(self) -> None:
        if "/" in self.s.text and self.models:
            from gpu_sizer.queries.hub_ids import refuse_others

            refuse_others(self.s, self.models, RELEASED)

    def _widened(self, name: Name) -> Name:
        if len(name.ids) > 1 or name.near:
            return name
        try:
            wide = widened(self.s, name, self.mender, self._billions)
        except UnknownModelError as error:
            if (release := release_named(error.spelling.split(), self.cards.models)) is None:
                raise
            wide = Name(name.start, name.stop, (release[0],), release[1])
            self.taken_as.append(f"{error.spelling!r} taken as {release[1]}")
        if wide.near:
            self.taken_as.append(f"{wide.spelling!r} taken as {wide.ids[0]}")
        return wide

    def _tagged(self, name: Name) -> Name:
        """A model under a size that Ollama's library gives it: ``deepseek-r1:32b`` is a distilled Qwen."""
        size = self.s.at(name.stop)
        if len(name.ids) > 1 or not is_size(size):
            return name
        if (hub_id := TAGS.get(f"{name.ids[0]}:{size}")) is None:
            return name
        self.s.take(name.stop)
        self.taken_as.append(f"'{name.spelling}:{size}' taken as {hub_id}")
        return Name(name.start, name.stop + 1, (self.cards.models.index[normal(hub_id)],), hub_id, near=True)

    def _other_sizes(self, models: Sequence[Name]) -> list[Name]:
        """Further sizes of a model, told behind it: the 70B of ``llama 3.1 8b, 70b and 405b``."""
        s, names = self.s, []
        for name in models:
            base, _, size = name.spelling.rpartition(" ")
            i = s.skip(name.stop, ("and", "or"))
            while is_size(size) and is_size(s.at(i)):
                if (identity := self.cards.models.index.get(normal(f"{base} {s.at(i)}"))) is None:
                    break
                names.append(Name(i, i + 1, (identity,), f"{base} {s.at(i)}"))
                s.take(i)
                i = s.skip(i + 1, ("and", "or"))
        return names

    def _billions(self, identity: str) -> list[float]:
        return self.cards.models.billions(identity)

    def newest_first(self, ids: Sequence[str]) -> list[str]:
        """Models in the order of their release, the latest first; those without a date last."""
        return newest_first(ids, self.cards.models.released)

    @cached_property
    def model_names(self) -> NearNames:
        """Every model's names, to find near ones."""
        from gpu_sizer.queries.near_names import NearNames

        return NearNames(self.cards.models)

    @cached_property
    def gpu_names(self) -> NearNames:
        """Every GPU's names, to find near ones."""
        from gpu_sizer.queries.near_names import NearNames

        return NearNames(self.cards.gpus)

    def _find(self, into: list[Name], part: tuple[list[str], str, range] | None) -> None:
        if part is None:
            return
        ids, spelling, places = part
        if len(ids) > 1 and into is self.models and (whole := self._mended(spelling)) is not None:
            ids = [whole]
        self.s.take(places.start, places.stop)
        name = Name(places.start, places.stop, tuple(ids), spelling, near=True)
        into.append(counted(self.s, name, self.mender) if into is self.gpus else name)
        if len(ids) == 1:
            self.taken_as.append(f"{spelling!r} taken as {ids[0]}")

    def _find_others(self) -> None:
        """Further models that are told by family and size beside one that is known: ``llama 3 8b and qwen 7b``."""
        families = self.mender.vocabulary.families if self.models else frozenset[str]()
        while len(self.models) < MOST_MODELS and families and (part := told_in_part(self.s, self.mender)) is not None:
            said = part[1].split()
            if families.isdisjoint(said) or not any(map(is_size, said)):
                return
            self._find(self.models, part)

    def _mended(self, spelling: str) -> str | None:
        """The model whose whole name the mended words of a spelling are."""
        words = [self.mender.mend(word) or word for word in spelling.split()]
        return self.cards.models.index.get(normal(" ".join(words))) if words != spelling.split() else None

    def _find_gpu(self) -> None:
        """A GPU told in part (``pro 6000``), parted by what looks like an article (``A 100``), or misspelt."""
        s = self.s
        for i in s.free():
            key = s.at(i) + s.at(i + 1)  # a letter and a number: nothing stands between
            told = s.at(i) in ARTICLES and s.at(i + 1).isdigit() and not counts_something(s, i + 1)
            if told and (identity := self.cards.gpus.index.get(key)):
                s.take(i, i + 2)
                gpu = counted(s, Name(i, i + 2, (identity,), key), self.mender)
                self.gpus.append(with_memory(s, gpu, self.cards.gpus))
                return
        near = nearly(s, self.gpu_names)
        if near is None or not any(c.isdigit() for c in near[1]):
            known = Mender(lambda: _vocabulary(tuple(self.cards.gpus.ids())))
            part = told_in_part(s, known)
            near = part if part is not None and any(c.isdigit() for c in part[1]) else near
        if near is not None and goes_on(s, near[2].start, near[2].stop):
            return
        self._find(self.gpus, near)

    def intent(self) -> Intent | None:
        """What is asked."""
        told = Told(
            model=bool(self.models),
            gpu=bool(self.gpus),
            several_gpus=self.several_gpus,
            counted=self.gpu_count is not None,
            count_asked=any(self._asked(g) for g in self.gpus),
            users=self.options.users is not None,
            context=bool(self.options.context),
            host=any(r.topic == HOST for r in self.remarks),
            held=self.held,
        )
        return intent_of(self.s, told)

    @property
    def several_gpus(self) -> bool:
        """Whether several GPUs are asked about, or several numbers of one: ``2x 3090 or 4x 3090``."""
        return len({g.ids for g in self.gpus}) > 1 or len({g.count for g in self.gpus} - {None}) > 1

    def _asked(self, gpu: Name) -> bool:
        """Whether ``how many`` or ``number of`` stands before a GPU."""
        said = [w.text for w in self.s.words]
        if gpu.count is not None and self.options.per_machine is None:
            return False
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
    def pasted(self) -> str | None:
        """What helps with an error that was pasted, where one was."""
        return next((r.text for r in self.remarks if r.topic == "pasted errors"), None)

    def other_memory(self) -> tuple[str, ...]:
        """GPUs that bear the same name as one that was told without its memory, and have another."""
        words: dict[str, None] = {}
        for gpu in self.gpus:
            key = singular(gpu.spelling)
            sized = (i for k, i in self.cards.gpus.index.items() if k.startswith(key) and _is_size(k[len(key) :]))
            # The bare name of a GPU that has one memory only, but for rebuilt ones, leaves nothing open.
            if not gpu.near and gpu.ids[0].endswith("gb") and not _told_size(self.s, gpu):
                words.update(dict.fromkeys(i for i in sized if i not in gpu.ids))
        return tuple(words)

    @property
    def memory_bounds(self) -> tuple[int, int] | None:
        """The least and the most gigabytes that a GPU may have, where an amount was told in its place."""
        return None if self.memory is None else bounds(self.s, self._memory_at, self.memory)

    @property
    def chooses(self) -> bool:
        """Whether one of several GPUs is to be chosen."""
        return matches(self.s, _CHOICE)

    @property
    def mixed(self) -> bool:
        """Whether GPUs of several kinds are meant all together: ``2x 4090 and 1x 4070``."""
        if len({g.ids for g in self.gpus}) < 2 or not self.models:
            return False
        if self.chooses or self._apart:
            return False
        joined = any("+" in self.s.words[i].before for g in self.gpus for i in (g.start, g.start - 1) if i >= 0)
        counted = any(g.count is not None for g in self.gpus)
        return joined or matches(self.s, _TOGETHER) or (counted and all(g.count or g.article for g in self.gpus))

    @property
    def _apart(self) -> bool:
        """Whether GPUs are asked about one after the other: ``on 8 MI300X? And on 8 MI325X?``."""
        places = sorted((g.start, g.stop) for g in self.gpus)
        for (_, stop), (start, _) in pairwise(places):
            again = (self.s.said(start - 2), self.s.said(start - 1)) in (("and", "on"), ("or", "on"))
            if again or any("?" in word.before for word in self.s.words[stop : start + 1]):
                return True
        return False

    @property
    def sure(self) -> bool:
        """Whether a name is beyond doubt: it is spelt right, has a number, or is the whole question."""
        named = [n for n in (*self.models, *self.gpus) if not n.near or any(c.isdigit() for c in n.spelling)]
        return bool(named) or (bool(self.models or self.gpus) and not self.ignored())

    def says(self, cue: str) -> bool:
        """Whether the question says what a cue stands for."""
        return says(self.s, cue)

    def ignored(self) -> tuple[str, ...]:
        """Stretches of words that were not understood and may matter."""
        left: list[list[int]] = []
        for i in self.s.free():
            if left and left[-1][-1] == i - 1 and not any(c in ",;.?!\n" for c in self.s.words[i].before):
                left[-1].append(i)
            else:
                left.append([i])
        words: dict[str, None] = {}
        for run in left:
            telling = [i for i in run if self.s.at(i) not in STOP_WORDS]
            if telling:
                start = telling[0] - (telling[0] - 1 in run and self.s.at(telling[0] - 1) in _BEFORE_AMOUNTS)
                words[" ".join(self.s.at(i) for i in range(start, telling[-1] + 1))] = None
        return tuple(words)[:MOST_IGNORED]
