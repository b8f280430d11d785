"""Models, GPUs and engines that go together: what an engine does not load or run on is refused, not sized."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from gpu_sizer import load_gpu, load_model
from gpu_sizer.errors import UncountableError
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search


def countable(
    models: Iterable[str], gpus: Iterable[str], engines: Iterable[str], **load: str
) -> Iterator[tuple[str, str, str]]:
    """Every triple that can be sized, with this load."""
    for model, gpu, engine in product(models, gpus, engines):
        try:
            Search(make_request(load_model(model), load_gpu(gpu), context=512, engine=engine, **load))  # type: ignore[arg-type]
        except UncountableError:
            continue
        yield model, gpu, engine
