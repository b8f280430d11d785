"""The catalogue: every model card and GPU spec, found by id or alias."""

from __future__ import annotations

import os
from functools import cache, cached_property

from gpu_sizer import model
from gpu_sizer.cards.folders import DRAFTS, PASSED_BY, RERELEASES
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import SEPARATOR, is_place, join_names, normal, normal_short
from gpu_sizer.cards.newer import newer_folder
from gpu_sizer.cards.trusted import build
from gpu_sizer.errors import CardError, UnknownGpuError, UnknownModelError, UnknownNameError
from gpu_sizer.fast.compiled import Compiled, Recipe
from gpu_sizer.model.kinds import KINDS
from gpu_sizer.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Any, Generic, TypeVar

    from gpu_sizer.cards.families import Told
    from gpu_sizer.cards.likeness import KnownNames
    from gpu_sizer.cards.reading import Entry
    from gpu_sizer.cards.rerelease_shelf import Rereleases
    from gpu_sizer.model.counts import Counts

    Card = TypeVar("Card", ModelCard, GpuSpec)
else:
    # At run time a shelf needs no type parameter, and no question waits for the typing module.
    Card, Generic = None, {None: object}


#: Environment variable with further folders, separated as in PATH.
PATH_VARIABLE = "GPU_SIZER_PATH"
#: This computer, where a GPU, a machine or its provider is told.
LOCAL = "local"
#: Names that are remembered; callers can spell one in any number of ways.
MOST_NAMED = 4096


def data_folder(name: str) -> str:
    """A shipped folder: inside the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, name)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), name)


def code_folders() -> tuple[str, ...]:
    """The folders of modules that say what a card holds: a kind of mixer more, and compiled cards are stale."""
    here = os.path.dirname(os.path.abspath(__file__))
    return (here, *model.__path__, *(folder for kinds in KINDS.values() for folder in kinds.folders()))


class Shelf(Generic[Card]):
    """All cards of one kind: from the compiled catalogue, or from the YAML itself."""

    def __init__(
        self, kind: type[Card], folders: Sequence[str], newer: str | None = None, noun: str | None = None
    ) -> None:
        self._kind: type[Card] = kind
        self._newer = newer
        self._folders = tuple(folders)
        self._cards: dict[str, Card] = {}
        self._spelt: dict[str, str] = {}
        #: How often the cards turned out to be others than was thought.
        self.changes = 0
        self._error: type[UnknownNameError] = UnknownModelError if kind is ModelCard else UnknownGpuError
        self._noun = noun or ("model" if kind is ModelCard else "GPU")

    def recipe(self) -> Recipe:
        """What the compiled catalogue of these cards is made from."""

        def make() -> dict[str, Any]:
            from gpu_sizer.cards.reading import contents

            return contents(self._kind, self._folders, self._newer)

        return Recipe(
            f"{self._noun.lower()}s", self._folders, make, beside=PASSED_BY, code=code_folders(), by_file=True
        )

    @cached_property
    def _compiled(self) -> Compiled | None:
        for folder in self._folders:
            if not os.path.isdir(folder):
                raise CardError(folder, "", "no such folder of cards")
        return self.recipe().current()

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Parsed card files by id.

        Raises:
            CardError: an unreadable file, or one id in two files.
        """
        from gpu_sizer.cards.reading import read_entries

        return read_entries(self._kind, self._folders, self._newer)

    def look_again(self) -> bool:
        """Looks at every file, before something is listed or said to be unknown; whether the cards are others now."""
        if self._compiled is None or not self._compiled.look_again():
            return False
        self.changes += 1
        self._cards.clear()
        self._spelt.clear()
        for name in ("index", "known", "ambiguous", "_places", "files", "every", "_counts"):
            self.__dict__.pop(name, None)
        return True

    def _entry(self, identity: str) -> dict[str, Any]:
        """The data of a card, whose file is as it was."""
        assert self._compiled is not None
        number, path, data = self._compiled.entry(f"card {identity}")
        if self._compiled.holds(self._folders[number], path):
            return data  # type: ignore[no-any-return]
        self.look_again()
        if f"card {identity}" not in self._compiled:
            raise self._error(f"the card {identity!r} is gone")
        return self._entry(identity)

    def _names(self, key: str) -> Any:
        if self._compiled is not None:
            return self._compiled.entry(key)
        from gpu_sizer.cards.reading import names_of

        return names_of(self.entries, self._folders)[key]

    @cached_property
    def index(self) -> dict[str, str]:
        """Normal form of every spelling -> id. An id beats an alias.

        Raises:
            CardError: an alias that two cards claim.
        """
        names, ids = self._names("index")
        return dict(zip(names.split(SEPARATOR), ids.split(SEPARATOR), strict=True)) if names else {}

    @cached_property
    def known(self) -> KnownNames:
        """Its names, to be found by near spellings."""
        self.look_again()
        from gpu_sizer.cards.likeness import KnownNames

        return KnownNames(self.index)

    @cached_property
    def ambiguous(self) -> dict[str, list[str]]:
        """Normal form of names that could mean several -> the ids."""
        names: dict[str, list[str]] = self._names("ambiguous")
        return names

    @cached_property
    def _places(self) -> dict[str, tuple[int, str]]:
        """Where each card is, by id: the number of its folder, and its path there."""
        places: dict[str, tuple[int, str]] = self._names("files")
        return places

    @cached_property
    def files(self) -> dict[str, str]:
        """The file of each card, by id."""
        self.look_again()
        return {i: os.path.join(self._folders[number], path) for i, (number, path) in self._places.items()}

    def ids(self) -> list[str]:
        """Every id, sorted."""
        self.look_again()
        return sorted(self._places)

    def get(self, identity: str) -> Card:
        """The card of an id, validated once."""
        if (card := self._cards.get(identity)) is None:
            if self._compiled is not None:
                card = build(self._kind, self._entry(identity))
            else:
                from gpu_sizer.cards.loading import validate

                entry = self.entries[identity]
                card = validate(entry.data, self._kind, entry.file, entry.node)
            self._cards[identity] = card
        return card

    def released(self, identity: str) -> date | None:
        """A card's day."""
        return self.get(identity).released

    def billions(self: Shelf[ModelCard], identity: str) -> list[float]:
        """A model's parameters in billions, total and active."""
        told = self.get(identity).parameters
        return [n / 1e9 for n in (told.total, told.active) if n]

    def all(self) -> list[Card]:
        """Every card, validated, by id."""
        self.look_again()
        return list(self.every)

    @cached_property
    def every(self) -> tuple[Card, ...]:
        """The same as one object, as long as the cards are these."""
        if self._compiled is not None:
            self._compiled.read_whole()
        return tuple([self.get(i) for i in self.ids()])

    def counts(self, card: Card) -> Counts:
        """What the tensors of a model sum to: kept beside it for every card of the catalogue, else counted."""
        from gpu_sizer.model.counts import Counts, counts_of

        # A release, or a card of the caller's, may be built otherwise under the same id.
        if self._cards.get(card.id) is card and (values := self._counts.get(card.id)) is not None:
            return Counts(*values)
        return counts_of(card)  # type: ignore[arg-type]  # asked of models alone

    @cached_property
    def _counts(self) -> dict[str, list[int]]:
        """The kept sums by id; empty where the cards are read from YAML."""
        return {} if self._compiled is None else self._compiled.entry("counts") or {}

    def lookup(self, name: str) -> str | None:
        """The id that a spelling means exactly, or null."""
        if (identity := self._spelt.get(name)) is not None:
            return identity
        key = normal(name)
        identity = (self.index.get(key) or self.index.get(normal_short(name))) if key else None
        if identity is not None:
            if len(self._spelt) >= MOST_NAMED:
                self._spelt.clear()
            self._spelt[name] = identity
        return identity

    def resolve(self, name: str) -> str:
        """The id that a name means. A misspelt name is none: what is near is suggested, never taken.

        Raises:
            UnknownNameError: no such name (``kind`` unknown) or several meanings (``kind`` ambiguous).
        """
        if (identity := self.lookup(name)) is not None or (
            self.look_again() and (identity := self.lookup(name)) is not None
        ):
            return identity
        shown = name if len(name) <= 60 else name[:57] + "..."
        if candidates := self.ambiguous.get(normal(name)):
            error = self._error(
                f"{shown!r} could mean several {self._noun}s: {join_names(candidates[:6])}", suggestions=candidates
            )
            error.kind = "ambiguous"
            raise error
        if self._noun == "model":
            from gpu_sizer.cards.other_kinds import other_kind

            if (other := other_kind(name)) is not None:
                raise other
        hints = self.known.suggestions(name)
        tail = (
            f"; did you mean {join_names(hints)}?"
            if hints
            else f"; `gpu-sizer {self._noun.lower()}s` lists what is known"
        )
        raise self._error(f"unknown {self._noun} {shown!r}{tail}", suggestions=hints)

    def no_place(self, name: str) -> UnknownNameError:
        """The error for a place (a path, a hub id to read) where only names are taken."""
        return self._error(f"{name[:60]!r} is a place, and only names of the catalogue are taken here")


@dataclass(frozen=True)
class Catalogue:
    """Models and GPUs, shipped and the user's own.

    ``newer`` is a folder whose cards take the place of shipped ones of the same id; those of ``folders`` are further
    ones. ``names_only`` is for callers who are not the machine's own (a server's): names of the catalogue are all that
    they can ask for, and no name leads to a file or to the hub. With ``online`` a repository that no card has is read
    from the hub at once.
    """

    folders: tuple[str, ...] = ()
    names_only: bool = False
    newer: str | None = None
    online: bool = False

    def _folders(self, shipped: str) -> tuple[str, ...]:
        """Where cards of a kind are, in the order in which they are read."""
        return (data_folder(shipped), *(() if self.newer is None else (self.newer,)), *self.folders)

    @cached_property
    def models(self) -> Shelf[ModelCard]:
        """The model cards."""
        return Shelf(ModelCard, self._folders("model_cards"), self.newer)

    @cached_property
    def drafts(self) -> Shelf[ModelCard]:
        """The cards of what only drafts for a model: EAGLE heads and their like."""
        newer = None if self.newer is None else os.path.join(self.newer, DRAFTS)
        folders = [os.path.join(f, DRAFTS) for f in self._folders("model_cards")]
        return Shelf(ModelCard, [f for f in folders if os.path.isdir(f)], newer, "draft")

    @cached_property
    def gpus(self) -> Shelf[GpuSpec]:
        """The GPU specs."""
        return Shelf(GpuSpec, self._folders("gpu_specs"), self.newer)

    @cached_property
    def rereleases(self) -> Rereleases:
        """Repositories that are a known model again."""
        from gpu_sizer.cards.rerelease_shelf import Rereleases

        newer = None if self.newer is None else os.path.join(self.newer, RERELEASES)
        return Rereleases([os.path.join(f, RERELEASES) for f in self._folders("model_cards")], newer)

    def model(self, name: str) -> ModelCard:
        """A model by id, alias, hub id, or path of a YAML card; the same object for the same name.

        A repository that bears a known one's whole name under another organisation is taken for a copy of it, and
        its answers say so.

        Raises:
            UnknownModelError: no such model, or several.
            CardError: a card that cannot be used.
        """
        if (card := self._named.get(name)) is not None:
            return card
        card = self._rerelease(name) if normal(name) not in self.models.index else None
        if card is None:
            self._refuse_draft(name)
            try:
                card = self._find(name, self.models, ModelCard).as_release(name)
            except UnknownModelError as error:
                if error.kind != "unknown" or is_place(name) or "/" in name or (card := self._in_part(name)) is None:
                    raise
            if name.count("/") == 1 and not is_place(name) and normal(name) not in self.models.index:
                note = f"{name!r} is taken for a copy of {card.name} by its name"
                card = replace(card, notes=(*card.notes, note))
        if not is_place(name):
            if len(self._named) >= MOST_NAMED:
                self._named.clear()
            self._named[name] = card
        return card

    def _in_part(self, name: str) -> ModelCard | None:
        """The model that a name means in part, as a question reads it: a family and a size are the newest of that size.

        Raises:
            UnknownModelError: it could mean several.
        """
        meant = self._told.meant(name)
        if meant is None:
            from gpu_sizer.cards.release_names import release_in_part

            words = name.lower().replace("-", " ").replace("_", " ").split()
            if (release := release_in_part(words, self.models)) is None:
                return None
            meant = release[1], f"{name!r} taken as {release[1]}"
        from gpu_sizer.cards.ollama_tags import as_tagged

        return as_tagged(self.models.get(self.models.resolve(meant[0])).as_release(meant[0]), name, meant[1])

    @cached_property
    def _told(self) -> Told:
        from gpu_sizer.cards.families import Told

        models = self.models
        return Told(models.ids(), models.index, models.released, models.billions)

    def drafter(self, name: str) -> ModelCard:
        """What drafts tokens for a model: a draft's card, also where its name adds a format, or that of another model.

        Raises:
            UnknownModelError: no such draft or model, or several.
        """
        if is_place(name):
            return self.model(name)
        if (identity := self.drafts.lookup(name)) is not None:
            return self.drafts.get(identity).as_release(name)
        from gpu_sizer.cards.rereleases import as_rerelease, base_and_format

        if (told := base_and_format(name)) is not None and (identity := self.drafts.lookup(told[0])) is not None:
            made = as_rerelease(self.drafts.get(identity).as_release(told[0]), name, told[1])
            if made is not None:
                return made
        return self.model(name)

    def _refuse_draft(self, name: str) -> None:
        """Refuses what drafts for a model and is none.

        Raises:
            UnknownModelError: such a name.
        """
        if not self.names_only and is_place(name):
            return
        if self.models.lookup(name) is None and (error := self.draft_error(name)) is not None:
            raise error

    def draft_error(self, name: str) -> UnknownModelError | None:
        """The error for the name of a draft where a model is meant; null for other names."""
        if (identity := self.drafts.lookup(name)) is None:
            return None
        draft = self.drafts.get(identity).draft
        assert draft is not None
        return UnknownModelError(
            f"{name[:60]!r} drafts tokens for {join_names(draft.of)} and is no model by itself: size {draft.of[0]} "
            f"with --speculative draft:{identity}:N, N tokens ahead",
            suggestions=draft.of,
        )

    @cached_property
    def _named(self) -> dict[str, ModelCard]:
        """Models by names that were asked for: finding the release that a name means takes longer than sizing it."""
        return {}

    def _rerelease(self, name: str) -> ModelCard | None:
        """The card of a repository that is a known model again, by its line or by its name; null for others."""
        from gpu_sizer.cards.rereleases import as_rerelease, base_and_format

        if (listed := self.listed(name)) is not None:
            return listed

        if "gguf" in name.lower() and (from_file := self._files(name)) is not None:
            return from_file
        told = base_and_format(name) if self.models.lookup(name) is None else None
        if told is None or (identity := self.models.lookup(told[0])) is None:
            return None
        return as_rerelease(self.models.get(identity).as_release(told[0]), name, told[1])

    def listed(self, name: str) -> ModelCard | None:
        """The card of a repository that a table of re-releases lists; null for others and for what has its own card."""
        if normal(name) in self.models.index or (known := self.rereleases.find(name)) is None:
            return None
        from gpu_sizer.cards.rerelease_table import as_line

        card, line, source = known
        return as_line(self.models.get(self.models.resolve(card)).as_release(card), line, source)

    def _files(self, name: str) -> ModelCard | None:
        """The model whose GGUF files a repository holds; null where no name tells it."""
        from gpu_sizer.cards.ollama_tags import as_file, of_files

        if (told := of_files(name)) is None:
            return None
        # Some put the maker's name before the model's: bartowski/Qwen_Qwen3-8B-GGUF.
        for base in (told[0], told[0].partition("/")[2].replace("_", "/", 1)):
            if self.models.lookup(base) is not None:
                note = f"{name!r} is taken for files of {base}"
                card = as_file(self.models.get(self.models.resolve(base)).as_release(base), told[1])
                return replace(card, notes=(*card.notes, note))
        return None

    @property
    def changes(self) -> int:
        """How often the cards turned out to be others than was thought."""
        return self.models.changes + self.gpus.changes

    def look_again(self) -> bool:
        """Looks at every file of cards; whether they are others now."""
        changed = [shelf.look_again() for shelf in (self.models, self.gpus)]
        if any(changed):
            self._named.clear()
            self.__dict__.pop("_told", None)
        return any(changed)

    def gpu(self, name: str) -> GpuSpec:
        """A GPU by id, alias, or path of a YAML spec.

        Raises:
            UnknownGpuError: no such GPU, or several.
            CardError: a spec that cannot be used.
        """
        return self._find(name, self.gpus, GpuSpec)

    def whole_gpus(self) -> list[GpuSpec]:
        """Every GPU, and no slice of one: what ``all`` means."""
        return [g for g in self.gpus.all() if g.is_whole]

    def _find(self, name: str, shelf: Shelf[Card], kind: type[Card]) -> Card:
        if self.names_only:
            if is_place(name):
                raise shelf.no_place(name)
        elif name.endswith((".yaml", ".yml")):
            from pathlib import Path

            from gpu_sizer.cards.loading import load_card

            return load_card(Path(name), kind)
        return shelf.get(shelf.resolve(name))


@cache
def catalogue(*folders: str, names_only: bool = False, online: bool = False) -> Catalogue:
    """The catalogue with the shipped cards, newer ones (``update cards``), GPU_SIZER_PATH, and further folders."""
    extra = [p for p in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if p]
    return Catalogue((*extra, *folders), names_only, newer_folder(), online)
