"""Files of machines read from their YAML: what the compiled machines are made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from gpu_sizer.cards.loading import load_card, load_cards
from gpu_sizer.cards.machine import Machine, Provider
from gpu_sizer.cards.names import SEPARATOR, bare
from gpu_sizer.cards.trusted import kept
from gpu_sizer.cards.writing import jsonable
from gpu_sizer.errors import CardError


def load_provider(file: Path, within: Path | None = None) -> Provider:
    """One provider's file, validated.

    Raises:
        CardError: the file cannot be used; the message names file, line, key and reason.
    """
    return load_card(file, Provider, within=within)


def providers(folders: Sequence[str]) -> dict[str, Provider]:
    """The providers of some folders by id: a later folder adds machines, and replaces those of the same name.

    Raises:
        CardError: a file that cannot be used, or two files of one provider in one folder.
    """
    by_key: dict[str, Provider] = {}
    for folder in map(Path, folders):
        here: dict[str, Path] = {}
        for file in sorted(folder.rglob("*.yaml")):
            for made in load_cards(file, Provider, within=folder):
                if made.provider in here:
                    raise CardError(str(file), "provider", f"{made.provider!r} also stands in {here[made.provider]}")
                here[made.provider] = file
                by_key[made.provider] = _joined(by_key.get(made.provider), made)
    return by_key


def _joined(known: Provider | None, newer: Provider) -> Provider:
    """A provider with newer machines in place of known ones of the same name."""
    if known is None:
        return newer
    machines = {m.name: m for m in known.machines} | {m.name: m for m in newer.machines}
    return Provider(
        provider=known.provider,
        name=known.name,
        aliases=tuple(dict.fromkeys((*known.aliases, newer.name, *newer.aliases))),
        machines=tuple(machines.values()),
        notes=(*known.notes, *newer.notes),
        sources=(*known.sources, *newer.sources),
    )


def check_gpus(offered: Iterable[Provider], known: Collection[str], file: str | None = None) -> None:
    """Every GPU of these machines is a spec that exists.

    Args:
        offered: the providers to check.
        known: ids of the specs there are.
        file: the file to name; null names the provider.

    Raises:
        CardError: the first that is not.
    """
    for provider in offered:
        for machine in provider.machines:
            named = {"gpu": (machine.gpu,), "slice": (machine.slice,), "gpu_candidates": machine.gpu_candidates}
            for key, ids in named.items():
                if wrong := next((i for i in ids if i is not None and i not in known), None):
                    place = file or f"machines of {provider.provider}"
                    raise CardError(place, f"{machine.name}.{key}", f"no GPU spec is called {wrong!r}")


def spellings(machine: Machine) -> list[str]:
    """Every name of a machine; Azure's are also said without the word in front of all of them."""
    names = [machine.name, *machine.aliases]
    return [*names, *(n.removeprefix("Standard_") for n in names if n.startswith("Standard_"))]


def contents(folders: Sequence[str]) -> dict[str, Any]:
    """Names and plain data of every machine, each validated: with its GPU's where that has a spec, else by itself.

    Raises:
        CardError: the first file that cannot be used.
    """
    names: dict[str, list[str]] = {}
    by_gpu: dict[str, list[tuple[str, Any]]] = {}
    entries: dict[str, Any] = {}
    keys: list[str] = []
    known = providers(folders)
    for provider in known.values():
        for machine in provider.machines:
            key = f"{provider.provider}/{machine.name}"
            keys.append(key)
            plain = kept(jsonable(machine))
            entries[f"machine {key}"] = plain if machine.seen_gpu is None else machine.seen_gpu
            for spelling in dict.fromkeys(map(bare, spellings(machine))):
                names.setdefault(spelling, []).append(key)
            if machine.seen_gpu is not None:
                by_gpu.setdefault(machine.seen_gpu, []).append((key, plain))
    return {
        "names": [SEPARATOR.join(names), SEPARATOR.join("\t".join(k) for k in names.values())],
        "providers": {p.provider: p.name for p in known.values()},
        "provider names": {bare(name): p.provider for p in known.values() for name in (p.provider, p.name, *p.aliases)},
        "keys": keys,
        # Whole, since they are asked for together: reading one by one takes longer.
        **{f"gpu {gpu}": offers for gpu, offers in by_gpu.items()},
        **entries,
    }
