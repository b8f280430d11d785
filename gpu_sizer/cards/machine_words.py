"""Machines and providers in a text: the spellings in which people write their names.

Most questions name none, and each pattern takes as long to prepare as a name to look up: patterns are made where a word
that they need stands in the text.
"""

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
NOUNS = ("instance", "machine", "node", "vm", "box", "server", "size", "family")
_NOUN = rf"(?:{'|'.join(NOUNS)})(?:e?s)?\b"
#: AWS's sizes, which people also say before the family: "an 8xlarge g5".
_SIZES = ("large", "metal")
_SIZE = r"(?:\d*xlarge|large|metal)"
_REVERSED = rf"\b({_SIZE})\s+([a-z]{{1,6}}\d[a-z0-9-]*)\b"
_AWS = rf"(?:ml\.)?\b([a-z]{{1,6}}\d[a-z0-9-]*)[. _-]({_SIZE})\b"
_AZURE = r"standard_[a-z0-9_]+"
_FAMILY = rf"\b([a-z]\d[a-z0-9-]*)[\s-]+{_NOUN}"
#: How names begin whose words people part by blanks: Azure's sizes, Google's series.
_PARTED = ("standard", "nc", "nd", "nv", "a2", "a3", "a4")
#: Providers that also release models, or whose name is an everyday word.
_KNOWN_OTHERWISE = frozenset(("google", "microsoft", "amazon", "oracle", "lambda", "massed", "vast", "mithril"))
_BEFORE = r"\b(?:on|at|in|from|via|with|through|using|rent(?:ed)?)\s+(?:an?\s+|the\s+)?$"
_BEHIND = rf"['\u2019]?s?\s+(?:{_NOUN}|cloud\b|gpus?\b|\d+\s?[x\u00d7]\s?[a-z]+\d)"
#: Words of the longest name that is written with blanks.
_MOST_WORDS = 5
#: Signs within names of machines; a word without any is rather a GPU's name, as some machines are called.
_SIGNS = "._/-"
_PUNCTUATION = ",;:?!()[]\"'"


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


def find_provider(text: str, known: Fleet) -> NamedProvider | None:
    """The first provider that a text names: ``on aws``, ``at Lambda Labs``; null where it names none.

    A company that is known for other things is one only behind a word such as ``on``, or before ``instances``.
    """
    for start, stop in _windows(text, 3):
        name = bare(text[start:stop].removesuffix("'s").removesuffix("\u2019s"))
        if (provider := known.provider_names.get(name)) is None:
            continue
        if name in _KNOWN_OTHERWISE:
            before = re.search(_BEFORE, text[:start], re.I)
            if before is None and re.match(_BEHIND, text[stop:], re.I) is None:
                continue
        return NamedProvider(provider, start, stop)
    return None


def find_machine(text: str, known: Fleet) -> Named | None:
    """The first machine that a text names, in any usual spelling; null where it names none.

    ``p5.48xlarge``, ``p5 instance``, ``8xlarge g5``, ``Standard NC48ads A100 v4``, ``ND96isr_H100_v5``,
    ``a2-highgpu-8g``, ``lambda gpu_1x_a100``.

    Raises:
        UnknownMachineError: a name written like a machine's that is none, or one that several machines share.
    """
    low = text.lower()
    provider = find_provider(text, known)
    for start, stop, name in _names(text, low):
        keys = known.named(name)
        if provider is not None and len(keys) > 1:
            keys = [k for k in keys if k.startswith(provider.provider + "/")] or keys
        keys = [k for k in keys if _meant(name, k, provider)]
        if len(keys) == 1:
            noun = re.match(rf"[\s-]+{_NOUN}", text[stop:], re.I) if any(n in low for n in NOUNS) else None
            return Named(known.get(keys[0]), start, stop + (noun.end() if noun is not None else 0))
        if keys:
            raise shared(name, [known.get(k) for k in keys])
    if any(n in low for n in NOUNS) and (family := _family(text, known)) is not None:
        return family
    for words, pattern in ((_SIZES, _AWS), (("standard_",), _AZURE)):
        match = re.search(pattern, text, re.I) if any(w in low for w in words) else None
        if match is not None:
            # It raises: a machine of this name would have been found.
            known.find(match[0].removeprefix("ml."))
            raise UnknownMachineError(f"unknown machine {match[0]!r}")
    return None


def _windows(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Spans of up to so many words, longer ones first at each place; none reaches over punctuation."""
    words: list[tuple[int, int]] = []
    start: int | None = None
    for i, c in enumerate(f"{text} "):
        inside = not c.isspace() and c not in _PUNCTUATION
        if inside and start is None:
            start = i
        elif not inside and start is not None:
            words.append((start, start + len(text[start:i].rstrip("."))))
            start = None
    for i, (begin, _) in enumerate(words):
        for j in range(min(len(words), i + most), i, -1):
            if not any(c in _PUNCTUATION for c in text[begin : words[j - 1][1]]):
                yield begin, words[j - 1][1]


def _names(text: str, low: str) -> Iterator[tuple[int, int, str]]:
    """Spans that can be a machine's name, and the name as a catalogue would write it."""
    if any(size in low for size in _SIZES):
        for match in re.finditer(_REVERSED, text, re.I):
            yield match.start(), match.end(), f"{match[2]}.{match[1]}"
        for match in re.finditer(_AWS, text, re.I):
            yield match.start(), match.end(), f"{match[1]}.{match[2]}"
    for start, stop in _windows(text, _MOST_WORDS):
        name = text[start:stop]
        if " " not in name or low[start:stop].startswith(_PARTED):
            yield start, stop, name


def _meant(name: str, key: str, provider: NamedProvider | None) -> bool:
    """Whether a name means this machine: one without signs may as well be a GPU's, and needs its provider beside it.

    An alias is a name for nothing else; a word without a number is no machine's.
    """
    owner, _, own = key.partition("/")
    if not any(map(str.isdigit, name)):
        return False
    if provider is not None and provider.provider == owner:
        return True
    return any(c in name for c in _SIGNS) or bare(name) != bare(own) or " " in name


def _family(text: str, known: Fleet) -> Named | None:
    """A family of AWS's machines with a noun behind it, where all of its machines have the same GPUs.

    Raises:
        UnknownMachineError: its machines differ.
    """
    for match in re.finditer(_FAMILY, text, re.I):
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
