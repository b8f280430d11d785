"""GPUs that a question does not name but has at hand: this computer's own, and those of a pasted ``nvidia-smi``."""

from __future__ import annotations

import re

from gpu_sizer.queries.machines import InGpus
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue

_OWN = r"(?:my|our|this|the local|a local|local)"
_GPUS = (
    r"(?:own\s+)?(?:gpus?|graphics? cards?|video cards?|computer|pc|laptop|workstation|rig|desktop"
    r"|macbook(?: pro| air)?|mac(?: studio| mini)?)"
)
#: What stands for this computer's GPUs.
_MINE = re.compile(rf"\b{_OWN}\s+{_GPUS}\b|\bgpu local\b", re.I)
#: What marks a pasted output of ``nvidia-smi``.
_PASTED = ("NVIDIA-SMI", "(UUID: GPU-", "MiB /")
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) .*\d\d:\d\d:\d\d.*"
_TABLE_LINE = re.compile(rf"^\s*(?:[|+].*|{_DAY}|GPU \d+: .*|\s+MIG .*)$", re.M)


def in_paste(text: str, cards: Catalogue) -> InGpus | None:
    """A question with GPUs in the place of a pasted ``nvidia-smi``; null where none is pasted.

    Raises:
        RequestError: no spec is known of a GPU in it.
    """
    if not any(mark in text for mark in _PASTED):
        return None
    from gpu_sizer.cards.present import pasted, spec_of

    if not (gpus := pasted(text)):
        return None
    specs = [spec_of(one, cards) for one in gpus]
    told = " + ".join(f"{specs.count(k)}x {k}" for k in dict.fromkeys(specs))
    asked = " ".join(_TABLE_LINE.sub(" ", text).split())
    return InGpus(f"{asked.rstrip('?')} on {told}", said=(f"GPUs of nvidia-smi: {told}",))


def says_mine(text: str) -> bool:
    """Whether a question speaks of this computer's own GPUs."""
    return _MINE.search(text) is not None


def on_mine(named: InGpus, cards: Catalogue) -> InGpus:
    """A question with this computer's GPUs in the place of the words for them.

    Raises:
        RequestError: no GPU is found, they are not alike, or no spec is known of them.
    """
    from gpu_sizer.cards.fleet import in_it
    from gpu_sizer.cards.present import local_machine

    offer = local_machine(cards)
    machine = offer.machine
    text = _MINE.sub(f"{machine.gpu_count} x {machine.gpu}", named.text, count=1)
    return replace(named, text=text, offer=offer, said=(*named.said, f"this computer: {in_it(machine)}"))
