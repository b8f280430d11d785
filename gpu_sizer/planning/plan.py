"""What an answer consists of: a plan, its alternatives, and why fewer GPUs do not do."""

from __future__ import annotations

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.load import Settings
from gpu_sizer.memory.estimate import LayoutMemory, RankMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.request import Request
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.memory.estimate import Verdict
    from gpu_sizer.timing.answer import Speed


#: The kind of the fewest GPUs whose estimate reaches the rates that are asked for, where it takes more to be sure.
ABOUT_FAST_ENOUGH = "about fast enough"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another count that people ask for, and its layout: ``kind`` says which."""

    kind: str
    gpu_count: int
    layout: Layout
    per_gpu: RankMemory
    verdict: Verdict
    speed: Speed | None = None
    """Where its speed is what speaks for it."""

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "kind": self.kind,
            "gpu_count": self.gpu_count,
            "layout": self.layout.model_dump(),
            "per_gpu": self.per_gpu.model_dump(),
            "verdict": self.verdict,
            **({"speed": self.speed.model_dump()} if self.speed else {}),
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """A count that does not do, the layout that came nearest, and why.

    ``missing_bytes`` is what each of its GPUs lacks; null where memory is not what is lacking.
    """

    gpu_count: int
    layout: Layout | None
    reason: str
    missing_bytes: int | None = None

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "gpu_count": self.gpu_count,
            "layout": self.layout.model_dump() if self.layout else None,
            "reason": self.reason,
            "missing_bytes": self.missing_bytes,
        }


@dataclass(frozen=True, slots=True)
class Tuned:
    """Fewer GPUs under lower settings that still carry the load."""

    gpu_count: int
    layout: Layout
    settings: dict[str, Any]
    verdict: Verdict
    per_gpu: RankMemory

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "gpu_count": self.gpu_count,
            "layout": self.layout.model_dump(),
            "settings": dict(self.settings),
            "verdict": self.verdict,
            "per_gpu": self.per_gpu.model_dump(),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The fewest GPUs on which a model serves a load, or the finding that it does not.

    ``memory`` is the chosen layout (null where none fits), ``gpu_count`` its GPUs, ``safe_gpu_count`` the fewest
    that fit with room beyond the estimate's own error.
    """

    #: Looked for when they are first read.
    LATER = ("reason", "alternatives", "rejections", "tuned", "context_counts", "warnings")

    request: Request
    settings: Settings
    verdict: Verdict
    memory: LayoutMemory | None
    safe_gpu_count: int | None
    memory_floor: int
    reason: str | None
    total_parameters: int
    active_parameters: int
    active_without_embedding: int
    checkpoint_parameters: int
    weights_format: str
    alternatives: tuple[Alternative, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    tuned: Tuned | None = None
    context_counts: tuple[tuple[int, int | None], ...] = ()
    warnings: tuple[str, ...] = ()
    speed: Speed | None = None
    """Of the chosen layout, where a speed was asked for."""
    sizes_told: bool = False
    """Whether sizes of the layout were told, rather than found: another layout is no answer then."""

    @property
    def fits(self) -> bool:
        """Whether every GPU of the layout holds its share, and rates that are asked for are reached."""
        return self.memory is not None and self.memory.within_budget and (self.speed is None or self.speed.is_enough)

    @property
    def gpu_count(self) -> int | None:
        """GPUs of the chosen layout; null where none fits."""
        return self.memory.layout.gpu_count if self.memory and self.fits else None

    @property
    def about_fast_enough(self) -> Alternative | None:
        """The fewest GPUs that are probably fast enough, where fewer are than surely; null where none are."""
        return next((a for a in self.alternatives if a.kind == ABOUT_FAST_ENOUGH), None)

    @property
    def layout(self) -> Layout | None:
        """The chosen layout."""
        return self.memory.layout if self.memory else None

    @property
    def per_gpu(self) -> RankMemory | None:
        """The fullest GPU of the layout."""
        return self.memory.per_gpu if self.memory else None

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the cache of one replica would hold in all."""
        return self.memory.kv_cache_tokens if self.memory else 0

    @property
    def max_concurrent_requests(self) -> float:
        """Full-length requests that the cache would hold at once."""
        return self.memory.max_concurrent_requests if self.memory else 0.0

    @property
    def band_bytes(self) -> int:
        """The estimate's own error on the free memory, in bytes."""
        return self.memory.band_bytes if self.memory else 0

    def to_dict(self) -> dict[str, Any]:
        """The same as :meth:`model_dump`, by the name that data frames and notebooks look for."""
        return self.model_dump()

    def _stages(self) -> dict[str, Any]:
        """One GPU of each pipeline stage, where the stages differ."""
        if self.memory is None or len(set(self.memory.stages)) < 2:
            return {}
        return {"stages": [s.model_dump() for s in self.memory.stages]}

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        r = self.request
        return {
            "model": r.model.id,
            "gpu": r.gpu.id,
            "engine": r.engine,
            "engine_profile": r.get_engine().label,
            "fits": self.fits,
            "verdict": self.verdict,
            "gpu_count": self.gpu_count,
            "safe_gpu_count": self.safe_gpu_count,
            "memory_floor": self.memory_floor,
            "reason": self.reason,
            "tuned": self.tuned.model_dump() if self.tuned else None,
            "context_counts": {str(c): n for c, n in self.context_counts},
            "layout": self.layout.model_dump() if self.layout else None,
            "assumptions": r.assumptions(self.settings, self.weights_format),
            "per_gpu": self.per_gpu.model_dump() if self.per_gpu else None,
            **self._stages(),
            "band_bytes": self.band_bytes,
            "kv_cache_tokens": self.kv_cache_tokens,
            "max_concurrent_requests": round(self.max_concurrent_requests, 2),
            "parameters": {
                "total": self.total_parameters,
                "active": self.active_parameters,
                "active_without_embedding": self.active_without_embedding,
                "checkpoint": self.checkpoint_parameters,
            },
            "alternatives": [a.model_dump() for a in self.alternatives],
            "rejected": [x.model_dump() for x in self.rejections],
            "warnings": list(self.warnings),
            **({"speed": self.speed.model_dump()} if self.speed else {}),
        }


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether one layout fits: the answer of ``estimate``."""

    request: Request
    settings: Settings
    memory: LayoutMemory
    total_parameters: int
    active_parameters: int
    active_without_embedding: int
    checkpoint_parameters: int
    weights_format: str
    warnings: tuple[str, ...] = ()
    tuned: Tuned | None = None
    """Lower settings under which the layout fits, where it does not at those asked for."""
    hardware: tuple[GpuSpec, ...] = ()
    """The GPUs one by one where they differ; empty where all are the request's."""
    speed: Speed | None = None
    """Where a speed was asked for, and the layout fits."""

    @property
    def verdict(self) -> Verdict:
        """fits, tight or does_not_fit."""
        return self.memory.verdict

    @property
    def fits(self) -> bool:
        """Whether nothing is missing: a tight layout that is short by less than the error does not fit, nor does one
        that is too slow for the rates that are asked for.
        """
        return self.memory.within_budget and (self.speed is None or self.speed.is_enough)

    @property
    def reason(self) -> str | None:
        """Why it does not fit: the engine's rule, what the memory lacks, or the speed that it has."""
        if self.speed is None or self.fits:
            return self.memory.reason
        from gpu_sizer.planning.too_slow import too_slow

        what = "too slow" if self.speed.verdict == "misses" else "not surely fast enough"
        return f"it is {what}: {too_slow(self.speed, self.request.load)}"

    @property
    def layout(self) -> Layout:
        """The layout asked about."""
        return self.memory.layout

    @property
    def gpu_count(self) -> int:
        """Its GPUs."""
        return self.memory.layout.gpu_count

    @property
    def per_gpu(self) -> RankMemory | None:
        """The fullest GPU; null where the engine refuses the layout."""
        return self.memory.per_gpu

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the cache of one replica would hold in all."""
        return self.memory.kv_cache_tokens

    @property
    def max_concurrent_requests(self) -> float:
        """Full-length requests that the cache would hold at once."""
        return self.memory.max_concurrent_requests

    def as_plan(self) -> Plan:
        """The same as a plan, for what prints plans."""
        count = self.gpu_count
        return Plan(
            request=self.request,
            settings=self.settings,
            verdict=self.verdict,
            memory=self.memory,
            safe_gpu_count=count if self.verdict == "fits" and self.fits else None,
            memory_floor=min(count, 1),
            reason=self.reason,
            total_parameters=self.total_parameters,
            active_parameters=self.active_parameters,
            active_without_embedding=self.active_without_embedding,
            checkpoint_parameters=self.checkpoint_parameters,
            weights_format=self.weights_format,
            tuned=self.tuned,
            warnings=self.warnings,
            speed=self.speed,
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as :meth:`model_dump`, by the name that data frames and notebooks look for."""
        return self.model_dump()

    def model_dump(self) -> dict[str, Any]:
        """The JSON object: a plan whose ``gpu_count`` is the one asked; GPUs that differ are listed one by one."""
        dumped = {**self.as_plan().model_dump(), "gpu_count": self.gpu_count, "memory_floor": None}
        if self.hardware:
            dumped["gpu"] = "+".join(f"{n}x{gpu.id}" for gpu, n in self.kinds())
            dumped["gpus"] = [
                {"gpu": gpu.id, "layers": layers, "per_gpu": r.model_dump()}
                for gpu, layers, r in zip(self.hardware, self.memory.layer_split, self.memory.stages, strict=False)
            ]
        return dumped

    def kinds(self) -> list[tuple[GpuSpec, int]]:
        """Each kind of GPU and how many there are, in their order."""
        kinds: dict[str, tuple[GpuSpec, int]] = {}
        for gpu in self.hardware or (self.request.gpu,) * self.gpu_count:
            kinds[gpu.id] = (gpu, kinds.get(gpu.id, (gpu, 0))[1] + 1)
        return list(kinds.values())
