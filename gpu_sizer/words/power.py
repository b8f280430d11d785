"""What GPUs draw, in words."""

from __future__ import annotations

from gpu_sizer.words.rental import times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec


def drawn(gpu: GpuSpec, count: int) -> str:
    """What so many GPUs draw at most, by their maker's limit, or that it is not known."""
    if gpu.tdp_w is None:
        return f"what {gpu.short_name} draws is not known here"
    each = f" ({gpu.tdp_w:,} W each)" if count > 1 else ""
    what = f"{times(count, gpu.short_name)} {'draw' if count > 1 else 'draws'}"
    return f"{what} up to {gpu.tdp_w * count:,} W{each} by the maker's limit, the computer around aside"
