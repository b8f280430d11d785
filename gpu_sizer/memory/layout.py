"""A parallel layout: how many ranks, and which part of the model each holds."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

from gpu_sizer.errors import RequestError
from gpu_sizer.load import setting, settings_of
from gpu_sizer.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: The largest parallel size.
MOST_RANKS = 1 << 16


@dataclass(frozen=True, slots=True)
class Layout:
    """Tensor, pipeline, data and expert parallelism, named as in vLLM."""

    tensor_parallel_size: int = setting(1, "Tensor parallel size.", flag="--tp", most=MOST_RANKS)
    pipeline_parallel_size: int = setting(1, "Pipeline parallel size.", flag="--pp", most=MOST_RANKS)
    data_parallel_size: int = setting(1, "Replicas (data parallel size).", flag="--dp", most=MOST_RANKS)
    expert_parallel: bool = setting(False, "Expert parallel.", flag="--ep")
    decode_context_parallel_size: int = setting(
        1, "Decode context parallel size, within --tp (vLLM).", flag="--dcp", most=MOST_RANKS
    )
    """Tensor-parallel ranks over which the tokens of each cache are spread instead of repeated."""
    _hash: int = field(init=False, compare=False, repr=False)
    """Layouts are looked up more often than anything else."""

    def __post_init__(self) -> None:
        for name in (
            "tensor_parallel_size",
            "pipeline_parallel_size",
            "data_parallel_size",
            "decode_context_parallel_size",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_RANKS:
                raise RequestError(f"{name} must be a whole number of at least 1, not {value!r}", about="question")
        object.__setattr__(self, "_hash", hash(self._sizes()))

    def _sizes(self) -> tuple[int, int, int, bool, int]:
        replicas, experts = self.data_parallel_size, self.expert_parallel
        dcp = self.decode_context_parallel_size
        return self.tensor_parallel_size, self.pipeline_parallel_size, replicas, experts, dcp

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Layout) and self._sizes() == other._sizes())

    @property
    def gpu_count(self) -> int:
        """GPUs in all."""
        return self.tensor_parallel_size * self.pipeline_parallel_size * self.data_parallel_size

    @property
    def expert_ranks(self) -> int:
        """Ranks over which whole experts are spread; 1 where experts are cut like other layers."""
        return self.tensor_parallel_size * self.data_parallel_size if self.expert_parallel else 1

    def describe(self) -> str:
        """In words: ``tensor parallel 4 x pipeline 2``."""
        parts = []
        if self.tensor_parallel_size > 1:
            parts.append(f"tensor parallel {self.tensor_parallel_size}")
        if self.pipeline_parallel_size > 1:
            parts.append(f"pipeline of {self.pipeline_parallel_size}")
        if self.data_parallel_size > 1:
            parts.append(f"{self.data_parallel_size} replicas")
        if self.expert_parallel:
            parts.append("expert parallel")
        if self.decode_context_parallel_size > 1:
            parts.append(f"decode context parallel {self.decode_context_parallel_size}")
        return " x ".join(parts) or "one GPU"

    def model_dump(self) -> dict[str, int | bool]:
        """The JSON object of a layout; decode context parallelism is named where there is any."""
        sizes: dict[str, int | bool] = {
            "tensor_parallel_size": self.tensor_parallel_size,
            "pipeline_parallel_size": self.pipeline_parallel_size,
            "data_parallel_size": self.data_parallel_size,
            "expert_parallel": self.expert_parallel,
        }
        if self.decode_context_parallel_size > 1:
            sizes["decode_context_parallel_size"] = self.decode_context_parallel_size
        return sizes


#: A layout, made once for all models: they have most of them in common.
layout_of = lru_cache(maxsize=1 << 14)(Layout)


def replica_of(layout: Layout) -> Layout:
    """The layout of one of its replicas, each of which has all weights; groups that share experts are one."""
    if layout.data_parallel_size == 1 or layout.expert_parallel:
        return layout
    tp, pp, dcp = layout.tensor_parallel_size, layout.pipeline_parallel_size, layout.decode_context_parallel_size
    return layout_of(tp, pp, 1, False, dcp)


#: The parallel sizes as settings of commands and bodies.
LAYOUT = settings_of(Layout)


def bounds_of(sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """First and past-the-last layer of each stage, given how many layers each holds."""
    stops = tuple(accumulate(sizes))
    return tuple(zip((0, *stops), stops, strict=False))


@lru_cache(maxsize=1 << 12)
def stage_bounds(layers: int, stages: int) -> tuple[tuple[int, int], ...]:
    """First and past-the-last layer of each pipeline stage.

    ``layers // stages`` each; those left over go one each to the stages from the last but one backwards
    (vLLM ``distributed/utils.py: get_pp_indices``): 32 layers over 3 stages are 11, 11, 10.
    """
    base, left = divmod(layers, stages)
    sizes = [base] * stages
    for i in range(2, left + 2):
        sizes[-i] += 1
    return bounds_of(sizes)
