"""Machines named in a question: ``a p4d.24xlarge``, ``Standard_ND96isr_H100_v5``, ``a2-highgpu-8g``."""

from __future__ import annotations

from gpu_sizer.cards.names import bare
from gpu_sizer.errors import UnknownGpuError
from gpu_sizer.queries.entities import Name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.queries.sentence import Sentence

#: How AWS's machines end.
_SIZES = ("xlarge", "metal", "large")
#: Words in the longest name of a machine.
_LONGEST = 8


def _stretches(s: Sentence) -> Iterator[tuple[int, int]]:
    for length in range(min(_LONGEST, len(s.words)), 0, -1):
        for start in range(len(s.words) - length + 1):
            places = range(start, start + length)
            if s.taken.isdisjoint(places) and any(s.is_code(i) for i in places):
                yield start, start + length


def machines_named(s: Sentence, cards: Catalogue) -> tuple[list[Name], list[str]]:
    """The GPUs of the machines that are named, with their numbers, and what to tell of each; their words are taken.

    Raises:
        UnknownGpuError: a machine of which it is not known which GPUs are in it.
    """
    from gpu_sizer.cards.fleet import fleet, in_it, shared

    offers, index = fleet(cards), fleet(cards).index
    names, told = [], []
    for start, stop in _stretches(s):
        key = bare("".join(s.at(i) for i in range(start, stop)))
        if not s.taken.isdisjoint(range(start, stop)) or key not in index or key in cards.gpus.index:
            continue
        spelling = "".join(("" if i == start else s.words[i].before) + s.said(i) for i in range(start, stop))
        found = [offers.get(k) for k in index[key]]
        if len({(o.machine.seen_gpu, o.machine.count) for o in found}) > 1:
            raise shared(spelling, found)
        offer = found[0]
        if offer.machine.seen_gpu is None:
            if any(s.at(i) in cards.gpus.index for i in range(start, stop)):
                continue  # the name of a GPU that is known better than the machine
            raise UnknownGpuError(
                f"which GPUs are in {spelling!r} is not known for sure: {in_it(offer.machine)} is all that is told",
                suggestions=offer.machine.gpu_candidates,
            )
        s.take(start, stop)
        names.append(_gpu(s, start, stop, offer, spelling))
        told.append(f"{spelling!r} has {in_it(offer.machine)}")
    return names, told


def refuse_unknown(s: Sentence, cards: Catalogue) -> None:
    """Refuses a name that must be a machine's, and is none that is known.

    Raises:
        UnknownMachineError: with the nearest names.
    """
    from gpu_sizer.cards.fleet import fleet

    for i in s.free():
        if "." in s.at(i) and s.at(i).endswith(_SIZES):
            fleet(cards).find(s.at(i))


def _gpu(s: Sentence, start: int, stop: int, offer: Offer, spelling: str) -> Name:
    """The GPUs of so many machines."""
    assert offer.machine.seen_gpu is not None
    before = s.skip(start - 1, ("x", "of", "the", "aws", "azure", "gcp", "google"), -1)
    machines = s.number_at(before) or 1
    if machines > 1:
        s.take(before, start)
    return Name(start, stop, (offer.machine.seen_gpu,), spelling, offer.machine.gpu_count * machines)
