"""Replayed records as a table, and how far off they are."""

from __future__ import annotations

from gpu_sizer.reports.listings import Listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def _pair(record: dict[str, Any], key: str, digits: int) -> str:
    both = (record["predicted"].get(key), record["measured"].get(key))
    return " / ".join("-" if value is None else f"{value:,.{digits}f}" for value in both)


def replay_listing(records: Sequence[dict[str, Any]]) -> Listing:
    """One row a record: predicted / measured."""
    columns = (
        ("record", False),
        ("weights GiB", True),
        ("KV cache GiB", True),
        ("KV cache tokens", True),
        ("verdict", False),
        ("outcome or reason", False),
    )
    rows = []
    for r in records:
        if r["status"] != "ok":
            rows.append((r["id"], "", "", "", "skipped", r["reason"] or ""))
            continue
        rows.append(
            (
                r["id"],
                _pair(r, "weights_gib_per_gpu", 2),
                _pair(r, "available_kv_gib", 2),
                _pair(r, "kv_cache_tokens", 0),
                r["predicted"].get("verdict", "-"),
                r["measured"].get("outcome") or "",
            )
        )
    return Listing(columns, tuple(rows), list(records))


def _spread(what: str, s: dict[str, Any], unit: str) -> str:
    if not s["count"]:
        return f"{what}: no record tells it"
    median, p95, worst = (f"{s[k]:.2%}" if unit == "%" else f"{s[k]:.2f} {unit}" for k in ("median", "p95", "worst"))
    return f"{what}: median error {median}, 95th percentile {p95}, worst {worst} ({s['count']} records)"


def summary_lines(s: dict[str, Any]) -> list[str]:
    """The summary in words."""
    lines = [
        f"{s['replayed']} of {s['records']} records replayed, {s['skipped']} skipped",
        _spread("weights per GPU (CUDA)", s["weights_relative"], "%"),
        _spread("weights per GPU (ROCm)", s["weights_relative_rocm"], "%"),
        _spread("memory for the KV cache", s["available_kv_gib"], "GiB"),
        _spread("KV cache tokens", s["kv_cache_tokens_relative"], "%"),
        f"{s['served_and_accepted']} of {s['served']} that served are called fits or tight",
        f"called fits though out of memory: {', '.join(s['unsafe']) or 'none'}",
    ]
    if s["refused_though_served"]:
        lines.append(f"refused though served: {', '.join(s['refused_though_served'])}")
    return lines
