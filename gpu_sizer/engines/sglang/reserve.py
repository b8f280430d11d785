"""What SGLang leaves free for activations and graphs: the default of ``mem_fraction_static``.

A port of ``arg_groups/memory_hook.py`` (0.5.23): the fraction is what remains of the memory that nvidia-smi reports
after a reserve that grows with the prefill chunk, the ranks and the captured graphs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.held import HeldModel
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.memory.layout import Layout
from gpu_sizer.units import MIB

#: Dimensions of a matrix.
MATRIX = 2


def constants() -> dict[str, Any]:
    """The profile's data."""
    data: dict[str, Any] = profile_data("sglang/profile")
    return data


def reported_mib(gpu: GpuSpec) -> float:
    """The memory that ``nvidia-smi`` reports, in MiB; what a program sees where that is not known."""
    return gpu.memory.nvidia_smi_mib or gpu.visible_bytes / MIB


def tier(gpu: GpuSpec) -> dict[str, Any]:
    """The defaults of a GPU of this size."""
    found: dict[str, Any] = next(t for t in constants()["tiers"] if reported_mib(gpu) < t.get("below_mib", 1e18))
    return found


def graph_sequences(gpu: GpuSpec, layout: Layout, most: int | None) -> int:
    """Sequences of the largest captured graph."""
    small, large = tier(gpu)["graph_sequences"]
    found: int = large if layout.tensor_parallel_size * replicas_inside(layout) >= 4 else small
    return min(found, most) if most is not None else found


def replicas_inside(layout: Layout) -> int:
    """Attention replicas within the ranks that share the experts (``--enable-dp-attention``)."""
    return layout.data_parallel_size if layout.expert_parallel else 1


@cache
def _prefill_graphs(tokens: int) -> int:
    """How many sizes of prefill are captured (``generate_prefill_cuda_graph_batch_sizes``)."""
    sizes = [
        *range(4, 33, 4),
        *range(48, 257, 16),
        *range(288, 513, 32),
        *range(576, 1025, 64),
        *range(1280, 4097, 256),
        *range(4608, tokens + 1, 512),
    ]
    return sum(size <= tokens for size in sizes)


def _vision_factor(model: HeldModel) -> float:
    """By how much a vision tower lowers the fraction (``adjust_mem_fraction_for_vlm``).

    It goes by the tower's layers and the square of its width, which the square projections of its attention tell.
    Classes whose configuration names the layers otherwise (``depth``) count as the baseline's.
    """
    square = [
        t
        for tower in model.card.architecture.towers
        for t in tower.tensors
        if t.copies > 1 and len(t.shape) == MATRIX and t.shape[0] == t.shape[1]
    ]
    v = constants()["reserve"]["vision"]
    if not model.card.architecture.towers:
        return 1.0
    layers, width = (square[0].copies, square[0].shape[0]) if square else (v["layers"], v["width"])
    if model.card.engine_class in v["layers_unseen"]:
        layers = v["layers"]
    score = layers * width**2 / (v["layers"] * v["width"] ** 2)
    factor: float = v["factor"] * max(v["least"], min(v["most"], 1.0 - v["sensitivity"] * (score - 1.0)))
    return factor


def default_fraction(model: HeldModel, gpu: GpuSpec, layout: Layout, tokens: int, sequences: int, eager: bool) -> float:
    """The default of ``mem_fraction_static``.

    Args:
        model: whose attention and tower matter.
        gpu: its reported memory.
        layout: parallel sizes.
        tokens: of a prefill chunk.
        sequences: of the largest captured graph.
        eager: without graphs.
    """
    r, total = constants()["reserve"], reported_mib(gpu)
    inside = replicas_inside(layout)
    ranks = layout.tensor_parallel_size * inside * layout.pipeline_parallel_size
    reserve = r["constant_mib"] + max(tokens, r["least_tokens"]) * r["mib_a_token"] + ranks * r["mib_a_rank"]
    if not eager:
        reserve += sequences * r["mib_a_graph_sequence"]
    if inside > 1:
        reserve += sequences * inside * r["mib_a_shared_sequence"]
        if sequences > r["more_beyond_sequences"]:
            reserve += sequences * inside * r["mib_a_shared_sequence_more"]
    # Prefill graphs are off in pipelines and for models with towers (arg_groups/cuda_graph_hook.py).
    if not eager and layout.pipeline_parallel_size == 1 and not model.inventory.towers:
        if model.has_latent:
            reserve += r["mib_latent_prefill_graphs"]
        else:
            reserve += _prefill_graphs(tokens) * r["mib_a_prefill_graph"]
    if total > r["large_gpu_mib"]:
        reserve = max(reserve, r["large_gpu_least_mib"])
    share: float = round((total - reserve) / total, 3)
    return share * _vision_factor(model)
