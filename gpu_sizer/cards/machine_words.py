"""Machines and providers in a text: the spellings in which people write their names."""

from __future__ import annotations

import re

from gpu_sizer.cards.fleet import Fleet, shared
from gpu_sizer.cards.names import bare
from gpu_sizer.errors import UnknownMachineError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.cards.machine import Offer

#: Nouns for a machine behind a family's name: "a p5 instance".
_NOUNS = r"(?:instances?|machines?|nodes?|vms?|box(?:es)?|servers?|sizes?|family)"
#: What makes a text worth a look into the catalogue of machines: a name with signs in it, or a noun.
_LIKELY = re.compile(
    rf"[0-9a-z][._/-][0-9a-z]|xlarge|\bn[cdv]\d|\b{_NOUNS}\b|\b[pg][3-7][a-z]+\b|\bp[3-6]\b|\ba[2-4] ", re.I
)
_WORD = re.compile(r"[^\s,;:?!()\[\]\"']+")
#: AWS's sizes, which people also say before the family: "an 8xlarge g5".
_SIZE = r"(?:\d*xlarge|large|metal)"
_REVERSED = re.compile(rf"\b({_SIZE})\s+([a-z]\d[a-z0-9-]*)\b", re.I)
_AWS = re.compile(rf"(?:ml\.)?([a-z]\d[a-z0-9-]*)[. _-]({_SIZE})", re.I)
_AZURE = re.compile(r"standard_[a-z0-9_]+", re.I)
#: How names begin whose words people part by blanks: Azure's sizes, Google's series.
_PARTED = re.compile(r"(?:standard|n[cdv][a-z0-9]*|a[2-4])", re.I)
_FAMILY = re.compile(rf"\b([a-z]\d[a-z0-9-]*)[\s-]+{_NOUNS}\b", re.I)
_NOUN_BEHIND = re.compile(rf"[\s-]+{_NOUNS}\b", re.I)
#: Providers that also release models, or whose name is an everyday word.
_KNOWN_OTHERWISE = frozenset(("google", "microsoft", "amazon", "oracle", "lambda", "massed", "vast", "mithril"))
_BEFORE = re.compile(r"\b(?:on|at|in|from|via|with|through|using|rent(?:ed)?)\s+(?:an?\s+|the\s+)?$", re.I)
_BEHIND = re.compile(rf"['\u2019]?s?\s+(?:{_NOUNS}|cloud|gpus?)\b", re.I)
#: Words of the longest name that is written with blanks.
_MOST_WORDS = 5
#: Signs within names of machines; a word without any is rather a GPU's name, as some machines are called.
_SIGNS = re.compile(r"[._/-]")


@dataclass(frozen=True, slots=True)
class Named:
    """A machine in a text, and where its name stands."""

    offer: Offer
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class NamedProvider:
    """A provider in a text, and where its name stands."""

    provider: str
    start: int
    stop: int


def may_name_machine(text: str) -> bool:
    """Whether a text is worth a look into the catalogue of machines."""
    return _LIKELY.search(text) is not None


def find_provider(text: str, known: Fleet) -> NamedProvider | None:
    """The first provider that a text names: ``on aws``, ``at Lambda Labs``; null where it names none.

    A company that is known for other things is one only behind a word such as ``on``, or before ``instances``.
    """
    for start, stop in _windows(text, 3):
        name = bare(text[start:stop].removesuffix("'s").removesuffix("\u2019s"))
        if (found := known.provider_names.get(name)) is None:
            continue
        if name in _KNOWN_OTHERWISE and not (_BEFORE.search(text[:start]) or _BEHIND.match(text, stop)):
            continue
        return NamedProvider(found, start, stop)
    return None


def find_machine(text: str, known: Fleet) -> Named | None:
    """The first machine that a text names, in any usual spelling; null where it names none.

    ``p5.48xlarge``, ``p5 instance``, ``8xlarge g5``, ``Standard NC48ads A100 v4``, ``ND96isr_H100_v5``,
    ``a2-highgpu-8g``, ``lambda gpu_1x_a100``.

    Raises:
        UnknownMachineError: a name written like a machine's that is none, or one that several machines share.
    """
    if not may_name_machine(text):
        return None
    provider = find_provider(text, known)
    for start, stop, name in _names(text):
        keys = known.named(name)
        if provider is not None and len(keys) > 1:
            keys = [k for k in keys if k.startswith(provider.provider + "/")] or keys
        keys = [k for k in keys if _meant(name, k, provider)]
        if len(keys) == 1:
            noun = _NOUN_BEHIND.match(text, stop)
            return Named(known.get(keys[0]), start, noun.end() if noun is not None else stop)
        if keys:
            raise shared(name, [known.get(k) for k in keys])
    if (found := _family(text, known)) is not None:
        return found
    for pattern in (_AWS, _AZURE):
        if (match := pattern.search(text)) is not None:
            # It raises: a machine of this name would have been found.
            known.find(match[0].removeprefix("ml."))
            raise UnknownMachineError(f"unknown machine {match[0]!r}")
    return None


def _windows(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Spans of up to so many words, longer ones first at each place."""
    words = []
    for match in _WORD.finditer(text):
        stop = match.end() - (len(match[0]) - len(match[0].rstrip(".")))
        words.append((match.start(), stop))
    for i, (start, _) in enumerate(words):
        for j in range(min(len(words), i + most), i, -1):
            yield start, words[j - 1][1]


def _names(text: str) -> Iterator[tuple[int, int, str]]:
    """Spans that can be a machine's name, and the name as a catalogue would write it."""
    for match in _REVERSED.finditer(text):
        yield match.start(), match.end(), f"{match[2]}.{match[1]}"
    for match in _AWS.finditer(text):
        yield match.start(), match.end(), f"{match[1]}.{match[2]}"
    for start, stop in _windows(text, _MOST_WORDS):
        name = text[start:stop]
        if " " not in name or _PARTED.match(name):
            yield start, stop, name


def _meant(name: str, key: str, provider: NamedProvider | None) -> bool:
    """Whether a name means this machine: one without signs may as well be a GPU's, and needs its provider beside it.

    An alias is a name for nothing else.
    """
    owner, _, own = key.partition("/")
    if provider is not None and provider.provider == owner:
        return True
    return _SIGNS.search(name) is not None or bare(name) != bare(own) or " " in name


def _family(text: str, known: Fleet) -> Named | None:
    """A family of AWS's machines with a noun behind it, where all of its machines have the same GPUs.

    Raises:
        UnknownMachineError: its machines differ.
    """
    for match in _FAMILY.finditer(text):
        prefix = f"aws/{match[1].lower()}."
        offers = [known.get(k) for keys in known.index.values() for k in keys if k.startswith(prefix)]
        offers = list({o.key: o for o in offers}.values())
        if not offers:
            continue
        kinds: dict[tuple[str | None, int], Offer] = {}
        for offer in offers:
            kinds.setdefault((offer.machine.seen_gpu, offer.machine.gpu_count), offer)
        if len(kinds) > 1:
            raise shared(match[0], list(kinds.values()))
        return Named(offers[0], match.start(), match.end())
    return None
