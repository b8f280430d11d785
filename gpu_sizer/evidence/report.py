"""The figures of the accuracy report: records by half, family, GPU and engine, and the outliers with their causes."""

from __future__ import annotations

import re
from collections import defaultdict

from gpu_sizer.evidence.deployments import Judged
from gpu_sizer.evidence.halves import is_held_out
from gpu_sizer.evidence.replay import Replayed
from gpu_sizer.evidence.summary import beyond_bounds, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


def _family(r: Replayed) -> str:
    name = r.record.model.rpartition("/")[2].lower()
    match = re.match(r"(?:meta-|nvidia-)?([a-z]+)", name)
    return match[1] if match else name


def _gpu(r: Replayed) -> str:
    text = re.sub(r"\(.*|NVIDIA ", "", r.record.gpu or "not told").strip()
    return re.split(r"[ -](?:80G|40G|16G|80GB|40GB|96GB)", text)[0].removesuffix(" HBM3").strip()


def _engine(r: Replayed) -> str:
    version = re.match(r"v?(\d+\.\d+)", r.record.engine_version or "")
    return f"{r.record.engine} {version[1] if version else (r.record.engine_generation or 'version not told')}"


def _by(replayed: Sequence[Replayed], key: Callable[[Replayed], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Replayed]] = defaultdict(list)
    for r in replayed:
        if r.status == "ok":
            groups[key(r)].append(r)
    return {name: summary(groups[name]) for name in sorted(groups)}


def halves(replayed: Sequence[Replayed]) -> dict[str, dict[str, Any]]:
    """Summaries of the test half and of the training half."""
    return {
        "test half (never fitted on)": summary([r for r in replayed if is_held_out(r.record)]),
        "training half": summary([r for r in replayed if not is_held_out(r.record)]),
    }


def groups(replayed: Sequence[Replayed]) -> dict[str, dict[str, dict[str, Any]]]:
    """Summaries by model family, GPU and engine version."""
    ways: dict[str, Callable[[Replayed], str]] = {"model family": _family, "GPU": _gpu, "engine": _engine}
    return {title: _by(replayed, key) for title, key in ways.items()}


def _size(r: Replayed) -> float:
    return max((abs(e) for e in r.errors.values()), default=0.0)


def outliers(replayed: Sequence[Replayed], causes: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Records beyond the bounds, the worst first: id, what is beyond, cause."""
    beyond = sorted((r for r in replayed if beyond_bounds(r)), key=lambda r: (-_size(r), r.record.id))
    return [(r.record.id, "; ".join(beyond_bounds(r)), causes.get(r.record.id, "not known")) for r in beyond]


def disagreements(judged: Sequence[Judged], causes: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Deployments on which the estimate disagrees: id, what, what happened, what the estimate says, cause."""
    rows: list[tuple[str, ...]] = []
    for j in judged:
        d = j.deployment
        if not j.agrees:
            what = f"{d.hf_model} on {d.gpu_count} x {d.gpu}, {d.engine or 'engine not told'}"
            said = (j.verdict or "").replace("_", " ")
            rows.append((d.id, what, d.kind, said, causes.get(d.id, "not known")))
    return rows


def not_judged(judged: Sequence[Judged]) -> list[tuple[str, str]]:
    """Deployments that could not be asked for, and why."""
    return [(j.deployment.id, j.reason or "") for j in judged if j.verdict is None]


def skipped(replayed: Sequence[Replayed]) -> list[tuple[str, str]]:
    """Records that were not replayed, and why."""
    return [(r.record.id, r.reason or "") for r in replayed if r.status != "ok"]
