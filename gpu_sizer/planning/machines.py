"""From a number of GPUs to whole machines: how many, with how many GPUs each, in which layout.

Whether a layout suits the machines is the one rule by which machines to rent stand behind others: one copy of a model
suits GPUs that a fast link joins, or at most four over PCIe, and a pipeline of at most four stages. Tensor parallelism
exchanges activations twice in every layer, which PCIe bears among few: vLLM's own all-reduce is for two such GPUs
(vllm/distributed/device_communicators/custom_all_reduce.py), and a server of eight has four on each processor. A
pipeline's stages work in turn: a further one makes no request faster.
"""

from __future__ import annotations

from gpu_sizer.errors import DoesNotFitError, RequestError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.planned import fit
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass
from gpu_sizer.units import ceil_div

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.machine import Machine
    from gpu_sizer.memory.estimate import LayoutMemory
    from gpu_sizer.planning.request import Request

#: GPUs of one copy that do without a fast link.
MOST_ON_PCIE = 4
#: Stages of a pipeline.
MOST_STAGES = 4


def is_joined(machine: Machine, gpu: GpuSpec) -> bool:
    """Whether a fast link joins all GPUs of a machine: bridges of pairs, as PCIe cards have, do not."""
    return machine.link != "pcie" and gpu.link is not None and gpu.link.kind != "pcie"


def of_one_copy(layout: Layout) -> int:
    """GPUs that exchange activations: those of one copy, or all where they share the experts."""
    return layout.gpu_count if layout.expert_parallel else layout.tensor_parallel_size * layout.pipeline_parallel_size


def unsuited(layout: Layout, *, joined: bool) -> str | None:
    """What does not suit about a layout, in words; null where it suits.

    Args:
        layout: over one or several machines.
        joined: whether a fast link joins the GPUs of one.
    """
    stages = layout.pipeline_parallel_size
    if stages > MOST_STAGES:
        return f"more than {MOST_STAGES} stages"
    return f"more than {MOST_ON_PCIE} GPUs over PCIe" if not joined and of_one_copy(layout) > MOST_ON_PCIE else None


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines that are alike, and the layout over all of their GPUs that was checked."""

    nodes: int
    gpus_per_node: int
    fit: Fit

    @property
    def gpu_count(self) -> int:
        """GPUs in all."""
        return self.nodes * self.gpus_per_node


def divides(layout: Layout, per_node: int) -> bool:
    """Whether machines of this many GPUs hold whole replicas, or replicas whole machines.

    vLLM gives every machine the same number of ranks (``--nnodes``: vllm/config/parallel.py, ``local_world_size``).
    """
    replica = layout.tensor_parallel_size * layout.pipeline_parallel_size
    return per_node % replica == 0 or replica % per_node == 0


def shared_evenly(layout: Layout, per_node: int) -> bool:
    """Whether whole machines of this many GPUs hold a layout, all alike."""
    return layout.gpu_count % per_node == 0 and divides(layout, per_node)


def in_one(search: Search, start: int, each: int, *, joined: bool = True) -> LayoutMemory | None:
    """The best layout within one machine: over all of its GPUs, since all are paid for, else over as many as it takes.

    One that suits the machine goes before all others, and one with room to spare before one over more GPUs without.

    Args:
        search: the request's.
        start: the least number of GPUs that can hold it.
        each: GPUs of the machine.
        joined: whether a fast link joins them.
    """

    def suits(layout: Layout) -> bool:
        return unsuited(layout, joined=joined) is None

    for among in (suits, None):
        tight = None
        for count in range(each, start - 1, -1):
            best = search.best(count, among=among)
            if best is not None and best.verdict == "fits":
                return best
            tight = tight or best
        if tight is not None:
            return tight
    return None


def over_several(search: Search, machines: int, each: int, *, joined: bool = True) -> LayoutMemory | None:
    """The best layout over all GPUs of several machines, tensor parallelism inside of one wherever that works.

    vLLM's advice for several machines: tensor parallel size = GPUs of a machine, pipeline = machines
    (docs/serving/parallelism_scaling.md).

    Args:
        search: the request's.
        machines: how many.
        each: GPUs of one machine.
        joined: whether a fast link joins those of one.
    """
    could = search.fitting.could_hold
    layouts = search.accepted(machines * each, search.request.layouts)
    memories = [
        m
        for layout in layouts
        if divides(layout, each)
        and could(layout, safe=False)
        and (m := search.evaluate(layout)).within_budget
        and search.is_fast(layout)
    ]
    return max(
        memories,
        default=None,
        key=lambda m: (
            unsuited(m.layout, joined=joined) is None,
            m.verdict == "fits",
            each % m.layout.tensor_parallel_size == 0,
            not m.layout.expert_parallel,
            m.layout.tensor_parallel_size,
            m.per_gpu.free_bytes if m.per_gpu else 0,
        ),
    )


def _over_machines(request: Request, count: int) -> Fit:
    """The smallest number of whole machines that carry a request."""
    node = request.gpus_per_node
    search = Search(request)
    for machines in range(ceil_div(count, node), max(request.max_gpus // node, 2) + 1):
        if (best := over_several(search, machines, node)) is not None:
            return fit(request, best.layout)
    raise DoesNotFitError(f"{count} GPUs do, but no whole machines of {node} up to {request.max_gpus} GPUs")


def _told(answer: Fit) -> Machines:
    """The machines of a layout that the user chose."""
    node, layout = answer.request.gpus_per_node, answer.layout
    if layout.gpu_count <= node:
        return Machines(1, layout.gpu_count, answer)
    if not shared_evenly(layout, node):
        raise RequestError(
            f"{layout.describe()} takes {layout.gpu_count} GPUs, which do not divide evenly over machines of {node}",
            about="gpu",
        )
    return Machines(layout.gpu_count // node, node, answer)


def machines(answer: Plan | Fit, *, tuned: bool = False) -> Machines:
    """The machines for an answer; ``tuned`` takes the plan's lower settings on fewer GPUs.

    Raises:
        DoesNotFitError: the answer is that it does not fit.
        RequestError: a layout that machines cannot share evenly, or no tuned settings where they were asked for.
    """
    if isinstance(answer, Fit):
        if tuned and answer.tuned is not None:
            lowered = answer.request.under(**answer.tuned.settings)
            return _told(fit(lowered, answer.layout))
        if tuned:
            raise RequestError("no lower settings are needed, or none would do, for the layout that was told")
        if not answer.fits:
            raise DoesNotFitError(f"nothing to deploy: {answer.reason}")
        return _told(answer)
    request, layout = answer.request, answer.layout
    if tuned:
        if answer.tuned is None:
            raise RequestError("the plan has no tuned settings: lower ones would not need fewer GPUs")
        request = request.under(**answer.tuned.settings)
        layout = answer.tuned.layout
    elif not answer.fits:
        raise DoesNotFitError(f"nothing to deploy: {answer.reason}")
    assert layout is not None
    if layout.gpu_count <= request.gpus_per_node:
        return Machines(1, layout.gpu_count, fit(request, layout))
    if shared_evenly(layout, request.gpus_per_node):
        return _told(fit(request, layout))
    return _told(_over_machines(request, layout.gpu_count))
