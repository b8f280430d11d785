"""From a spec and the catalogue to a grid: rows, groups, and remarks that state what was assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gpu_sizer import __version__, api
from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import HOURS_PER_MONTH
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine
from gpu_sizer.fast.forks import forked
from gpu_sizer.load import ENGINE, OPTIONS, Setting, told
from gpu_sizer.planning.needs import REFERENCE_GPU
from gpu_sizer.planning.uncounted import Uncounted
from gpu_sizer.reports.tables.columns import Facts, chosen
from gpu_sizer.reports.tables.counting import Counts
from gpu_sizer.reports.tables.engine_columns import AT, engine_remarks
from gpu_sizer.reports.tables.grid import Cell, Grid, Group, Row, cleaned, transposed
from gpu_sizer.reports.tables.selection import Selected, order, select_gpus, select_models
from gpu_sizer.reports.tables.spec import TableSpec
from gpu_sizer.units import amount
from gpu_sizer.words.uncounted import uncounted_text

#: Columns that depend on the load.
_COUNTED = frozenset(("gpus", "safe", "tensor", "layout", "free", "price", "month", "machines", "watts"))
_LOADED = _COUNTED | {"kv"}
#: Cells from which on a table is worth several processes.
MANY_CELLS = 1000
_CACHE, _SHARE = "kv_cache_dtype", "gpu_memory_utilization"
#: Settings that have words of their own below a table; others are told as questions tell them.
_IN_WORDS = frozenset(("context", "users", "weights_dtype", _CACHE, _SHARE, "engine", "layouts", "max_gpus"))
#: Undated models that a remark names.
_MOST_NAMES = 8


def build_table(
    spec: TableSpec,
    cards: Catalogue,
    *,
    arena: dict[str, float] | None = None,
    arena_basis: str | None = None,
    counts: Counts | None = None,
    advance: Callable[[int], None] = lambda part: None,
    workers: int = 1,
) -> Grid:
    """The table of a spec.

    Args:
        spec: what it shows.
        cards: models and GPUs.
        arena: ratings by model id, for the column ``arena``.
        arena_basis: where these ratings come from.
        counts: under the spec's load, where somebody else needs them too.
        advance: called with how many more models are done.
        workers: processes that may share the work; more than one leave nothing in ``counts``.

    Raises:
        GpuSizerError: an unknown name, column or value.
    """
    gpus = gpus_of(spec, cards)
    reference = gpus[0] if gpus else cards.gpus.get(REFERENCE_GPU)
    shown = chosen(spec.columns, gpus, reference)
    selected = select_models(spec, cards)
    facts = Facts(counts or counts_of(spec, cards, reference), arena)

    def row(card: ModelCard) -> tuple[list[tuple[Any, ...]], set[float], tuple[Uncounted, ...]]:
        # Plain values: they come from another process much faster than records.
        cells = [s.cell(facts, card) for s in shown]
        return [(c.text, c.value, c.marks) for c in cells], facts.counts.utilizations, facts.counts.uncounted

    few = len(selected.models) * len(shown) < MANY_CELLS
    made_rows = forked(row, selected.models, 1 if few else workers, advance)
    rows = [
        (card, Row(card.id, tuple([Cell(*values) for values in cells])))
        for card, (cells, _, _) in zip(selected.models, made_rows, strict=True)
    ]
    facts.counts.utilizations.update(*(shares for _, shares, _ in made_rows))
    uncounted = dict.fromkeys(u for _, _, several in made_rows for u in several)
    order(rows, spec, shown, cards)
    keys = [s.kind.key for s in shown]
    used = {key.partition(AT)[0] for key in keys}
    own = all(AT in key for key in keys if key.partition(AT)[0] in _LOADED)
    engines = "the engine of each column" if own else _engine(spec)
    remarks = [*engine_remarks(keys), *_remarks(spec, facts.counts, selected, gpus, used, arena_basis, engines)]
    if uncounted:
        remarks.insert(-len(spec.notes) or len(remarks), uncounted_text(uncounted))
    grid = Grid(
        spec.title or _title(spec, used),
        tuple(s.column for s in shown),
        _groups(rows, spec.group_by),
        tuple(remarks),
        _assumed(spec, facts.counts) if used & _LOADED else _edition(selected),
        spec.group_by,
        _facts(spec, facts.counts),
        tuple(uncounted),
    )
    made = cleaned(grid)
    return transposed(made) if spec.transpose else made


def counts_of(spec: TableSpec, cards: Catalogue, reference: GpuSpec) -> Counts:
    """The counts of a spec: under its load, with the machines of its provider.

    Raises:
        UnknownMachineError: no such provider.
    """
    from gpu_sizer.cards.fleet import fleet

    provider = fleet(cards).provider(spec.provider) if spec.provider is not None else None
    machine = fleet(cards).find(spec.machine, provider) if spec.machine is not None else None
    return Counts(spec.context, spec.load, reference, provider, machine, cards)


def gpus_of(spec: TableSpec, cards: Catalogue) -> list[GpuSpec]:
    """The GPUs of a spec's columns: those of its machine, where it names one.

    Raises:
        GpuSizerError: an unknown name, or a machine of which it is not known which GPU it has.
    """
    if spec.machine is None:
        return list(select_gpus(spec.gpus, cards))

    return [api.hardware(None, spec.machine, cards)[0]]


def _title(spec: TableSpec, used: set[str]) -> str:
    title = "Open models"
    if used & {"gpus", "safe", "tensor"}:
        title += " and the GPUs that each takes"
        title += f" with {spec.load['weights_dtype']} weights" if spec.load.get("weights_dtype") else ", unquantized"
    return title + (f", as of {spec.as_of}" if spec.as_of else "")


def _groups(rows: Sequence[tuple[ModelCard, Row]], by: str | None) -> tuple[Group, ...]:
    if by is None:
        return (Group(None, tuple(row for _, row in rows)),)
    groups: dict[str, list[Row]] = {}
    for card, row in rows:
        name = card.organization if by == "organization" else str(card.released.year) if card.released else None
        groups.setdefault(name or "", []).append(row)
    unknown = "Other" if by == "organization" else "No date"
    titles = sorted(groups, key=lambda t: (not t, t.lower()))
    return tuple(Group(t or unknown, tuple(groups[t])) for t in titles)


def load_words(spec: TableSpec, counts: Counts) -> list[str]:
    """The load in words, part by part."""
    load = spec.load
    users, weights, cache, layouts = (_asked(load, name) for name in ("users", "weights_dtype", _CACHE, "layouts"))
    words = [
        f"{spec.context} tokens of context" if spec.context else "full context length",
        "one request at a time" if users == 1 else f"{users:,} requests at once",
        f"{weights} weights" if weights else "weights as released",
    ]
    if cache:
        words.append(f"{cache} cache")
    if shares := _shares(spec, counts):
        words.append("utilization " + " or ".join(f"{s:g}" for s in shares))
    words += [_further(OPTIONS[name], value) for name, value in told(load).items() if name not in _IN_WORDS]
    if layouts != OPTIONS["layouts"].default:
        words.append(f"{layouts} parallelism only")
    return words


def _asked(load: dict[str, Any], name: str) -> Any:
    return load.get(name, OPTIONS[name].default)


def _further(s: Setting, value: Any) -> str:
    return f"{s.name} {value:,}" if s.kind == "int" and not s.said else s.say(value)


def _shares(spec: TableSpec, counts: Counts) -> list[float]:
    """The utilizations in force."""
    given = spec.load.get(_SHARE)
    return sorted({given} if given is not None else counts.utilizations)


def _engine(spec: TableSpec) -> str:
    return engine(spec.load.get("engine", ENGINE.default)).describe()


def _assumed(spec: TableSpec, counts: Counts) -> str:
    return "; ".join([_engine(spec), *load_words(spec, counts)])


def _facts(spec: TableSpec, counts: Counts) -> dict[str, Any]:
    return {
        "engine": _engine(spec),
        "context": spec.context,
        "users": _asked(spec.load, "users"),
        "weights_dtype": spec.load.get("weights_dtype"),
        _CACHE: spec.load.get(_CACHE),
        _SHARE: _shares(spec, counts),
        "layouts": _asked(spec.load, "layouts"),
        "max_gpus": _asked(spec.load, "max_gpus"),
        **{name: value for name, value in told(spec.load).items() if name not in _IN_WORDS},
        "as_of": spec.as_of.isoformat() if spec.as_of else None,
        "version": __version__,
    }


def _edition(selected: Selected) -> str:
    days = [c.released for c in selected.models if c.released]
    newest = f", the newest of {max(days)}" if days else ""
    count = len(selected.models)
    return f"gpu-sizer {__version__}; {amount(count, 'model')}{newest}"


def _chosen(spec: TableSpec) -> str:
    """Which models a spec keeps, as a sentence behind another; empty where it keeps all."""
    words = [
        f"released on or after {spec.since}" if spec.since else "",
        f"released by {spec.as_of}" if spec.as_of else "",
        f"of at least {spec.min_params} parameters" if spec.min_params else "",
        f"of at most {spec.max_params} parameters" if spec.max_params else "",
        "under an open-source licence" if spec.open else "",
        "with experts" if spec.moe else "",
    ]
    told = ", ".join(w for w in words if w)
    return f" Models {told}." if told else ""


def _undated(spec: TableSpec, names: Sequence[str]) -> str:
    """Models without a date; as of a day they are not named, since that would tell of later ones."""
    if spec.as_of is not None:
        return "Models of which no release date is known are left out."
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"Left out, since no release date is known: {', '.join(names[:_MOST_NAMES])}{rest}."


def _remarks(
    spec: TableSpec,
    counts: Counts,
    selected: Selected,
    gpus: Sequence[GpuSpec],
    used: set[str],
    arena_basis: str | None,
    engines: str,
) -> Iterator[str]:
    words = load_words(spec, counts)
    if used & _COUNTED:
        yield (
            f"GPUs: the fewest on which {engines} starts and carries the load in a layout that it accepts: "
            + "; ".join(words)
            + "."
        )
    elif "kv" in used:
        yield f"Cache: {words[0]}, one request."
    if used & {"price", "month"}:
        whose = f"of {spec.provider}" if spec.provider else "the cheapest known"
        yield f"Prices in US dollars for whole machines, {whose}; a month of {HOURS_PER_MONTH} hours."
    if arena_basis is not None and "arena" in used:
        yield f"Arena score: {arena_basis}; the best rated release of each model."
    if selected.undated:
        yield _undated(spec, selected.undated)
    yield f"Data: {_edition(selected)}.{_chosen(spec)}"
    yield from spec.notes
