"""The load that an engine is asked to carry, and the settings it runs under."""

from __future__ import annotations

from gpu_sizer.records import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked: null means the engine's own default.

    ``context`` is the length of one request in tokens, ``users`` how many such requests run at once.
    """

    context: int
    users: int = 1
    gpu_memory_utilization: float | None = None
    kv_cache_dtype: str | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    block_size: int | None = None
    hybrid_kv: bool = True
    """Windowed layers may keep their window alone; false asks for the whole context in every layer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the engine runs with: every default resolved for one GPU and one replica."""

    context: int
    users: int
    gpu_memory_utilization: float
    kv_cache_dtype: str
    max_num_seqs: int
    max_num_batched_tokens: int
    enforce_eager: bool
    windows: bool = True
    """Windowed layers keep their window alone, where the engine can."""
