"""The article's own sections: every sentence is computed from the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpu_sizer.engines.registry import engine
from gpu_sizer.load import ENGINE
from gpu_sizer.planning.levers import FEW_SEQUENCES
from gpu_sizer.records import replace
from gpu_sizer.reports.article.draft import Figure, Section
from gpu_sizer.reports.article.findings import SHORT, Findings, Taken
from gpu_sizer.reports.charts.demand import Demand, Exceptional, months
from gpu_sizer.reports.charts.growth import MARGIN
from gpu_sizer.reports.tables.columns import plural, short_name
from gpu_sizer.reports.tables.formats.md import write
from gpu_sizer.reports.tables.grid import Grid, Group
from gpu_sizer.reports.tables.spec import TableSpec
from gpu_sizer.units import GIB

#: Names that a sentence lists before it counts the rest.
MOST_NAMES = 12
#: Rows of a table that a page holds, and how many stand in the draft where there are more.
MOST_TABLE, SHOWN_OF_LONG = 100, 50


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """``a, b and c``; beyond some, how many more."""
    items = list(names)
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + f" and {items[-1]}" if items else ""


def _gib(size: int) -> str:
    value = size / GIB
    return f"{value:,.0f} GiB" if value >= 10 else f"{value:.1f} GiB"


def on_gpus(findings: Findings, count: int | None) -> str:
    """``1 RTX A6000``, ``4 RTX A6000s``."""
    return f"1 {short_name(findings.gpu)}" if count == 1 else f"{count} {plural(findings.gpu)}"


def standfirst(findings: Findings) -> str:
    """Models, dates and the range of counts, in two sentences."""
    days = sorted(m.card.released for m in findings.models if m.card.released)
    several = len(findings.models) > 1
    span = ""
    if days:
        span = f", released from {days[0]} to {days[-1]}" if days[0] != days[-1] else f", released on {days[0]}"
    text = f"{len(findings.models)} open model{'s' if several else ''}{span}, "
    text += "each unquantized as its authors released it." if several else "unquantized as its authors released it."
    if not findings.placed:
        return text
    largest, alone = findings.largest, len(findings.on_one)
    if not several or (largest.count == 1 and len(findings.placed) == len(findings.models)):
        return f"{text} {'Each' if several else 'It'} takes {on_gpus(findings, largest.count)}."
    run = f"{alone} of them run" if alone != 1 else "1 of them runs"
    ends = f"{largest.card.name} takes most: {largest.count}"
    if beyond := findings.beyond:
        verb = "takes" if len(beyond) == 1 else "take"
        names = listed([m.card.name for m in beyond])
        ends = f"{names} {verb} more than the {beyond[0].plan.request.max_gpus} that were searched"
    return (
        f"{text} {run if alone else 'None of them runs'} on one {short_name(findings.gpu)}, three quarters take at "
        f"most {findings.upper_quartile}, and {ends}."
    )


def trend_section(findings: Findings, demand: Demand, figure: Figure) -> Section:
    """The thesis: ever more GPUs."""
    steps = [f"{m.name} took {m.value:.0f} ({m.day})" for m in demand.records]
    told = [f"The record{'s' if len(steps) > 1 else ''} in {plural(findings.gpu)}: {listed(steps)}."]
    if demand.trend is not None:
        told.append(
            f"A line through the logarithms of these {demand.trend.points} records doubles every "
            f"{months(demand.trend.doubling_months)}. That is a description of {demand.trend.points} points, no law."
        )
    if beyond := findings.beyond:
        most = beyond[0].plan.request.max_gpus
        told.append(f"On no number of GPUs up to {most}: {listed([m.card.name for m in beyond])}.")
    if eased := findings.eased:
        told.append(
            "Not with the engine’s own settings, but with fewer sequences at once: "
            + listed([f"{m.card.name} ({on_gpus(findings, n)} with --max-num-seqs {FEW_SEQUENCES})" for m, n in eased])
            + "."
        )
    return Section("Ever more GPUs", tuple(told), (figure,))


def exceptions_section(findings: Findings, exceptions: Sequence[Exceptional]) -> Section:
    """Small models that are as good."""
    items = [
        f"{e.name} takes {on_gpus(findings, e.gpus)}; "
        + (f"its release of {e.day}" if e.release == e.name else f"{e.release} ({e.day}, of the same shape)")
        + f" scored {e.score:.0f} points. The least "
        f"demanding earlier model of that score, {e.instead}, takes {e.instead_gpus}."
        for e in exceptions
    ]
    intro = (
        "Not every good model is large. On the day of their release these took at most half the GPUs of any earlier "
        "model of their Chatbot Arena score:"
    )
    none = "No model took, on the day of its release, at most half the GPUs of every earlier one of its score."
    return Section("The exceptions: small and as good", (intro if items else none,), (), tuple(items))


def table_section(grid: Grid) -> Section:
    """The table with its notes; of a long one its end, with the files that have it whole."""
    (group, *more) = grid.groups
    if more or len(group.rows) <= MOST_TABLE:
        return Section("The table", table=write(grid))
    told = (
        f"The last {SHOWN_OF_LONG} of its {len(group.rows)} rows. The whole of it stands beside this draft: table.html "
        "to read, table.csv and table.xlsx to reckon with, table.tex to print."
    )
    end = replace(grid, groups=(Group(group.title, group.rows[-SHOWN_OF_LONG:]),))
    return Section("The table", (told,), table=write(end))


def memory_section(findings: Findings, figure: Figure) -> Section:
    """What fills the GPUs."""
    largest, cache = findings.largest, findings.heaviest_cache
    told = [
        f"Weights come first: {largest.card.name} keeps {_gib(largest.weights_bytes)} of them, and "
        f"{_gib(largest.cache_bytes)} of cache for one request of {largest.plan.request.context:,} tokens."
    ]
    if cache is not largest:
        told[0] += (
            f" Beside its weights, the cache is largest in {cache.card.name}: {_gib(cache.cache_bytes)} for one "
            f"request of {cache.plan.request.context:,} tokens, with {_gib(cache.weights_bytes)} of weights."
        )
    if saved := findings.pipelined:
        names = [
            f"{m.card.name} ({m.count} against {m.tensor_count or 'more than ' + str(m.plan.request.max_gpus)})"
            for m in saved
        ]
        told.append(
            "Tensor parallelism must divide a model's heads and widths, a pipeline only its layers. Models that a "
            f"pipeline, alone or together with tensor parallelism, brings onto fewer GPUs: {listed(names)}."
        )
    return Section("What fills them", tuple(told), (figure,))


def _length(findings: Findings) -> str:
    """For which length of context the counts hold."""
    lengths = {m.plan.request.context for m in findings.models}
    full = all(m.plan.request.context == m.card.context.native for m in findings.models)
    return f"All counts are for {'the full context length' if full else f'{max(lengths):,} tokens of context'}."


def context_section(findings: Findings, model: Taken | None, figure: Figure) -> Section:
    """What the length of context costs."""
    if model is None:
        told = _length(findings)
        if any(m.plan.request.context > SHORT for m in findings.models):
            told += f" At {SHORT:,} tokens none of these models takes fewer GPUs."
    else:
        told = (
            f"{_length(findings)} That costs most in {model.card.name}: {on_gpus(findings, model.count)} for "
            f"{model.plan.request.context:,} tokens, {model.short_count} for {SHORT:,}."
        )
    return Section("What context costs", (told,), (figure,))


def matrix_section(findings: Findings, shown: int, large: int, figure: Figure) -> Section:
    """Other GPUs: the newest ``shown`` of the ``large`` models that take more than one."""
    which = "The models" if shown == large else f"The {shown} newest of the {large} models"
    taking = f" that take more than one {short_name(findings.gpu)}" if large else ""
    told = f"{which if large else 'The models'}{taking}, on GPUs of other sizes, the newest last."
    return Section("On other GPUs", (told,), (figure,))


def methods_section(
    findings: Findings, spec: TableSpec, grid: Grid, trend: bool, left_out: Sequence[str], notes: Sequence[str]
) -> Section:
    """How the numbers came about, and what is missing."""
    return Section("Methods", (), (), tuple(_methods(findings, spec, grid, trend, left_out, notes)))


def _methods(
    findings: Findings, spec: TableSpec, grid: Grid, trend: bool, left_out: Sequence[str], notes: Sequence[str]
) -> Iterator[str]:
    name = engine(spec.load.get("engine", ENGINE.default)).describe()
    memory = findings.gpu.memory
    yield (
        f"A count is the smallest number of GPUs for which {name} accepts a layout (tensor parallel, pipeline, expert "
        "parallel, or several of them) and in which every GPU holds its weights, its cache, its activations and the "
        "engine’s own memory. The engine is today’s, also for models of earlier days."
    )
    yield f"The load: {grid.assumed}."
    yield (
        "Unquantized means the data type in which the weights were released. Sizes come from an inventory of every "
        "tensor of a model, not from its name."
    )
    yield (
        f"Of the {memory.marketed_gb} GB in the name of the {short_name(findings.gpu)} a program sees "
        f"{memory.visible_mib / 1024:.1f} GiB ({memory.visible_basis}); the engine keeps to its share of these."
    )
    if findings.tight:
        names = [f"{m.card.name} ({m.plan.safe_gpu_count or 'none'} for certain)" for m in findings.tight]
        yield (
            "Each estimate carries an error. Where the room left is smaller than that, the count is called tight and "
            f"the next certain one is named: {listed(names)}."
        )
    if trend:
        yield (
            "The trend is the least-squares line through the base-2 logarithms of the records: models that took more "
            f"GPUs (by at least {MARGIN - 1:.0%}) than every earlier one in the table. A larger one that is missing "
            "here would change it."
        )
    if left_out:
        yield f"Left out, since no card describes them: {listed(left_out, 24)}."
    yield from notes
    yield (
        "Release dates, configurations and ratings have their sources in the model cards (gpu-sizer show MODEL). "
        "table.yaml remakes the table byte for byte from the same cards: gpu-sizer table --spec table.yaml."
    )
