"""The ranges of vLLM versions and their constants."""

from __future__ import annotations

from functools import cache

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import at_least, number
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.units import GIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, slots=True)
class VersionProfile:
    """Constants of one range of versions; sizes in bytes."""

    name: str
    span: str
    before: str | None
    """The first version of the next range; null for the newest."""
    generation: str
    gpu_memory_utilization: float
    sampler_bytes_per_logit: float
    sampler_state_bytes: float
    """What the sampler keeps of every sequence and entry of the vocabulary beside its work."""
    chunks_beyond: int | None
    """Prompts of models with a longer context than this are processed in chunks; null where none are."""
    chunk_tokens: int | None
    """max_num_batched_tokens of chunks where it does not follow from the GPU."""
    graphs_in_budget: tuple[str, ...]
    """Platforms on which the memory of captured graphs is taken from the budget."""
    batches_in_flight: int
    null_block: bool
    windows: bool
    aligned_states: bool
    """Whether states are kept at block boundaries, for prefix caching: two blocks each."""
    state_checkpoints: tuple[str, ...]
    """Mixers whose prefill leaves a checkpoint in one block more."""
    single_bytes: int
    outside_bytes: dict[str, int]
    """What a GPU holds outside of the budget's account, alone (one) or among several."""
    block_tables: int
    """Copies of the block tables that stand outside of that account, too."""
    communication_bytes: dict[str, int]
    communicators_bytes: dict[str, int]
    """What NCCL takes when more than two workers join, by their link."""
    communicators_in_budget: bool
    """Whether the budget's account begins before that."""
    communication_copies: float
    whole_pipeline_check: bool
    expanded_latent: bool
    prints_capacity: bool
    keeps_workspaces: str
    """Experts whose workspaces stay allocated: none, scaled ones, all."""
    expert_chunk: int | None
    """Most tokens that the kernels of experts take at once; null where they take any number."""
    band_bytes: dict[str, int]
    """The estimate's own error on free memory, for models without experts (dense) and with them."""

    @property
    def second_runner(self) -> bool:
        """Whether the second generation's runner serves every model."""
        return self.sampler_state_bytes > 0

    def chunks(self, context: int) -> bool:
        """Whether prompts are processed in chunks at this context length."""
        return self.chunks_beyond is not None and context > self.chunks_beyond

    def tokens_in_flight(self, pipeline_parallel_size: int, max_num_batched_tokens: int) -> int:
        """Tokens of the batches that a request may have under way; a pipeline has a batch a stage and one more."""
        batches, stages = self.batches_in_flight, pipeline_parallel_size
        return (batches if stages == 1 else max(batches, stages + 1)) * max_num_batched_tokens

    def at_least(self, version: str) -> bool:
        """Whether the range begins with this version or a later one."""
        return at_least(self.name, version)


def _before(version: str) -> str:
    """The version before another of the same line: 0.9 -> 0.8, 0.5.3 -> 0.5.2."""
    *line, last = number(version)
    return ".".join(map(str, [*line, last - 1]))


@cache
def version_profile(version: str | None) -> VersionProfile:
    """The profile of a version (``0.11.2``, ``v0.8``); null is the newest range that evidence covers.

    Raises:
        RequestError: not a version, or older than the oldest range.
    """
    data: dict[str, Any] = profile_data("vllm/versions")
    entries = data["versions"]
    if version is None:
        chosen = next(e for e in entries if e["name"] == data["default"])
    else:
        wanted = number(version)
        older = [e for e in entries if number(e["from"]) <= wanted]
        if len(wanted) < 2 or not older:
            raise RequestError(
                f"vLLM version {version!r} is not known; known from {entries[0]['from']} on, as in vllm@0.11"
            )
        chosen = older[-1]
    index = entries.index(chosen)
    before = entries[index + 1]["from"] if index + 1 < len(entries) else None
    span = f"{chosen['from']} to {_before(before)}" if before else f"{chosen['from']} or later"
    kept: dict[str, Any] = data["sampler_state"]
    fitted: dict[str, Any] = profile_data("vllm/fitted")["versions"][chosen["name"]]
    return VersionProfile(
        name=chosen["name"],
        span=span,
        before=before,
        generation=chosen["generation"],
        gpu_memory_utilization=chosen["gpu_memory_utilization"],
        sampler_bytes_per_logit=fitted["sampler_bytes_per_logit"],
        sampler_state_bytes=kept["bytes"] if at_least(chosen["name"], kept["from"]) else 0,
        chunks_beyond=chosen["chunks_beyond"],
        chunk_tokens=chosen["chunk_tokens"],
        graphs_in_budget=tuple(chosen["graphs_in_budget"]),
        batches_in_flight=chosen["batches_in_flight"],
        null_block=chosen["null_block"],
        windows=chosen["windows"],
        aligned_states=chosen["aligned_states"],
        state_checkpoints=tuple(chosen["state_checkpoints"]),
        single_bytes=int(data["single_gib"] * GIB),
        block_tables=chosen["block_tables"],
        outside_bytes={gpus: int(size * GIB) for gpus, size in data["outside_gib"].items()},
        communication_bytes={link: int(size * GIB) for link, size in data["communication_gib"].items()},
        communicators_bytes={link: int(size * GIB) for link, size in data["communicators_gib"].items()},
        communicators_in_budget=chosen["communicators_in_budget"],
        communication_copies=fitted["communication_copies"],
        whole_pipeline_check=chosen["whole_pipeline_check"],
        expanded_latent=chosen["expanded_latent"],
        prints_capacity=chosen["prints_capacity"],
        keeps_workspaces=chosen["keeps_workspaces"],
        expert_chunk=chosen["expert_chunk"],
        band_bytes={kind: int(size * GIB) for kind, size in fitted["band_gib"].items()},
    )
