"""How far off the replayed records are, in all."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Any

from gpu_sizer.evidence.replay import Replayed

#: Less cache than this cannot be compared as a share: the log itself rounds.
LEAST_CACHE_GIB = 0.5


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values up to which at least a share of them lies (nearest rank)."""
    return sorted(values)[max(1, ceil(share * len(values))) - 1]


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0, "median": None, "p95": None, "worst": None}
    sizes = [abs(v) for v in values]
    return {"count": len(sizes), "median": median(sizes), "p95": quantile(sizes, 0.95), "worst": max(sizes)}


def is_unsafe(r: Replayed) -> bool:
    """Whether a start-up that ran out of memory is called ``fits``."""
    return r.record.outcome in ("oom_load", "oom_kv") and r.predicted.get("verdict") == "fits"


def is_refused(r: Replayed) -> bool:
    """Whether a start-up that served is called ``does_not_fit``."""
    return r.record.outcome == "served" and r.predicted.get("verdict") == "does_not_fit"


def cache_error_gib(r: Replayed) -> float | None:
    """Predicted less measured memory for the cache, in GiB; null where one of them is missing."""
    told, ours = r.record.available_kv_gib, r.predicted.get("available_kv_gib")
    return None if told is None or ours is None or told <= LEAST_CACHE_GIB else ours - told


def is_within_band(r: Replayed) -> bool | None:
    """Whether the memory for the cache lies within the estimate's own error; null where settings are not known."""
    error = cache_error_gib(r)
    if error is None or r.record.gpu_memory_utilization is None or r.record.max_model_len is None:
        return None
    return bool(abs(error) <= r.predicted["band_gib"])


#: Beyond these a record needs a cause: weights, memory for the cache (GiB, or a share of it), tokens.
WEIGHTS_BOUND, CACHE_BOUND_GIB, CACHE_BOUND, TOKENS_BOUND = 0.02, 0.5, 0.03, 0.12


def is_rocm(r: Replayed) -> bool:
    """Whether a record ran on AMD's GPUs."""
    return "MI3" in (r.record.gpu or "").upper()


def beyond_bounds(r: Replayed) -> tuple[str, ...]:
    """What of a record lies beyond the bounds of the accuracy report; weights are bounded on CUDA alone."""
    if r.status != "ok":
        return ()
    beyond = []
    if not is_rocm(r) and abs(r.errors.get("weights_gib_per_gpu", 0)) > WEIGHTS_BOUND:
        beyond.append(f"weights {r.errors['weights_gib_per_gpu']:+.1%}")
    error = cache_error_gib(r)
    if error is not None and abs(error) > max(CACHE_BOUND_GIB, CACHE_BOUND * (r.record.available_kv_gib or 0)):
        beyond.append(f"cache {error:+.2f} GiB")
    if abs(r.errors.get("kv_cache_tokens", 0)) > TOKENS_BOUND:
        beyond.append(f"tokens {r.errors['kv_cache_tokens']:+.1%}")
    if is_refused(r):
        beyond.append("refused though served")
    if is_unsafe(r):
        beyond.append("called fits though out of memory")
    return tuple(beyond)


def summary(replayed: Sequence[Replayed]) -> dict[str, Any]:
    """Absolute errors (relative for weights and tokens, GiB for cache memory) and verdicts."""
    done = [r for r in replayed if r.status == "ok"]

    def errors(key: str, *, rocm: bool | None = None) -> list[float]:
        return [r.errors[key] for r in done if key in r.errors and (rocm is None or rocm == is_rocm(r))]

    with_verdict = [r for r in done if "verdict" in r.predicted]
    served = [r for r in with_verdict if r.record.outcome == "served"]
    within = [inside for r in done if (inside := is_within_band(r)) is not None]
    return {
        "records": len(replayed),
        "replayed": len(done),
        "skipped": len(replayed) - len(done),
        "weights_relative": _spread(errors("weights_gib_per_gpu", rocm=False)),
        "weights_relative_rocm": _spread(errors("weights_gib_per_gpu", rocm=True)),
        "available_kv_gib": _spread([e for r in done if (e := cache_error_gib(r)) is not None]),
        "kv_cache_tokens_relative": _spread(errors("kv_cache_tokens")),
        "settings_known": len(within),
        "within_band": sum(within),
        "served": len(served),
        "served_and_accepted": sum(not is_refused(r) for r in served),
        "unsafe": [r.record.id for r in with_verdict if is_unsafe(r)],
        "refused_though_served": [r.record.id for r in served if is_refused(r)],
    }
