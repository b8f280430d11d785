"""Several copies of a model on one GPU: each gets its part of the share that one engine would take."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.search import Search
from gpu_sizer.queries.topics import Remark
from gpu_sizer.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.queries.requests import Asked


def shared(a: Asked, copies: int) -> tuple[Asked, Remark]:
    """The question whether one of so many copies fits in its part of one GPU, and what to say of it.

    Args:
        a: what was asked, on fewer GPUs than copies.
        copies: copies of the model, spread evenly over the GPUs.

    Raises:
        RequestError: an engine whose share of a GPU cannot be set.
    """
    gpus = a.gpu_count or 1
    each = -(-copies // gpus)
    request = a.request()
    whole = request.load.gpu_memory_utilization or Search(request).fitting.settings(Layout()).gpu_memory_utilization
    if whole >= 1:
        raise RequestError(
            f"{a.engine} takes no share of a GPU that copies could divide: ask for one copy", about="gpu"
        )
    share = int(whole / each * 1000) / 1000
    where = "share one GPU" if gpus == 1 else f"share {gpus} GPUs, {each} on one"
    text = (
        f"{copies} copies {where}, each in {share:g} of its memory (--gpu-memory-utilization {share:g});"
        " this is whether one of them fits in its part"
    )
    understood = replace(a.understood, intent="fit")
    options = {**a.options, "gpu_memory_utilization": share}
    return replace(a, understood=understood, gpu_count=1, options=options), Remark(text, first=True)
