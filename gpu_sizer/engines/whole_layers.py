"""Whole layers on one GPU after another, in any ratio: the cut that leaves the fullest GPU the most room."""

from __future__ import annotations

from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.units import MIB, gib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_sizer.engines.held import HeldModel
    from gpu_sizer.engines.one_version import OneVersion
    from gpu_sizer.load import Settings
    from gpu_sizer.memory.estimate import RankMemory
    from gpu_sizer.memory.layout import Layout


def _cut(
    layers: Sequence[int], first: int, last: int, rooms: Sequence[int], *, every: bool
) -> list[tuple[int, int]] | None:
    """Each GPU takes as many layers as its room holds, the earlier ones first; null where that does not do.

    With ``every``, a layer is left for each GPU that comes after.
    """
    bounds, start, gpus = [], 0, len(rooms)
    for gpu, room in enumerate(rooms):
        left = room - (first if gpu == 0 else 0) - (last if gpu == gpus - 1 else 0)
        if left < 0:
            return None
        most, stop = len(layers) - (gpus - 1 - gpu if every else 0), start
        while stop < most and layers[stop] <= left:
            left -= layers[stop]
            stop += 1
        bounds.append((start, stop))
        start = stop
    return bounds if start == len(layers) else None


def even_cut(layers: Sequence[int], first: int, last: int, rooms: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """First and past-the-last layer of each GPU, such that the least room left over is largest, to a MiB.

    Args:
        layers: bytes of each layer with its cache.
        first: bytes that the first GPU holds beside its layers (the embedding).
        last: bytes that the last holds beside its layers (the output head).
        rooms: bytes that each GPU has for all of this; they may differ. At most as many GPUs as layers.

    Filling the GPUs one after another finds a cut wherever one leaves so much room on each, since layers stay in
    their order; so bisection over that room finds the best. A GPU too small for any layer stays empty.
    """

    def cut(room: int, *, every: bool = False) -> list[tuple[int, int]] | None:
        return _cut(layers, first, last, [r - room * MIB for r in rooms], every=every)

    low, high = min(0, *rooms) // MIB - (sum(layers) + first + last) // MIB - 1, max(rooms) // MIB + 1
    while high - low > 1:
        middle = (low + high) // 2
        if cut(middle) is None:
            high = middle
        else:
            low = middle
    parts = cut(low, every=True) or cut(low)
    assert parts is not None
    return tuple(parts)


def requests_held(stages: Sequence[RankMemory], users: int) -> float:
    """Requests whose caches every GPU has room for, given what the caches of ``users`` requests take."""
    shares = [max(0, r.available_kv_bytes) * users / r.kv_cache_bytes for r in stages if r.kv_cache_bytes]
    return min(shares, default=0.0)


def answer(
    engine: OneVersion,
    model: HeldModel,
    layout: Layout,
    stages: tuple[RankMemory, ...],
    s: Settings,
    split: tuple[int, ...],
    states: tuple[int, ...] = (),
) -> LayoutMemory:
    """The answer of an engine that allocates the cache that is asked for, given what fills each GPU.

    ``split`` are the layers on each GPU, ``states`` the bytes of states among its cache.
    """
    fullest, short = min(stages, key=lambda r: r.free_bytes), None
    if fullest.free_bytes < 0:
        have = f"{gib(fullest.budget_bytes)} on the fullest GPU"
        short = f"out of memory: {gib(fullest.needed_bytes)} needed of {have}"
    roomy = engine.roomy_bytes(model, layout)
    verdict, reason = engine.verdict(fullest, roomy, short)
    held = requests_held(stages, s.users)
    return LayoutMemory(
        layout,
        verdict,
        reason,
        fullest,
        stages,
        int(held * s.context),
        held * layout.data_parallel_size,
        roomy,
        printed_tokens=s.context * s.users,
        allocated_kv_bytes=fullest.kv_cache_bytes,
        state_bytes=states[stages.index(fullest)] if states else 0,
        layer_split=split,
    )
