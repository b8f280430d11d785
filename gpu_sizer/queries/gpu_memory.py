"""Gigabytes that a question tells beside a GPU: ``A100 40GB``, ``four 24 GB 3090s``, ``two 3090s (48GB)``."""

from __future__ import annotations

from gpu_sizer.cards.names import join_names
from gpu_sizer.errors import UnknownGpuError
from gpu_sizer.queries.entities import singular
from gpu_sizer.queries.words import joined_amount, word_set
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Shelf
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.queries.entities import Name
    from gpu_sizer.queries.sentence import Sentence


#: Of no GPU: no bound.
MOST_GIGABYTES = 10**4
_LEAST, _MOST = word_set("least minimum min over above more"), word_set("under below within most max maximum less to")
_BEFORE_NOUNS, _NOUNS = word_set("of total dedicated gpu video"), word_set("vram memory hbm ram")


def memory_told(s: Sentence, near: Name | None = None) -> int | None:
    """Gigabytes of a GPU that stand beside its name, or anywhere; their words are taken."""
    place = memory_place(s, near)
    return place[1] if place else None


def memory_place(s: Sentence, near: Name | None = None) -> tuple[int, int] | None:
    """Where gigabytes of a GPU stand beside its name, or anywhere, and how many; their words are taken."""
    places = list(s.free())
    if near is not None:
        behind = s.skip(near.stop, ("with", "of", "at", "x"), most=1)
        places = [behind, *range(near.start, near.stop), near.start - 1, near.start - 2]
    for i in places:
        if (told := s.amount_at(i)) is not None and told.whole is not None:
            s.take(i, told.stop)
            _erase_noun(s, told.stop)
            return i, told.whole
    return None


def _erase_noun(s: Sentence, i: int) -> None:
    """Erases what an amount that ends here is one of, which asks for none: ``12gb of vram``."""
    noun = s.skip(i, _BEFORE_NOUNS)
    if s.at(noun) in _NOUNS:
        s.erase(noun, noun + 1)


def bounds(s: Sentence, place: int, gigabytes: int) -> tuple[int, int]:
    """The least and the most gigabytes that a GPU may have which is told by an amount: ``at least 24gb``."""
    before, behind = {s.said(place - 1), s.said(place - 2)}, {s.said(place + k) for k in (1, 2, 3)}
    if not _LEAST.isdisjoint(before) or "plus" in behind or {"or", "more"} <= behind:
        return gigabytes, MOST_GIGABYTES
    if not _MOST.isdisjoint(before) or {"or", "less"} <= behind:
        return 0, gigabytes
    return gigabytes, gigabytes


def with_memory(s: Sentence, gpu: Name, shelf: Shelf[GpuSpec]) -> Name:
    """The GPU with the memory that was told beside it, of one or of all of them together.

    Raises:
        UnknownGpuError: it does not come with that memory.
    """
    if joined_amount(gpu.spelling.split()[-1]) is not None:
        _erase_noun(s, gpu.stop)
    told = memory_told(s, gpu)
    if told is None:
        return gpu
    if (identity := shelf.index.get(singular(f"{gpu.spelling} {told}gb"))) is not None:
        return replace(gpu, ids=(identity,))
    fits = (told, told / (gpu.count or 1))
    kept = tuple(i for i in gpu.ids if shelf.get(i).memory.marketed_gb in fits)
    one = shelf.get(gpu.ids[0]).memory.marketed_gb
    if not kept and gpu.count is None and told > one and told % one == 0:
        return replace(gpu, count=int(told // one))
    if not kept:
        raise UnknownGpuError(
            f"{join_names(gpu.ids)} does not come with {told} GB (but with {shelf.get(gpu.ids[0]).memory.marketed_gb})",
            suggestions=gpu.ids,
        )
    return replace(gpu, ids=kept)
