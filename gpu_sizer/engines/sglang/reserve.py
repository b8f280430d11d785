"""What SGLang leaves free for activations and graphs: the default of ``mem_fraction_static``.

A port of ``arg_groups/memory_hook.py`` (0.5.23): the fraction is what remains of the memory that nvidia-smi reports
after a reserve that grows with the prefill chunk, the ranks and the captured graphs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import reaches
from gpu_sizer.memory.layout import Layout
from gpu_sizer.units import GIB, MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.engines.sglang.model import SglangModel

#: Dimensions of a matrix.
MATRIX = 2


def constants() -> dict[str, Any]:
    """The profile's data."""
    data: dict[str, Any] = profile_data("sglang/profile")
    return data


def reported_mib(gpu: GpuSpec) -> float:
    """The memory that ``nvidia-smi`` reports, in MiB; what a program sees where that is not known."""
    return gpu.memory.nvidia_smi_mib or gpu.visible_bytes / MIB


@cache
def rules(version: str) -> dict[str, Any]:
    """The tiers of a version, and how it finds its default share: the newest, or those of an earlier one.

    Versions before the first that was read get its rules.
    """
    newest = constants()
    if reaches(version, newest["release"]):
        return newest
    earlier: list[dict[str, Any]] = newest["earlier"]
    return next((e for e in earlier if reaches(version, e["from"])), earlier[-1])


def _of_memory(gpu: GpuSpec, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of a table by memory."""
    return next(t for t in rows if reported_mib(gpu) < t.get("below_mib", 1e18))


def tier(gpu: GpuSpec, version: str) -> dict[str, Any]:
    """The defaults of a GPU of this size."""
    return _of_memory(gpu, rules(version)["tiers"])


def graph_sequences(gpu: GpuSpec, layout: Layout, most: int | None, version: str) -> int:
    """Sequences of the largest captured graph."""
    small, large = tier(gpu, version)["graph_sequences"]
    sequences: int = large if layout.tensor_parallel_size * replicas_inside(layout) >= 4 else small
    return min(sequences, most) if most is not None else sequences


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


def _vision_factor(model: SglangModel) -> float:
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


def _earlier_fraction(own: dict[str, Any], model: SglangModel, gpu: GpuSpec, layout: Layout) -> float | None:
    """The default of a version that has a table for it; null for others."""
    total, inside = reported_mib(gpu), replicas_inside(layout)
    ranks = layout.tensor_parallel_size * inside
    if (shares := own.get("share_by_ranks")) is not None:
        share: float = next(s for least, s in sorted(shares.items(), reverse=True) if ranks >= least)
        if total > own["share_up_to_mib"]:
            share = (total - own["else_mib"]) / total
        factor: float = own["tower_factor"] if model.card.architecture.towers else 1.0
        return share * factor
    if (memory := own.get("memory")) is not None:
        row = _of_memory(gpu, memory)
        gib = row["gib"] + row["gib_a_rank"] * ranks * layout.pipeline_parallel_size
        gib += own["shared_gib"] if inside > 1 else 0
        return float(round((total - gib * GIB / MIB) / total, 3)) * _vision_factor(model)
    return None


def default_fraction(
    model: SglangModel, gpu: GpuSpec, layout: Layout, tokens: int, sequences: int, eager: bool, version: str
) -> float:
    """The default of ``mem_fraction_static``.

    Args:
        model: whose attention and tower matter.
        gpu: its reported memory.
        layout: parallel sizes.
        tokens: of a prefill chunk.
        sequences: of the largest captured graph.
        eager: without graphs.
        version: whose rule it is.
    """
    own = rules(version)
    if (fraction := _earlier_fraction(own, model, gpu, layout)) is not None:
        return fraction
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
    # Prefill graphs are off in pipelines, for models with towers and for DeepSeek-V4 (arg_groups/cuda_graph_hook.py).
    graphs = own.get("prefill_graphs", True) and not eager and not model.compressed
    if graphs and layout.pipeline_parallel_size == 1 and not model.inventory.towers:
        if model.has_latent:
            reserve += r["mib_latent_prefill_graphs"]
        else:
            reserve += _prefill_graphs(tokens) * r["mib_a_prefill_graph"]
    if total > r["large_gpu_mib"]:
        reserve = max(reserve, r["large_gpu_least_mib"])
    share: float = round((total - reserve) / total, 3)
    return share * _vision_factor(model)
