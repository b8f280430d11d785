"""Replayed records as a table, and how far off they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def _pair(record: dict[str, Any], key: str, digits: int) -> str:
    both = (record["predicted"].get(key), record["measured"].get(key))
    return " / ".join("-" if value is None else f"{value:,.{digits}f}" for value in both)


REPLAY_COLUMNS = (
    ("record", False),
    ("weights GiB", True),
    ("KV cache GiB", True),
    ("KV cache tokens", True),
    ("verdict", False),
    ("outcome or reason", False),
)


def replay_rows(records: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row a record under :data:`REPLAY_COLUMNS`: predicted / measured."""
    rows: list[tuple[str, ...]] = []
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
    return rows


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


def _cell(s: dict[str, Any], unit: str) -> str:
    if not s["count"]:
        return "-"
    median, p95 = (f"{s[k]:.2%}" if unit == "%" else f"{s[k]:.2f} {unit}" for k in ("median", "p95"))
    return f"{median} ({p95}; {s['count']})"


def _groups_table(title: str, groups: dict[str, dict[str, Any]]) -> list[str]:
    lines = [f"| {title} | weights per GPU | KV cache memory | KV cache tokens |", "| --- | ---: | ---: | ---: |"]
    for name, s in groups.items():
        weights = _cell(s["weights_relative"] if s["weights_relative"]["count"] else s["weights_relative_rocm"], "%")
        cache, tokens = _cell(s["available_kv_gib"], "GiB"), _cell(s["kv_cache_tokens_relative"], "%")
        lines.append(f"| {name} | {weights} | {cache} | {tokens} |")
    return lines


def deployment_lines(
    tally: dict[str, tuple[int, int]], disagreements: Sequence[tuple[str, ...]], unknown: Sequence[tuple[str, str]]
) -> list[str]:
    """The section about deployments in Markdown.

    Args:
        tally: by kind, how many agree, of how many.
        disagreements: id, what it is, what happened, what the estimate says, and the cause.
        unknown: id and why it could not be asked for.
    """
    told = {"served": "served", "oom": "ran out of memory", "recommended": "are recommended"}
    lines = [
        "## Deployments",
        "",
        "Who ran what on how many GPUs, by the public benchmarks of a GPU cloud, recipes, vendors' guides and issue",
        "threads: a layout and settings, no figures. What ran or is recommended must not be refused, what ran out of",
        "memory not be called fits.",
        "",
        *(f"- {agree} of {every} that {told[kind]} agree" for kind, (agree, every) in tally.items()),
        f"- {len(unknown)} could not be asked for (no card, no such GPU, or a layout that is not told)",
        "",
        "| deployment | what | happened | estimate | cause |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*lines, *(f"| {' | '.join(row)} |" for row in disagreements), ""]


def report_lines(
    halves: dict[str, dict[str, Any]],
    groups: dict[str, dict[str, dict[str, Any]]],
    outliers: Sequence[tuple[str, str, str]],
    skipped: Sequence[tuple[str, str]],
    chart: str,
    deployments: Sequence[str] = (),
) -> list[str]:
    """The accuracy report in Markdown.

    Args:
        halves: summaries of the test half and of the half that constants were fitted on, by name.
        groups: for each way of grouping (family, GPU, engine), summaries by name.
        outliers: record, what is beyond the bounds, and its cause.
        skipped: record and why it was not replayed.
        chart: address of the chart, relative to the report.
        deployments: the section about deployments.
    """
    versions = [name.removeprefix("vllm ") for name in groups["engine"] if re.fullmatch(r"vllm [0-9.]+", name)]
    newest = max(versions, key=lambda version: tuple(map(int, version.split("."))), default="none")
    lines = [
        "# How right the estimate is",
        "",
        "Written by `gpu-sizer replay tests/evidence/records.jsonl --report docs/accuracy.md`; do not edit.",
        "",
        "Each record is a start-up of a serving engine that somebody published: its log says what the weights took on",
        "a GPU, what was left for the KV cache, how many tokens that holds, and whether it served. The estimate is",
        "asked for the same model, layout, settings and engine version. Constants were fitted on one half of the",
        "records (by thread, the bulk source by model) and never on the other.",
        "",
        f"![Predicted against measured]({chart})",
        "",
        "Cells: median error (95th percentile; number of records). Cache memory in GiB a GPU.",
        "",
        *_groups_table("half", halves),
        "",
    ]
    for name, s in halves.items():
        unsafe = ", ".join(s["unsafe"]) or "none"
        lines.append(
            f"- {name}: {s['served_and_accepted']} of {s['served']} that served are called fits or tight; "
            f"called fits though out of memory: {unsafe}. Where utilisation and length are known, the memory for the "
            f"cache lies within the estimate's own error for {s['within_band']} of {s['settings_known']}."
        )
    for title, by_name in groups.items():
        lines += ["", f"## By {title}", "", *_groups_table(title, by_name)]
    lines += ["", "## Beyond the bounds, and why", ""]
    lines += [
        "Weights 2 % (CUDA), cache memory 0.5 GiB or 3 %, tokens 12 %, a wrong verdict. Worst first.",
        "",
        "| record | error | cause |",
        "| --- | --- | --- |",
        *(f"| {record} | {error} | {cause} |" for record, error, cause in outliers),
        "",
        *deployments,
        "## Not covered",
        "",
        *(f"- {record}: {reason}" for record, reason in skipped),
        "",
        "No record of this collection tells anything of expert parallelism over several nodes or of decode-context",
        f"parallelism, and none of vLLM after {newest}: its estimates stand on the code and on earlier records.",
    ]
    return lines
