"""Speeds of layouts handed to the chart ``frontier``: what each GPU gives in all against what each user gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.reports.charts.context import users_text
from gpu_sizer.reports.charts.interactivity import FrontierLine, FrontierPoint, frontier, frontier_chart
from gpu_sizer.reports.charts.of_models import source
from gpu_sizer.reports.charts.of_speed import bars_of, drawn, lengths, more_users
from gpu_sizer.reports.tables.columns import short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.reports.charts.style import Chart
    from gpu_sizer.reports.charts.text import Bars
    from gpu_sizer.reports.tables.spec import TableSpec


def lines(card: ModelCard, gpus: Sequence[GpuSpec], spec: TableSpec) -> list[FrontierLine]:
    """A line for each kind of GPU on which the model fits, within one machine.

    Raises:
        RequestError: too many lines, none that can be drawn, or a GPU of whose speed nothing is known.
    """
    return drawn(card, gpus, spec, _line, "in no machine of these GPUs")


def _line(card: ModelCard, gpu: GpuSpec, load: dict[str, object]) -> FrontierLine:
    return FrontierLine(short_name(gpu), frontier(_points(card, gpu, load)))


def _points(card: ModelCard, gpu: GpuSpec, load: dict[str, object]) -> Iterator[FrontierPoint]:
    request = make_request(card, gpu, **load)  # type: ignore[arg-type]  # a table's load options
    search = Search(request)
    for count in range(search.start(), request.gpus_per_node + 1):
        for layout in search.accepted(count, request.layouts):
            # Replicas give each user and each GPU what one of them does.
            replicas = layout.data_parallel_size > 1 and not layout.expert_parallel
            if replicas or not search.evaluate(layout).within_budget:
                continue
            for users, fast, speed, user in more_users(request, layout):
                in_all = speed.tokens_per_second.about / count
                held = fast.memory.max_concurrent_requests
                yield FrontierPoint(count, layout.describe() or "one GPU", users, user.about, in_all, held)


def chart(card: ModelCard, lines: Sequence[FrontierLine], spec: TableSpec) -> Chart:
    """The chart of a model."""
    prompt, answer = lengths(spec)
    load = f"Prompts of {prompt:,} and answers of {answer:,} tokens, within one machine"
    return frontier_chart(card.name, lines, load, source(spec))


def bars(lines: Sequence[FrontierLine], chart: Chart) -> Bars:
    """The same for a terminal."""
    rows = [
        (
            f"{p.gpus} × {line.name}, {users_text(p.users)}",
            p.per_gpu,
            f"{p.per_gpu:,.0f} a GPU, {p.each:.1f} each",
        )
        for line in lines
        for p in line.points
    ]
    return bars_of(rows, chart)
