"""Plans of the catalogue's models handed to the charts: ``demand``, ``memory``, ``context``, ``matrix``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gpu_sizer import __version__
from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.errors import RequestError, UncountableError
from gpu_sizer.load import ENGINE
from gpu_sizer.planning.levers import fewest_with_few_sequences
from gpu_sizer.planning.plan import Plan
from gpu_sizer.planning.uncounted import Uncounted
from gpu_sizer.reports.charts.context import Line, context_chart, rounded, users_text
from gpu_sizer.reports.charts.demand import Demand, Exceptional, demand, title
from gpu_sizer.reports.charts.growth import Measured
from gpu_sizer.reports.charts.matrix import MOST_COLUMNS, NOT_COUNTED, Count, Counted
from gpu_sizer.reports.charts.style import Chart
from gpu_sizer.reports.charts.text import Bar, Bars
from gpu_sizer.reports.tables.build import load_words
from gpu_sizer.reports.tables.columns import plural, short_name
from gpu_sizer.reports.tables.counting import Counts
from gpu_sizer.reports.tables.selection import select_models
from gpu_sizer.reports.tables.spec import TableSpec
from gpu_sizer.units import GIB
from gpu_sizer.words.uncounted import uncounted_text

if TYPE_CHECKING:
    from gpu_sizer.arena.standings import Table

#: GPUs of the matrix where none are named: one of each size that people rent.
MATRIX_GPUS = ("l4", "rtx-4090", "rtx-a6000", "l40s", "a100-80gb", "h100-80gb", "h200", "b200", "mi300x")
#: Steps of one line at most: a model of a million tokens may need another GPU dozens of times.
MOST_STEPS = 64


def load_text(spec: TableSpec, counts: Counts) -> str:
    """The load in words, for a subtitle."""
    return ", ".join(w for w in load_words(spec, counts) if not w.startswith("utilization"))


def source(spec: TableSpec, uncounted: Sequence[Uncounted] = ()) -> str:
    """The line below a chart: where its figures come from, and what could not be counted."""

    name = engine(spec.load.get("engine", ENGINE.default)).describe()
    day = f", models released by {spec.as_of}" if spec.as_of else ""
    told = f"Source: gpu_sizer {__version__}, sized as {name} allocates{day}; sources in its model cards."
    return f"{told} {uncounted_text(uncounted)}".rstrip()


def _plans(
    spec: TableSpec, cards: Catalogue, counts: Counts, gpu: GpuSpec, advance: Callable[[int], None]
) -> list[tuple[ModelCard, Plan]]:
    """Every selected model that takes the load and can be counted."""
    pairs = []
    for card in select_models(spec, cards).models:
        plan = counts.plan(card, gpu)
        if not isinstance(plan, str):
            pairs.append((card, plan))
        advance(1)
    if not pairs and counts.uncounted:
        raise UncountableError(counts.uncounted[0].reason, about="model")
    if not pairs:
        raise RequestError("none of these models takes the context asked", about="context")
    return pairs


def exceptions(plans: Sequence[tuple[ModelCard, Plan]], table: Table) -> tuple[Exceptional, ...]:
    """Models that, on the day of their release, did on far fewer GPUs what had taken many."""
    from gpu_sizer.arena.frontier import capability

    counts = {card.id: plan.gpu_count for card, plan in plans}
    names = {card.id: card.name for card, _ in plans}
    able = capability([s for s in table.standings if s.open and s.id in counts], counts.get)
    return tuple(
        Exceptional(
            names[b.need.model],
            b.need.gpus,
            names[b.before.model],
            b.before.gpus,
            b.released,
            b.need.standing.rating,
            b.need.standing.name,
        )
        for b in able.breaks
    )


def demand_of(
    spec: TableSpec,
    cards: Catalogue,
    gpu: GpuSpec,
    measure: str,
    table: Table | None,
    advance: Callable[[int], None] = lambda part: None,
    counts: Counts | None = None,
) -> Demand:
    """What models take by release date, in GPUs or GiB.

    Raises:
        GpuSizerError: an unknown name or value, or no model left.
    """
    counts = counts or Counts(spec.context, spec.load, gpu)
    plans = _plans(spec, cards, counts, gpu, advance)
    measured: list[Measured] = []
    beyond: list[str] = []
    above: list[str] = []
    for card, plan in plans:
        if card.released is None:
            continue
        if measure == "gib":
            whole = counts.whole(card, loaded=True)
            assert not isinstance(whole, str)
            users = spec.load.get("users", 1)
            measured.append(
                Measured(card.released, (whole.weights_bytes + whole.kv_cache_bytes * users) / GIB, card.name)
            )
        elif plan.gpu_count is None:
            beyond.append(card.name)
            # One that fewer sequences at once would bring onto some number is not larger than that.
            if fewest_with_few_sequences(plan) is None:
                above.append(card.name)
        else:
            measured.append(Measured(card.released, plan.gpu_count, card.name))
    if not measured:
        raise RequestError("no model with a release date fits: nothing to draw", about="model")
    unit = "GiB" if measure == "gib" else plural(gpu)
    broke = exceptions(plans, table) if table is not None else ()
    return demand(
        measured,
        unit,
        load_text(spec, counts),
        exceptions=broke if measure == "gpus" else (),
        until=spec.as_of,
        beyond=beyond,
        above=above,
    )


def demand_bars(demand: Demand, line: str) -> Bars:
    """The same for a terminal: a bar for each model, by release."""

    leading = {m.name for m in demand.records}
    broke = {e.name: e for e in demand.exceptions}

    def note(m: Measured) -> str:
        text = f"{m.value:,.0f}"
        if m.name in leading:
            text += " record"
        if m.name in broke:
            text += f" instead of {broke[m.name].instead_gpus} ({broke[m.name].instead})"
        return text

    models = sorted(demand.models, key=lambda m: (m.day, m.value, m.name))
    bars = tuple(Bar(f"{m.day}  {m.name}", (m.value,), note(m)) for m in models)
    subtitle = f"{demand.unit} by release date; {demand.load}"
    return Bars(title(demand), subtitle, bars, max(m.value for m in models), line)


def memory_plans(cards: Sequence[ModelCard], gpus: Sequence[GpuSpec], counts: Counts) -> list[Plan]:
    """A plan for each model and GPU; pairs that cannot be counted are left to ``counts``.

    Raises:
        RequestError: a model that does not take the load, or none that fits or can be counted.
    """
    plans = []
    for card in cards:
        if (why := counts.refusal(card)) is not None:
            raise RequestError(f"{card.name}: {why[:1].lower()}{why[1:].rstrip('.')}", about="context")
        plans += [plan for gpu in gpus if not isinstance(plan := counts.plan(card, gpu), str)]
    if not plans:
        raise UncountableError(counts.uncounted[0].reason, about="model")
    if not any(p.fits for p in plans):
        most = plans[0].request.max_gpus
        raise RequestError(f"nothing to draw: on no number of GPUs up to {most} do these models fit", about="gpu")
    return plans


def memory_bars(plans: Sequence[Plan], chart: Chart) -> Bars:
    """The same for a terminal."""
    from gpu_sizer.reports.charts.memory import setup_text
    from gpu_sizer.words.plan import rows

    bars = []
    whole = max((p.per_gpu.capacity_bytes for p in plans if p.per_gpu), default=1)
    for p in plans:
        label = f"{p.request.model.name} ({setup_text(p)})"
        if (m := p.per_gpu) is None:
            bars.append(Bar(label, (), ""))
            continue
        parts = tuple(float(size) for _, size in rows(m))
        note = f"{m.needed_bytes / GIB:.1f} of {m.budget_bytes / GIB:.1f} GiB"
        bars.append(Bar(label, parts, note))
    legend = ("weights", "KV cache", "activations", "overhead")
    return Bars(chart.title, chart.subtitle, tuple(bars), float(whole), chart.source, legend)


def context_lines(card: ModelCard, gpu: GpuSpec, users: Sequence[int], counts: Counts) -> list[Line]:
    """Where the count changes with the context, for each number of users."""
    from gpu_sizer.planning.sweep_steps import context_steps_by_users

    longest = card.context.extended or card.context.native
    request = counts.request(card, gpu, users=max(users), context=longest)
    steps = context_steps_by_users(request, users, MOST_STEPS)
    return [Line(n, steps[n], not steps[n] or steps[n][-1].upto < longest) for n in users]


def context_of(card: ModelCard, gpu: GpuSpec, lines: Sequence[Line], spec: TableSpec, counts: Counts) -> Chart:
    """The chart of a model."""
    words = [w for w in load_words(spec, counts) if w.endswith(("weights", "cache", "released", "only"))]
    longest = card.context.extended or card.context.native
    return context_chart(card.name, short_name(gpu), lines, longest, ", ".join(words), source(spec))


def context_bars(lines: Sequence[Line], chart: Chart) -> Bars:
    """The same for a terminal: a bar for each step."""

    bars = []
    for line in lines:
        for step in line.steps:
            label = f"{users_text(line.users)}, up to {rounded(step.upto)} tokens"
            bars.append(Bar(label, (float(step.gpu_count),), f"{step.gpu_count}"))
        if line.ended:
            bars.append(Bar(f"{users_text(line.users)}, beyond", (), "more than searched"))
    whole = max((s.gpu_count for line in lines for s in line.steps), default=1)
    subtitle = chart.subtitle.partition(";")[0] + "; each user has a request of that length"
    return Bars(chart.title, subtitle, tuple(bars), float(whole), chart.source)


def matrix_of(
    spec: TableSpec,
    cards: Catalogue,
    gpus: Sequence[GpuSpec],
    advance: Callable[[int], None] = lambda part: None,
    counts: Counts | None = None,
) -> tuple[list[str], list[Counted], str]:
    """Names of GPUs, the models with their counts, and the load in words.

    Raises:
        GpuSizerError: an unknown name or value, no model left, or more GPUs than stay legible.
    """
    counts = counts or Counts(spec.context, spec.load, gpus[0])
    rows: list[tuple[Any, Counted]] = []
    chosen = select_models(spec, cards).models
    if min(len(gpus), len(chosen)) > MOST_COLUMNS:
        raise RequestError(
            f"the matrix has room for {MOST_COLUMNS} columns, not for {len(chosen)} models on {len(gpus)} GPUs; "
            "name fewer of either, or see `gpu-sizer table`"
        )
    for card in chosen:
        cells = tuple(_count(counts.plan(card, gpu)) for gpu in gpus)
        rows.append((card, Counted(card.name, cells)))
        advance(1)
    if not spec.models:
        rows.sort(key=lambda f: (f[0].released is None, f[0].released or 0, f[1].model.lower()))
    return [short_name(g) for g in gpus], [c for _, c in rows], load_text(spec, counts)


def _count(plan: Plan | str) -> Count:
    if isinstance(plan, str):
        return Count(None, NOT_COUNTED)
    if plan.gpu_count is None:
        return Count(None, f"> {plan.request.max_gpus}")
    return Count(plan.gpu_count, f"{plan.gpu_count}", plan.verdict == "tight")
