"""Folders of cards read from their YAML: what the compiled catalogue is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gpu_sizer.cards.folders import PASSED_BY
from gpu_sizer.cards.gpu_slices import Slices, check_wholes, named, specs
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.loading import read_documents, validate
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import SEPARATOR, normal, normal_short, stem
from gpu_sizer.cards.trusted import kept, packed
from gpu_sizer.cards.writing import jsonable
from gpu_sizer.errors import CardError
from gpu_sizer.fast.stamps import yaml_files
from gpu_sizer.model.counts import Counts, counts_of
from gpu_sizer.records import fields


class Entry(NamedTuple):
    """A card file that has been parsed but not validated."""

    file: Path
    data: dict[str, Any]
    node: Any


def read_entries(
    kind: type[ModelCard] | type[GpuSpec], folders: Sequence[str], newer: str | None = None
) -> dict[str, Entry]:
    """Parsed card files by id.

    Args:
        kind: model cards or GPU specs.
        folders: where they are.
        newer: the one of these folders whose cards take the place of those of the same id.

    Raises:
        CardError: a folder that is not there, an unreadable file, or one id in two files.
    """
    entries: dict[str, Entry] = {}
    tables: list[Entry] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise CardError(str(folder), "", "no such folder of cards")
        for file in map(Path, yaml_files([str(folder)], beside=PASSED_BY)):
            for data, node in read_documents(file, within=folder):
                if kind is GpuSpec and "slices_of" in data:
                    if str(folder) == newer:
                        # The table of the same GPUs that shipped is older.
                        tables = [t for t in tables if t.data["slices_of"] != data["slices_of"]]
                    tables.append(Entry(file, data, node))
                    continue
                if ("vendor" in data) != (kind is GpuSpec) or (kind is ModelCard and "architecture" not in data):
                    continue
                identity = data.get("id")
                if not isinstance(identity, str):
                    raise CardError(str(file), "id", "missing")
                if identity in entries and str(folder) != newer:
                    raise CardError(str(file), "id", f"{identity!r} also stands in {entries[identity].file}")
                entries[identity] = Entry(file, data, node)
    _add_slices(entries, tables)
    return entries


def _add_slices(entries: dict[str, Entry], tables: Sequence[Entry]) -> None:
    """Adds the specs of slices: what people call them is an alias where one slice alone is called so."""
    called: dict[str, dict[str, None]] = {}
    made: dict[str, Entry] = {}
    for entry in tables:
        table = validate(entry.data, Slices, entry.file, entry.node)
        check_wholes(table, entry.file, entries)
        for place, identity in enumerate(table.slices_of):
            for piece, data in zip(table.slices, specs(table, entries[identity].data), strict=True):
                if data["id"] in entries or data["id"] in made:
                    raise CardError(str(entry.file), "slices", f"{data['id']!r} stands twice")
                made[data["id"]] = Entry(entry.file, data, None)
                for name in named(table, piece.profile) if place == 0 else ():
                    called.setdefault(name, {})[data["id"]] = None
    for name, ids in called.items():
        for identity in ids:
            made[identity].data.setdefault("aliases" if len(ids) == 1 else "ambiguous_names", []).append(name)
    entries.update(made)


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


def name_index(entries: dict[str, Entry]) -> dict[str, str]:
    """Normal form of every spelling -> id. An id beats an alias; a hub id is also found without its organisation.

    A name without an ending that people leave out (``-Instruct``) finds the card too, where it means one alone.

    Raises:
        CardError: an alias that two cards claim.
    """
    ids = {normal(i): i for i in entries}
    result = dict(ids)
    short: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    for identity, entry in entries.items():
        for spelling in spellings(entry.data):
            key = normal(spelling)
            owner = result.setdefault(key, identity)
            if owner != identity and key not in ids:
                raise CardError(str(entry.file), "aliases", f"{spelling!r} is also a name of {owner}")
            short.setdefault(normal_short(spelling), set()).add(identity)
            stems.setdefault(normal_short(stem(spelling)), set()).add(identity)
    for key, owners in (*short.items(), *stems.items()):
        if len(owners) == 1:
            result.setdefault(key, next(iter(owners)))
    return result


def ambiguous_names(entries: dict[str, Entry]) -> dict[str, list[str]]:
    """Normal form of names that could mean several -> the ids."""
    result: dict[str, list[str]] = {}
    for identity, entry in entries.items():
        for name in entry.data.get("ambiguous_names") or ():
            result.setdefault(normal(str(name)), []).append(identity)
    return result


def names_of(entries: dict[str, Entry], folders: Sequence[str]) -> dict[str, Any]:
    """What finding a card needs: its names, and where each card's file is (the number of its folder, and its path)."""
    places = {}
    for identity, entry in entries.items():
        number = next(i for i, folder in enumerate(folders) if entry.file.is_relative_to(folder))
        places[identity] = [number, entry.file.relative_to(folders[number]).as_posix()]
    index = name_index(entries)
    return {
        # Two texts, which are split faster than a mapping of so many names is read.
        "index": [SEPARATOR.join(index), SEPARATOR.join(index.values())],
        "ambiguous": ambiguous_names(entries),
        "files": places,
    }


def _values(counts: Counts) -> list[int]:
    return [getattr(counts, f.name) for f in fields(Counts)]


def _data_of(card: ModelCard | GpuSpec) -> dict[str, Any]:
    """A card's plain data, and what a list asks of its layers, which are packed by themselves."""
    data = packed(type(card), kept(jsonable(card)))
    return data | {"told_kinds": card.mixer_kinds} if isinstance(card, ModelCard) else data


def contents(kind: type[ModelCard] | type[GpuSpec], folders: Sequence[str], newer: str | None = None) -> dict[str, Any]:
    """Names and plain data of every card, each validated.

    Raises:
        CardError: the first card that cannot be used.
    """
    entries = read_entries(kind, folders, newer)
    chosen: Any = kind
    names = names_of(entries, folders)
    places = names["files"]
    made = {i: validate(e.data, chosen, e.file, e.node) for i, e in entries.items()}
    cards = {f"card {i}": (*places[i], _data_of(card)) for i, card in made.items()}
    if kind is ModelCard:
        names["counts"] = {i: _values(counts_of(card)) for i, card in made.items()}
    return {**names, **cards}
