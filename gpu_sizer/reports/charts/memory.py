"""What fills a GPU: weights, cache, activations and overhead as a stacked bar against what there is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gpu_sizer.planning.plan import Plan
from gpu_sizer.reports.charts.dots import named
from gpu_sizer.reports.charts.labels import text_width
from gpu_sizer.reports.charts.style import LONGEST_NAME, TALLEST, WIDTH, Chart, Theme, shortened
from gpu_sizer.reports.tables.columns import short_name
from gpu_sizer.units import GIB
from gpu_sizer.words.plan import rows

#: Inches above and below the bars, for each of them, and for the legend.
FRAME, BAR, LEGEND = 2.45, 0.78, 0.42
#: Letters of figures in bars, in points, and the room that they need around them.
FIGURE, ROOM = 10.5, 1.15


def setup_text(plan: Plan) -> str:
    """The GPUs of a plan: ``3 × RTX A6000, pipeline of 3``; says so where it is tight."""
    gpu = short_name(plan.request.gpu)
    if plan.layout is None or not plan.fits:
        return f"does not fit on up to {plan.request.max_gpus} × {gpu}"
    count = plan.gpu_count
    layout = "" if count == 1 else f", {plan.layout.describe().replace(' x ', ' × ')}"
    return f"{count} × {gpu}{layout}" + (", tight" if plan.verdict == "tight" else "")


def _title(plans: Sequence[Plan]) -> str:
    """The finding: of one bar what it holds, of several of one model where it runs, else what fills the GPUs."""
    placed = [p for p in plans if p.per_gpu is not None]
    names = list(dict.fromkeys(shortened(p.request.model.name) for p in plans))
    gpus = list(dict.fromkeys(short_name(p.request.gpu) for p in plans))
    if len(plans) == 1 or not placed:
        p = plans[0]
        if (m := p.per_gpu) is None:
            return f"{names[0]} {setup_text(p)}"
        where = f"one {gpus[0]}" if p.gpu_count == 1 else f"each of {p.gpu_count} × {gpus[0]}"
        return f"{names[0]} puts {m.needed_bytes / GIB:.1f} GiB on {where}; {m.free_bytes / GIB:.1f} GiB stay free"
    if len(names) == 1:
        first, *rest = dict.fromkeys(f"{p.gpu_count} × {short_name(p.request.gpu)}" for p in placed)
        return f"{names[0]} takes {', '.join([first, *rest[:-1]])}" + (f" or {rest[-1]}" if rest else "")
    what = ", ".join(names[:-1]) + f" and {names[-1]}"
    if len(names) > 3 or len(what) > LONGEST_NAME:
        what = "these models"
    shares = [m.weights_bytes / m.needed_bytes for p in placed if (m := p.per_gpu) is not None]
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    span = high if low == high else f"{low} to {high}"
    return f"Weights are {span} % of what {what} put on {f'each {gpus[0]}' if len(gpus) == 1 else 'each GPU'}"


def _fullest_first(plans: Sequence[Plan]) -> list[Plan]:
    return sorted(plans, key=lambda p: -p.per_gpu.needed_bytes if p.per_gpu is not None else 1)


def memory_chart(plans: Sequence[Plan], load: str, source: str) -> Chart:
    """A bar for each plan: the fullest GPU of its layout; the fullest on top."""
    plans = _fullest_first(plans)
    shown = plans[: int((TALLEST - FRAME) / BAR)]
    cut = f"; the {len(shown)} fullest of {len(plans)}" if len(shown) < len(plans) else ""
    told = []
    for p in plans:
        if (m := p.per_gpu) is None:
            told.append(f"{p.request.model.name}: {setup_text(p)}.")
            continue
        parts = ", ".join(f"{name} {size / GIB:.1f}" for name, size in rows(m))
        told.append(
            f"{p.request.model.name} on {setup_text(p)}: {parts}, free {m.free_bytes / GIB:.1f} "
            f"of {m.budget_bytes / GIB:.1f} GiB usable."
        )
    return Chart(
        title=_title(plans),
        subtitle=f"GiB on the fullest GPU of the smallest layout that starts; {load}{cut}",
        source=source,
        alt=" ".join(told),
        header=(
            *("model", "gpu", "gpus", "layout", "weights_gib", "kv_cache_gib", "activations_gib", "overhead_gib"),
            *("free_gib", "usable_gib", "visible_gib"),
        ),
        rows=tuple(_row(p) for p in plans),
        draw=partial(_draw, plans=tuple(shown)),
        width=WIDTH,
        height=FRAME + BAR * len(shown),
    )


def _row(plan: Plan) -> tuple[str, ...]:
    head = (plan.request.model.name, plan.request.gpu.id)
    if (m := plan.per_gpu) is None or plan.layout is None:
        return (*head, *[""] * 9)
    sizes = [size for _, size in rows(m)] + [m.free_bytes, m.budget_bytes, m.capacity_bytes]
    return (*head, str(plan.gpu_count), plan.layout.describe(), *(f"{s / GIB:.3f}" for s in sizes))


def _draw(axes: Any, look: Theme, plans: Sequence[Plan]) -> None:
    box, height = axes.get_position(), axes.figure.get_figheight()
    left = _widest(axes, plans)
    axes.set_position((left, box.y0, box.x1 - left, box.height - LEGEND / height))
    axes.grid(visible=False)
    axes.grid(axis="x", linewidth=0.8)
    most = max((p.per_gpu.capacity_bytes / GIB for p in plans if p.per_gpu), default=1.0)
    axes.set_xlim(0, most * 1.015)
    axes.set_ylim(len(plans) - 0.45, -0.55)
    axes.set_yticks([])
    axes.set_xlabel("GiB on one GPU", fontsize=10.5)
    axes.tick_params(labelsize=10.5)
    colors = dict(zip(("weights", "KV cache", "activations", "overhead"), look.series, strict=False))
    _legend(axes, look, colors)
    needed = partial(_needed, axes)
    for at, p in enumerate(plans):
        axes.text(
            -0.012, at - 0.13, shortened(p.request.model.name), transform=axes.get_yaxis_transform(), ha="right",
            va="center", fontsize=11.5, fontweight="bold",
        )  # fmt: skip
        axes.text(
            -0.012, at + 0.19, setup_text(p), transform=axes.get_yaxis_transform(), ha="right", va="center",
            fontsize=9.5, color=look.muted,
        )  # fmt: skip
        if (m := p.per_gpu) is None:
            continue
        start = 0.0
        for name, size in rows(m):
            width = size / GIB
            bar = axes.barh(at, width, left=start, height=0.56, color=colors[name], linewidth=0, zorder=3)
            named(bar[0], f"{p.request.model.name}: {name} {width:.1f} GiB")
            if width > needed(text := f"{width:.1f}", "bold"):
                axes.text(
                    start + width / 2, at, text, ha="center", va="center", fontsize=FIGURE,
                    color=look.paper, fontweight="bold", zorder=4,
                )  # fmt: skip
            start += width
        budget, capacity = m.budget_bytes / GIB, m.capacity_bytes / GIB
        axes.barh(at, capacity, height=0.56, facecolor="none", edgecolor=look.muted, linewidth=0.9, zorder=3.5)
        axes.plot([budget, budget], [at - 0.36, at + 0.36], color=look.ink, linewidth=2.0, zorder=5)
        free = budget - start
        text = f"{free:.1f} free"
        if free > needed(text, "normal"):
            axes.text(
                start + free / 2, at, text, ha="center", va="center", fontsize=FIGURE - 0.5, color=look.muted, zorder=4
            )


def _needed(axes: Any, text: str, weight: str) -> float:
    """GiB of the axis that a figure in a bar takes."""
    probe = axes.text(0, 0, text, fontsize=FIGURE, fontweight=weight)
    width = float(probe.get_window_extent(axes.figure.canvas.get_renderer()).width)
    probe.remove()
    low, high = axes.get_xlim()
    return float(ROOM * width * (high - low) / axes.get_window_extent().width)


def _widest(axes: Any, plans: Sequence[Plan]) -> float:
    """Where the bars begin, as a share of the figure's width: right of the longest text beside them."""
    names = (text_width(axes.figure, shortened(p.request.model.name), 11.5, "bold") for p in plans)
    setups = (text_width(axes.figure, setup_text(p), 9.5) for p in plans)
    return 0.045 + max(*names, *setups)


def _legend(axes: Any, look: Theme, colors: dict[str, str]) -> None:
    """The colours in words, in one line above the bars."""
    figure = axes.figure
    renderer = figure.canvas.get_renderer()
    scale = figure.dpi / 72
    x = 0.25 * figure.dpi
    y = axes.get_window_extent(renderer).y1 + 13 * scale
    entries = [*colors.items(), ("limit of the engine", look.ink), ("memory that a program sees", look.muted)]
    for name, color in entries:
        sign = "▎" if name.startswith("limit") else "□" if name.startswith("memory") else "■"
        text = figure.text(0, 0, f"{sign} ", color=color, fontsize=12, va="center")
        text.set_position(figure.transFigure.inverted().transform((x, y)))
        x = text.get_window_extent(renderer).x1
        text = figure.text(0, 0, name, color=look.ink, fontsize=10.5, va="center")
        text.set_position(figure.transFigure.inverted().transform((x, y)))
        x = text.get_window_extent(renderer).x1 + 11 * scale
