"""The catalogue: every model card and GPU spec, found by id, alias or near spelling."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Generic

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.loading import Card, load_card, read_yaml, validate
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import join_names, near, normal, suggestions
from gpu_sizer.errors import CardError, UnknownGpuError, UnknownModelError, UnknownNameError
from gpu_sizer.records import dataclass

#: Environment variable with further folders, separated as in PATH.
PATH_VARIABLE = "GPU_SIZER_PATH"


def data_folder(name: str) -> Path:
    """A shipped folder: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


@dataclass(frozen=True, slots=True)
class Entry:
    """A card file that has been parsed but not validated."""

    file: Path
    data: dict[str, Any]
    node: Any


def spellings(data: dict[str, Any]) -> Iterator[str]:
    """Every name by which a card can be found."""
    yield data["id"]
    for key in ("name", "hub_id"):
        if isinstance(data.get(key), str):
            yield data[key]
    for key in ("aliases", "arena_names"):
        for alias in data.get(key) or ():
            yield str(alias)
    for release in data.get("releases") or ():
        if isinstance(release, dict):
            yield from (str(release[k]) for k in ("hub_id", "name") if release.get(k))


def hub_short_name(name: str) -> str:
    """The part of a hub id behind the organisation."""
    return name.rpartition("/")[2] if name.count("/") == 1 else name


class Shelf(Generic[Card]):
    """All cards of one kind."""

    def __init__(self, kind: type[Card], folders: Sequence[Path]) -> None:
        self._kind: type[Card] = kind
        self._folders = tuple(folders)
        self._cards: dict[str, Card] = {}
        self._error: type[UnknownNameError] = UnknownModelError if kind is ModelCard else UnknownGpuError
        self._noun = "model" if kind is ModelCard else "GPU"

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Parsed card files by id.

        Raises:
            CardError: an unreadable file, or one id in two files.
        """
        found: dict[str, Entry] = {}
        for folder in self._folders:
            if not folder.is_dir():
                raise CardError(str(folder), "", "no such folder of cards")
            for file in sorted(folder.rglob("*.yaml")):
                data, node = read_yaml(file, within=folder)
                is_gpu = "vendor" in data
                if is_gpu != (self._kind is GpuSpec):
                    continue
                identity = data.get("id")
                if not isinstance(identity, str):
                    raise CardError(str(file), "id", "missing")
                if identity in found:
                    raise CardError(str(file), "id", f"{identity!r} also stands in {found[identity].file}")
                found[identity] = Entry(file, data, node)
        return found

    @cached_property
    def index(self) -> dict[str, str]:
        """Normal form of every spelling -> id. An id beats an alias.

        Raises:
            CardError: an alias that two cards claim.
        """
        result: dict[str, str] = {normal(i): i for i in self.entries}
        short: dict[str, set[str]] = {}
        for identity, entry in self.entries.items():
            for spelling in spellings(entry.data):
                key = normal(spelling)
                owner = result.setdefault(key, identity)
                if owner != identity and key not in {normal(i) for i in self.entries}:
                    raise CardError(str(entry.file), "aliases", f"{spelling!r} is also a name of {owner}")
                short.setdefault(normal(hub_short_name(spelling)), set()).add(identity)
        for key, owners in short.items():
            if len(owners) == 1:
                result.setdefault(key, next(iter(owners)))
        return result

    @cached_property
    def ambiguous(self) -> dict[str, list[str]]:
        """Normal form of names that could mean several -> the ids."""
        result: dict[str, list[str]] = {}
        for identity, entry in self.entries.items():
            for name in entry.data.get("ambiguous_names") or ():
                result.setdefault(normal(str(name)), []).append(identity)
        return result

    def ids(self) -> list[str]:
        """Every id, sorted."""
        return sorted(self.entries)

    def get(self, identity: str) -> Card:
        """The card of an id, validated once."""
        if (found := self._cards.get(identity)) is None:
            entry = self.entries[identity]
            found = self._cards[identity] = validate(entry.data, self._kind, entry.file, entry.node)
        return found

    def all(self) -> list[Card]:
        """Every card, validated, by id."""
        return [self.get(i) for i in self.ids()]

    def lookup(self, name: str) -> str | None:
        """The id that a spelling means exactly, or null."""
        key = normal(name)
        if not key:
            return None
        return self.index.get(key) or self.index.get(normal(hub_short_name(name)))

    def resolve(self, name: str) -> tuple[str, bool]:
        """The id that a name means, and whether the spelling was only near.

        Raises:
            UnknownNameError: no such name (``kind`` unknown) or several meanings (``kind`` ambiguous).
        """
        if (found := self.lookup(name)) is not None:
            return found, False
        candidates = self.ambiguous.get(normal(name)) or near(name, self.index)
        if len(candidates) == 1:
            return candidates[0], True
        shown = name if len(name) <= 60 else name[:57] + "..."
        if candidates:
            error = self._error(
                f"{shown!r} could mean several {self._noun}s: {join_names(candidates[:6])}", suggestions=candidates
            )
            error.kind = "ambiguous"
            raise error
        hints = suggestions(name, self.index)
        tail = (
            f"; did you mean {join_names(hints)}?"
            if hints
            else f"; `gpu-sizer {self._noun.lower()}s` lists what is known"
        )
        raise self._error(f"unknown {self._noun} {shown!r}{tail}", suggestions=hints)


@dataclass(frozen=True)
class Catalogue:
    """Models and GPUs, shipped and the user's own."""

    folders: tuple[Path, ...] = ()

    @cached_property
    def models(self) -> Shelf[ModelCard]:
        """The model cards."""
        return Shelf(ModelCard, (data_folder("model_cards"), *self.folders))

    @cached_property
    def gpus(self) -> Shelf[GpuSpec]:
        """The GPU specs."""
        return Shelf(GpuSpec, (data_folder("gpu_specs"), *self.folders))

    def model(self, name: str) -> ModelCard:
        """A model by id, alias, near spelling, or path of a YAML card.

        Raises:
            UnknownModelError: no such model, or several.
            CardError: a card that cannot be used.
        """
        return self._find(name, self.models, ModelCard)

    def gpu(self, name: str) -> GpuSpec:
        """A GPU by id, alias, near spelling, or path of a YAML spec.

        Raises:
            UnknownGpuError: no such GPU, or several.
            CardError: a spec that cannot be used.
        """
        return self._find(name, self.gpus, GpuSpec)

    def _find(self, name: str, shelf: Shelf[Card], kind: type[Card]) -> Card:
        if name.endswith((".yaml", ".yml")):
            return load_card(Path(name), kind)
        return shelf.get(shelf.resolve(name)[0])


@cache
def catalogue(*folders: Path) -> Catalogue:
    """The catalogue with the shipped cards, those of GPU_SIZER_PATH, and further folders."""
    extra = [Path(p) for p in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if p]
    return Catalogue((*extra, *folders))
