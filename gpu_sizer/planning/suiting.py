"""Whether a layout suits the machines that it is on: the one rule by which machines to rent stand behind others.

One copy of a model suits GPUs that a fast link joins, or at most four over PCIe, and a pipeline of at most four stages.
Tensor parallelism exchanges activations twice in every layer, which PCIe bears among few: vLLM's own all-reduce is for
two such GPUs (vllm/distributed/device_communicators/custom_all_reduce.py), and a server of eight has four on each
processor. A pipeline's stages work in turn: a further one makes no request faster.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.machine import Machine
    from gpu_sizer.memory.layout import Layout

#: GPUs of one copy that do without a fast link.
MOST_ON_PCIE = 4
#: Stages of a pipeline.
MOST_STAGES = 4
#: The rule in a sentence.
RULE = (
    f"one copy of the model on GPUs that a fast link joins, or on at most {MOST_ON_PCIE} over PCIe, in at most "
    f"{MOST_STAGES} pipeline stages"
)


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
