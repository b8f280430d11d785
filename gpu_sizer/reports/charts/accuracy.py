"""Predicted against measured: every replayed record as a point beside the line on which both are equal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from gpu_sizer.reports.charts.style import Chart, Theme

if TYPE_CHECKING:
    from collections.abc import Sequence

SERIES = (("weights per GPU", "o"), ("memory for the KV cache", "s"))


def _draw(axes: Any, look: Theme, points: Sequence[tuple[int, float, float]]) -> None:
    most = max(max(measured, predicted) for _, measured, predicted in points) * 1.08
    axes.plot([0, most], [0, most], color=look.muted, linewidth=1, zorder=1)
    for number, (name, marker) in enumerate(SERIES):
        chosen = [(x, y) for series, x, y in points if series == number]
        axes.scatter(
            [x for x, _ in chosen], [y for _, y in chosen], s=26, marker=marker, zorder=3, label=name,
            facecolor=look.series[number], edgecolor=look.paper, linewidth=0.5, alpha=0.85,
        )  # fmt: skip
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.set_xlabel("measured, GiB a GPU")
    axes.set_ylabel("predicted, GiB a GPU")
    axes.legend(frameon=False, loc="upper left", labelcolor=look.ink)


def accuracy_chart(records: Sequence[dict[str, Any]], source: str) -> Chart:
    """The chart of replayed records.

    Args:
        records: objects of ``replay --json``.
        source: where the records come from, in words.
    """
    keys = ("weights_gib_per_gpu", "available_kv_gib")
    points = [
        (number, float(r["measured"][key]), float(r["predicted"][key]))
        for r in records
        if r["status"] == "ok"
        for number, key in enumerate(keys)
        if r["measured"].get(key) and r["predicted"].get(key) is not None
    ]
    rows = tuple((SERIES[n][0], f"{x:.4f}", f"{y:.4f}") for n, x, y in points)
    near = sum(abs(y - x) <= max(0.5, 0.03 * x) for _, x, y in points)
    return Chart(
        title=f"{near} of {len(points)} estimates lie within 3 % or half a GiB of what servers logged",
        subtitle="GiB a GPU: what the estimate says against the log; on the line both are equal",
        source=f"Source: {source}.",
        alt=(
            f"{len(points)} points, predicted against measured GiB a GPU; {near} lie within 3 % or half a GiB of the "
            "line on which both are equal."
        ),
        header=("figure", "measured_gib", "predicted_gib"),
        rows=rows,
        draw=partial(_draw, points=points),
    )
