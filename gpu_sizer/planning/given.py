"""Given GPUs that may differ: whether one model fits on exactly these."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.errors import RequestError
from gpu_sizer.planning.inverse import on_count
from gpu_sizer.planning.plan import Fit
from gpu_sizer.planning.planned import fit_of
from gpu_sizer.planning.quantities import some_gpus
from gpu_sizer.planning.request import Request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import replace

#: More GPUs than any engine drives that takes mixed ones.
MOST_GIVEN = 64


def given_gpus(text: str, spec: Callable[[str], GpuSpec]) -> tuple[GpuSpec, ...]:
    """GPUs as people write them, one by one in their order: ``2xa6000+1xrtx-3090``.

    Args:
        text: numbers and names, joined by plus signs.
        spec: finds a GPU by its name.

    Raises:
        RequestError: nothing is named, or too many.
        UnknownGpuError: a name that is not known.
    """
    specs: list[GpuSpec] = []
    for part in text.split("+"):
        count, name = some_gpus(part)
        if len(specs) + count > MOST_GIVEN:
            raise RequestError(f"at most {MOST_GIVEN} GPUs can be given one by one", about="gpu")
        specs += [spec(name)] * count
    return tuple(specs)


def fit_given(request: Request, gpus: Sequence[GpuSpec]) -> Fit:
    """Whether a model fits on given GPUs; equal ones in their best layout.

    Args:
        request: whose own GPU is not used.
        gpus: in the order in which the engine sees them.

    Raises:
        RequestError: GPUs that differ, for an engine whose GPUs must be alike, or settings that contradict the load.
    """
    first = replace(request, gpu=gpus[0])
    if all(gpu.id == gpus[0].id for gpu in gpus):
        return on_count(first, len(gpus)).fit
    if first.load.asks_rate:
        raise RequestError("how fast a model is on GPUs that differ is not known; the memory is", about="gpu")
    search = Search(first)
    memory = search.engine.evaluate_mixed(search.model, gpus, first.load)
    return replace(fit_of(search, memory), hardware=tuple(gpus))
