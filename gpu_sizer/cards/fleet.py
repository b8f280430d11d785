"""Every machine that is known to be rented out: by name, by GPU and by provider, from the compiled catalogue."""

from __future__ import annotations

import os
from functools import cached_property

from gpu_sizer.cards.catalogue import Catalogue, catalogue, code_folders, data_folder
from gpu_sizer.cards.folders import MACHINES
from gpu_sizer.cards.machine import Machine, Offer
from gpu_sizer.cards.names import SEPARATOR, bare, join_names
from gpu_sizer.cards.trusted import build
from gpu_sizer.errors import UnknownMachineError
from gpu_sizer.fast.compiled import Compiled, Recipe
from gpu_sizer.own import own_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: How many names a message lists at most.
_SHOWN = 6


def machine_folders(folders: Sequence[str] = ()) -> tuple[str, ...]:
    """The folders of machines that exist, the shipped one first: in a later one, a machine of a known name is newer."""
    places = [os.path.join(p, MACHINES) for p in (data_folder("gpu_specs"), *folders)]
    return tuple(p for p in (*places, own_folder(MACHINES)) if p is not None and os.path.isdir(p))


class Fleet:
    """The machines of some folders.

    Args:
        folders: folders of ``PROVIDER.yaml``, the shipped one first.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._offers: dict[str, Offer] = {}
        self._of_gpu: dict[str, tuple[Offer, ...]] = {}

    def recipe(self) -> Recipe:
        """What the compiled machines are made from."""

        def make() -> dict[str, Any]:
            from gpu_sizer.cards.machine_files import contents

            return contents(self._folders)

        return Recipe(MACHINES, self._folders, make, code=code_folders())

    @cached_property
    def _compiled(self) -> Compiled | None:
        return self.recipe().current()

    @cached_property
    def _made(self) -> dict[str, Any]:
        from gpu_sizer.cards.machine_files import contents

        return contents(self._folders)

    def _entry(self, key: str) -> Any:
        return self._compiled.entry(key) if self._compiled is not None else self._made.get(key)

    @cached_property
    def index(self) -> dict[str, list[str]]:
        """Normal form of every name -> the machines called so, as ``provider/name``."""
        names, keys = self._entry("names")
        return {n: k.split("\t") for n, k in zip(names.split(SEPARATOR), keys.split(SEPARATOR), strict=True)}

    @cached_property
    def providers(self) -> dict[str, str]:
        """The name of each provider, by its id."""
        providers: dict[str, str] = self._entry("providers")
        return providers

    @cached_property
    def provider_names(self) -> dict[str, str]:
        """Normal form of every name of a provider -> its id."""
        names: dict[str, str] = self._entry("provider names")
        return names

    def get(self, key: str) -> Offer:
        """The machine of a key ``provider/name``."""
        if (known := self._offers.get(key)) is not None:
            return known
        entry = self._entry(f"machine {key}")
        if not isinstance(entry, str):
            return self._made_of(key, entry)
        # Its data stand with those of its GPU's other machines.
        self.of_gpu(entry)
        return self._offers[key]

    def _made_of(self, key: str, data: dict[str, Any]) -> Offer:
        """The machine of a key from its data; the same object each time."""
        if (offer := self._offers.get(key)) is None:
            provider = key.partition("/")[0]
            offer = self._offers[key] = Offer(provider, self.providers[provider], build(Machine, data))
        return offer

    def of_gpu(self, gpu: str) -> tuple[Offer, ...]:
        """The machines whose GPUs, as a program sees them, are of this spec."""
        if (offers := self._of_gpu.get(gpu)) is None:
            entry = self._entry(f"gpu {gpu}") or ()
            offers = self._of_gpu[gpu] = tuple([self._made_of(key, data) for key, data in entry])
        return offers

    def all(self) -> list[Offer]:
        """Every machine, provider by provider."""
        return [self.get(k) for k in self._entry("keys")]

    def provider(self, name: str) -> str:
        """The id of a provider by any of its names.

        Raises:
            UnknownMachineError: no such provider.
        """
        if (key := self.provider_names.get(bare(name))) is not None:
            return key
        from gpu_sizer.cards.likeness import KnownNames

        hints = KnownNames(self.provider_names).suggestions(name)
        tail = f"did you mean {join_names(hints)}?" if hints else f"known: {', '.join(sorted(self.providers))}"
        raise UnknownMachineError(f"unknown provider {name[:60]!r}; {tail}", suggestions=hints)

    def named(self, name: str, provider: str | None = None) -> list[str]:
        """The keys of the machines of a name, which may have its provider in front: ``lambda/gpu_1x_a100``."""
        before, slash, after = name.partition("/")
        if slash and (key := self.provider_names.get(bare(before))) is not None:
            name, provider = after, key
        keys = self.index.get(bare(name), [])
        return [k for k in keys if provider is None or k.startswith(provider + "/")]

    def find(self, name: str, provider: str | None = None) -> Offer:
        """A machine by name: ``p5.48xlarge``, or with its provider ``lambda/gpu_1x_a100``.

        Args:
            name: as the provider writes it, or an alias.
            provider: its provider, where several share the name.

        Raises:
            UnknownMachineError: no such machine, or several of the name.
        """
        owner = self.provider(provider) if provider is not None else None
        keys = self.named(name, owner)
        if len(keys) == 1:
            return self.get(keys[0])
        raise self._shared(name, keys) if keys else self._unknown(name, owner)

    def _shared(self, name: str, keys: Sequence[str]) -> UnknownMachineError:
        return shared(name, [self.get(k) for k in keys])

    def _unknown(self, name: str, provider: str | None) -> UnknownMachineError:
        index = {n: keys[0] for n, keys in self.index.items() if provider is None or keys[0].startswith(provider)}
        from gpu_sizer.cards.likeness import KnownNames

        hints = KnownNames(index).suggestions(name)
        tail = f"did you mean {join_names(hints)}?" if hints else "`gpu-sizer machines` lists what is known"
        return UnknownMachineError(f"unknown machine {name[:60]!r}; {tail}", suggestions=hints)


def shared(name: str, offers: Sequence[Offer]) -> UnknownMachineError:
    """The error for a name that means several machines, each told with what is in it."""
    told = join_names(f"{o.key} ({in_it(o.machine)})" for o in offers[:_SHOWN])
    error = UnknownMachineError(f"{name!r} could mean several machines: {told}", suggestions=[o.key for o in offers])
    error.kind = "ambiguous"
    return error


def in_it(machine: Machine) -> str:
    """The GPUs of a machine in words: ``8 × h100-80gb``, or what the provider tells where the spec is not known."""
    count = f"{machine.count:g}" if machine.count >= 1 else f"1/{round(1 / machine.count)}"
    return f"{count} × {machine.gpu or machine.gpu_told}"


#: By a catalogue's folders, and whether the user's own is there: it may come while this process runs.
_FLEETS: dict[tuple[tuple[str, ...], str | None, bool], Fleet] = {}


def fleet(cards: Catalogue | None = None) -> Fleet:
    """The machines of a catalogue's folders; null is the shipped ones and the user's own."""

    folders, own = (cards or catalogue()).folders, own_folder(MACHINES)
    key = folders, own, own is not None and os.path.isdir(own)
    if (made := _FLEETS.get(key)) is None:
        made = _FLEETS[key] = Fleet(machine_folders(folders))
    return made
