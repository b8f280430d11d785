"""Slices of GPUs in a question: their profiles and the GPU beside them become the slice's id before it is read."""

from __future__ import annotations

import re

from gpu_sizer.cards.names import join_names
from gpu_sizer.errors import UnknownGpuError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.cards.catalogue import Catalogue

#: ``3g.40gb``, ``mig-3g.40gb``, ``MIG 3g 40gb slices``.
_PROFILE = re.compile(
    r"(?:\bnvidia\.com/)?(?:\bmig[ -])?\b([1-7])g[. ](\d{1,3}) ?gb(?:\+me)?\b"
    r"(?:\s+(?:mig\s+)?(?:slice|instance|partition|profile|device)s?\b)?(?:\s+mig\b)?",
    re.I,
)
#: What may stand around the GPU that a slice is one of.
_BEFORE = r"(?:\b(?:of|on|from|in|out of)\s+)?(?:(?:an?|the|one|my|our)\s+)?"
_BEHIND = r"(?:[ -]?(?:sxm\d?|pcie|nvl|hbm\d?e?|\d+ ?gb)\b)*,?"
_FORMS = ("pcie", "nvl")


def in_slices(text: str, cards: Catalogue) -> str:
    """A question in which every slice is told by its id: ``a 3g.40gb slice of an a100`` is an a100-80gb-3g.40gb.

    Raises:
        UnknownGpuError: a profile that no GPU has, that the GPU which is named has not, or one of several GPUs.
    """
    if _PROFILE.search(text) is None:
        return text
    known: dict[str, list[str]] = {}
    for identity in cards.gpus.ids():
        whole, dash, profile = identity.rpartition("-")
        if dash and _PROFILE.fullmatch(profile):
            known.setdefault(profile, []).append(whole)
    begin = 0
    while (match := _PROFILE.search(text, begin)) is not None:
        profile = f"{match[1]}g.{match[2]}gb"
        if any(text[: match.start()].lower().endswith(f"{w}-") for w in known.get(profile, ())):
            begin = match.end()
            continue
        whole, text, start, stop = _whole(text, match, profile, known)
        text = f"{text[:start]}{whole}-{profile}{text[stop:]}"
        begin = start + len(whole) + len(profile) + 1
    return text


def _whole(text: str, match: re.Match[str], profile: str, known: dict[str, list[str]]) -> tuple[str, str, int, int]:
    """The GPU that a profile is one of, the text without its name, and where the profile stands in it."""
    families = sorted({w.split("-")[0] for wholes in known.values() for w in wholes}, key=len, reverse=True)
    start, stop = match.start(), match.end()
    around = re.compile(rf"{_BEFORE}(?:nvidia\s+)?\b({'|'.join(families)})s?{_BEHIND}", re.I)
    places = [m for m in around.finditer(text) if m.end() <= start or m.start() >= stop]
    family = min(places, key=lambda m: min(abs(m.end() - start), abs(m.start() - stop)), default=None)
    wholes = known.get(profile, [])
    if family is None:
        one = {w.split("-")[0] for w in wholes}
        if len(one) == 1:
            return wholes[0], text, start, stop
        raise _unknown(profile, None, wholes, known)
    name = family[1].lower()
    wide = [w for w in wholes if w.split("-")[0] == name]
    told = family[0].lower()
    sized = [w for w in wide if (size := re.search(r"(\d+) ?gb", told)) is not None and f"-{size[1]}gb" in w]
    formed = [w for w in (sized or wide) if any(f in told and f in w for f in _FORMS)]
    plain = [w for w in (sized or wide) if not any(f in w for f in _FORMS)]
    kept = formed or plain or sized or wide
    if len(kept) != 1:
        raise _unknown(profile, name, kept, known)
    if family.start() >= stop:
        return kept[0], text[: family.start()] + text[family.end() :], start, stop
    cut = family.start(1)
    return kept[0], text[:cut] + text[start:], cut, cut + stop - start


def _unknown(profile: str, family: str | None, wholes: Sequence[str], known: dict[str, list[str]]) -> UnknownGpuError:
    if wholes:
        ids = [f"{w}-{profile}" for w in wholes]
        error = UnknownGpuError(f"a slice {profile} of which GPU? {join_names(ids[:6])}", suggestions=ids)
        error.kind = "ambiguous"
        return error
    has = [p for p, of in known.items() if any(w.split("-")[0] == family for w in of)]
    of = f"{family.upper()} has {join_names(sorted(has))}" if family and has else f"known: {join_names(sorted(known))}"
    return UnknownGpuError(f"no profile {profile} is known: {of}")
