"""The layouts of a number of GPUs that engines take."""

from __future__ import annotations

from functools import lru_cache

from gpu_sizer.memory.layout import Layout, layout_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpu_sizer.engines.engine import PreparedModel


@lru_cache(maxsize=1 << 10)
def divisors(n: int) -> tuple[int, ...]:
    """Every divisor of n, ascending."""
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return (*small, *(n // d for d in reversed(small) if d * d != n))


def parallel_layouts(
    model: PreparedModel, count: int, users: int, kind: str, *, pipelines: bool = True, experts: bool = True
) -> Iterator[Layout]:
    """Tensor by pipeline parallelism, and replicas of the whole where there are users for them.

    Args:
        model: whose layers and experts decide what is worth a look.
        count: GPUs in all.
        users: requests at once; a replica without one is of no use.
        kind: any, tensor or pipeline.
        pipelines: whether the engine has them.
        experts: whether it spreads whole experts over the ranks.
    """
    for dp in divisors(count):
        if dp > users:
            break
        for tp in divisors(count // dp):
            pp = count // dp // tp
            if (pp > 1 and (kind == "tensor" or not pipelines)) or (kind == "pipeline" and tp > 1):
                continue
            if pp > len(model.inventory.layer_names):
                continue
            yield layout_of(tp, pp, dp)
            if experts and tp > 1 and model.has_experts:
                yield layout_of(tp, pp, dp, True)


def whole_layer_layouts(model: PreparedModel, count: int, users: int, kind: str, most: int) -> Iterator[Layout]:
    """Whole layers, one GPU after another, and replicas of the whole.

    Args:
        model: whose layers are spread.
        count: GPUs in all.
        users: requests at once.
        kind: any, tensor (which leaves single GPUs alone) or pipeline.
        most: GPUs that one process drives.
    """
    for dp in divisors(count):
        if dp > users:
            break
        stages = count // dp
        if stages <= min(len(model.inventory.layer_names), most) and (stages == 1 or kind != "tensor"):
            yield Layout(1, stages, dp)
