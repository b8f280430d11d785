"""What a replay of benchmarks found, in rows and sentences."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

BENCHMARK_COLUMNS = (
    ("benchmark", False),
    ("tokens/s estimated", True),
    ("measured", True),
    ("ms per token estimated", True),
    ("measured", True),
    ("note", False),
)
#: What a figure is called.
WORDS = {"output_tok_s": "output tokens a second", "tpot_ms": "time per token", "ttft_ms": "time to the first token"}


def _span(span: dict[str, float] | None) -> str:
    return f"{span['about']:,.4g} ({span['low']:,.4g} to {span['high']:,.4g})" if span else "-"


def _told(measured: dict[str, float], *keys: str) -> str:
    value = next((measured[k] for k in keys if measured.get(k)), None)
    return f"{value:,.4g}" if value is not None else "-"


def benchmark_rows(replayed: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row a benchmark."""
    return [
        (
            r["id"],
            _span(r["predicted"].get("output_tok_s")),
            _told(r["measured"], "output_tok_s"),
            _span(r["predicted"].get("tpot_ms")),
            _told(r["measured"], "tpot_ms_mean", "tpot_ms_median"),
            r["impossible"] or r["reason"] or "",
        )
        for r in replayed
    ]


def figures_lines(summary: dict[str, Any]) -> list[str]:
    """The errors in sentences."""
    lines = [f"{summary['estimated']} of {summary['benchmarks']} benchmarks estimated"]
    for key, e in summary["figures"].items():
        lines.append(
            f"{WORDS[key]} ({e['n']}): half within {e['median_error']:.1%}, {e['within_30_percent']:.0%} within 30 %, "
            f"{e['in_range']:.0%} in the range that is printed"
        )
    if summary["impossible"]:
        lines.append(f"{summary['impossible']} measured better than physics allows")
    if summary["keys_not_used"]:
        lines.append(f"keys that nothing is made of: {', '.join(summary['keys_not_used'])}")
    return lines
