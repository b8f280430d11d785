"""Machines in a question: their GPUs take the place of their names before it is read, and the machine is kept."""

from __future__ import annotations

from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.machine import Offer

#: What stands in every question that names a machine or a provider, since the machines take longer to load than most
#: questions to answer: nouns, parts of machines' names, providers.
_TELLING = (
    *("instance", "machine", "node", " vm", " box", "server", "xlarge", ".metal", "standard", "highgpu", "megagpu"),
    *("ultragpu", "edgegpu", "gpu_", " v4", " v5", "cloud", " lab", "compute", "provider", "rent"),
    *("aws", "azure", "gcp", "oci", "ec2", "runpod", "coreweave", "nebius", "hyperstack", "verda", "datacrunch"),
    *("vultr", "crusoe", "digital", "vast", "ovh", "scaleway", "paperspace", "jarvis", "seeweb", "hyperbolic"),
    *("google", "microsoft", "amazon", "oracle", "lambda", "massed", "mithril", "hot aisle", "hotaisle"),
)
#: One of these stands in every question that names a slice: ``3g.40gb``, ``3g 40gb``.
_CUT = tuple(f"{n}{g}{sign}" for n in range(1, 8) for g in "gG" for sign in ". ")
#: More machines than a question names one by one.
_MOST = 4


@dataclass(frozen=True, slots=True)
class InGpus:
    """A question with GPUs in the place of its machines.

    ``offer`` is the machine where all that are named are of one kind, ``offers`` each kind where there are several;
    ``provider`` is the id of one that was named.
    """

    text: str
    offer: Offer | None = None
    offers: tuple[Offer, ...] = ()
    provider: str | None = None
    said: tuple[str, ...] = ()
    """What was understood of machines and providers, for the sentence that says it back."""


def in_gpus(text: str, cards: Catalogue) -> InGpus:
    """A question in which every machine is told by its GPUs: ``on a p4d.24xlarge`` is on 8 × A100 of 40 GB.

    Raises:
        UnknownMachineError: a name written like a machine's that is none, or one that several machines share.
        RequestError: it is not known which GPU a machine has.
    """
    if any(sign in text for sign in _CUT):
        from gpu_sizer.queries.slices import in_slices

        text = in_slices(text, cards)
    # Machines of the user's own may bear any name.
    if not cards.folders and not _worth_a_look(text):
        return InGpus(text)
    from gpu_sizer.cards.fleet import fleet, in_it
    from gpu_sizer.cards.machine_words import find_machine, find_provider
    from gpu_sizer.queries.machine_places import replaced, without_others, without_provider

    known = fleet(cards)
    provider = find_provider(text, known)
    offers: list[Offer] = []
    while len(offers) < _MOST and (named := find_machine(text, known)) is not None:
        text = replaced(text, named.offer, named.start, named.stop)
        offers.append(named.offer)
    kinds = {o.key: o for o in offers}
    owner = provider.provider if provider is not None else None
    said = tuple(f"{o.machine.name} of {o.provider_name}: {in_it(o.machine)}" for o in kinds.values())
    if owner is not None:
        text = without_provider(text, known)
        said = said or (f"machines of {known.providers[owner]} alone",)
    if len(kinds) == 1:
        return InGpus(without_others(text, offers[0]), offers[0], provider=owner, said=said)
    return InGpus(text, None, tuple(kinds.values()), owner, said)


def _worth_a_look(text: str) -> bool:
    """Whether a text may name a machine or a provider: a cheap look, for the many questions that name none."""
    low = text.lower()
    if any(word in low for word in _TELLING):
        return True
    # Two letters or figures with a sign between, as in ``p5.48xlarge``; a number such as ``3.1`` is no machine.
    signed = (word for word in low.split() if any(map(str.isalpha, word)))
    joints = (word[i - 1 : i + 2 : 2] for word in signed for i, c in enumerate(word) if c in "._/-" and i)
    return any(len(pair) == 2 and pair.isascii() and pair.isalnum() for pair in joints)
