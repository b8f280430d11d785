"""Gigabytes that a question tells beside a GPU: ``A100 40GB``, ``four 24 GB 3090s``, ``two 3090s (48GB)``."""

from __future__ import annotations

from gpu_sizer.cards.names import join_names
from gpu_sizer.errors import UnknownGpuError
from gpu_sizer.queries.entities import singular
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.catalogue import Shelf
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.queries.entities import Name
    from gpu_sizer.queries.sentence import Sentence


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
            return i, told.whole
    return None


def with_memory(s: Sentence, gpu: Name, shelf: Shelf[GpuSpec]) -> Name:
    """The GPU with the memory that was told beside it, of one or of all of them together.

    Raises:
        UnknownGpuError: it does not come with that memory.
    """
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
