"""Machines in a question: their GPUs take the place of their names before it is read, and the machine is kept."""

from __future__ import annotations

import re

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.slices import in_slices
from gpu_sizer.queries.words import GROUPS, UNITS
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.fleet import Fleet
    from gpu_sizer.cards.machine import Offer

_NUMBERS = UNITS | GROUPS
#: How many machines stands before a name: ``two``, ``2x``, ``a single``; an article is one.
_COUNT = (
    rf"\b(?:(an?|the|this|my|our|single)|({'|'.join(_NUMBERS)})|(\d{{1,4}}))"
    r"\s*(?:[x\u00d7]\s*)?(?:single\s+|whole\s+)?$"
)
_ASKED = r"\b(?:how many|number of|count of|fewest|minimum)\s+$"
#: What stands in every question that names a machine or a provider, since the machines take longer to load than most
#: questions to answer: nouns, parts of machines' names, providers.
_TELLING = (
    *("instance", "machine", "node", " vm", " box", "server", "xlarge", ".metal", "standard", "highgpu", "megagpu"),
    *("ultragpu", "edgegpu", "gpu_", " v4", " v5", "cloud", " lab", "compute", "provider", "rent"),
    *("aws", "azure", "gcp", "oci", "ec2", "runpod", "coreweave", "nebius", "hyperstack", "verda", "datacrunch"),
    *("vultr", "crusoe", "digital", "vast", "ovh", "scaleway", "paperspace", "jarvis", "seeweb", "hyperbolic"),
    *("google", "microsoft", "amazon", "oracle", "lambda", "massed", "mithril", "hot aisle", "hotaisle"),
)
#: More machines than a question names one by one.
_MOST = 4


@dataclass(frozen=True, slots=True)
class InGpus:
    """A question with GPUs in the place of its machines.

    ``offer`` is the machine where all that are named are of one kind; ``provider`` the id of one that was named.
    """

    text: str
    offer: Offer | None = None
    provider: str | None = None
    said: tuple[str, ...] = ()
    """What was understood of machines and providers, for the sentence that says it back."""


def in_gpus(text: str, cards: Catalogue) -> InGpus:
    """A question in which every machine is told by its GPUs: ``on a p4d.24xlarge`` is on 8 × A100 of 40 GB.

    Raises:
        UnknownMachineError: a name written like a machine's that is none, or one that several machines share.
        RequestError: it is not known which GPU a machine has.
    """
    text = in_slices(text, cards)
    if not _worth_a_look(text):
        return InGpus(text)
    from gpu_sizer.cards.fleet import fleet, in_it
    from gpu_sizer.cards.machine_words import find_machine, find_provider

    known = fleet(cards)
    provider = find_provider(text, known)
    offers: list[Offer] = []
    while len(offers) < _MOST and (named := find_machine(text, known)) is not None:
        text = _replaced(text, named.offer, named.start, named.stop)
        offers.append(named.offer)
    kinds = {o.key: o for o in offers}
    owner = provider.provider if provider is not None else None
    said = tuple(f"{o.machine.name} of {o.provider_name}: {in_it(o.machine)}" for o in kinds.values())
    if owner is not None:
        text = _without_provider(text, known)
        said = said or (f"machines of {known.providers[owner]} alone",)
    if len(kinds) == 1:
        return InGpus(_without_others(text, offers[0]), offers[0], owner, said)
    return InGpus(text, None, owner, said)


def _worth_a_look(text: str) -> bool:
    """Whether a text may name a machine or a provider: a cheap look, for the many questions that name none."""
    low = text.lower()
    if any(word in low for word in _TELLING):
        return True
    return re.search(r"[a-z0-9][._/-][a-z0-9]", low) is not None


def _replaced(text: str, offer: Offer, start: int, stop: int) -> str:
    """The text with the GPUs of so many machines in the place of their name."""
    machine = offer.machine
    if (gpu := machine.seen_gpu) is None:
        told = f"{machine.count:g} × {machine.gpu_told}"
        among = f": {' or '.join(machine.gpu_candidates)}" if machine.gpu_candidates else ""
        raise RequestError(
            f"{offer.key} has {told}, and its source does not say which{among}",
            about="gpu",
            suggestions=machine.gpu_candidates,
        )
    before, behind = text[:start], text[stop:]
    if re.search(_ASKED, before, re.I):
        return f"{before}{gpu}{behind}"
    count = 1
    if (match := re.search(_COUNT, before, re.I)) is not None:
        word, digits = match[2], match[3]
        count = int(digits) if digits else _NUMBERS[word.lower()] if word else 1
        before = before[: match.start()]
    return f"{before}{count * machine.gpu_count} x {gpu}{behind}"


def _without_provider(text: str, known: Fleet) -> str:
    """The text without its machine's provider, and the word before that."""
    from gpu_sizer.cards.machine_words import find_provider

    found = find_provider(text, known)
    if found is None:
        return text
    before = re.sub(r"\b(?:on|at|in|from|via|of)\s+$", "", text[: found.start], flags=re.I)
    return before + text[found.stop :]


def _without_others(text: str, offer: Offer) -> str:
    """The text without a second mention of the machine's own GPUs: ``(8x A100 40GB)``, ``, A100 (160GB)``."""
    gpu = offer.machine.seen_gpu
    assert gpu is not None
    place = text.find(f"x {gpu}")
    family = gpu.split("-")[0] if not gpu.startswith(("rtx-", "quadro-")) else "-".join(gpu.split("-")[:2])
    name = re.escape(family).replace("\\-", "[ -]?")
    size = r"(?:[ -]?\d+ ?G(?:i?B)?)?"
    again = re.compile(
        rf"[,(]?\s*(?:\b\d+\s*[x×]\s*)?(?:nvidia\s+)?\b{name}s?\b{size}(?:\s*\(\s*\d+\s*GB\s*\))?\)?", re.I
    )
    if place < 0:
        return text
    end = place + len(f"x {gpu}")
    start = text.rfind(" ", 0, max(place - 1, 0)) + 1
    return again.sub("", text[:start]) + text[start:end] + again.sub("", text[end:])
