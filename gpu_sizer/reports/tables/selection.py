"""Which models and GPUs a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from gpu_sizer import api
from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass
from gpu_sizer.reports.listings import ModelEntry
from gpu_sizer.reports.selecting import ModelFilter, parameters
from gpu_sizer.reports.tables.columns import Shown
from gpu_sizer.reports.tables.grid import Row
from gpu_sizer.reports.tables.spec import ALL, TableSpec


@dataclass(frozen=True, slots=True)
class Selected:
    """The models of a table, and those that a day left out."""

    models: tuple[ModelCard, ...]
    later: int = 0
    """Models released after the day asked for."""
    undated: tuple[str, ...] = ()
    """Names of models without a release date, where a day was asked for."""


def _filter(spec: TableSpec) -> ModelFilter:
    """What a spec asks of a model, its days aside."""
    return ModelFilter(
        text=spec.filter,
        moe=spec.moe,
        least=parameters(spec.min_params) if spec.min_params is not None else None,
        most=parameters(spec.max_params) if spec.max_params is not None else None,
        organization=spec.organization,
        license=spec.license,
        open=spec.open,
    )


def select_models(spec: TableSpec, cards: Catalogue) -> Selected:
    """The models that a spec names and does not filter out.

    Raises:
        GpuSizerError: an unknown name.
        RequestError: no model is left.
    """
    named = [api.load_in_any_type(name, cards=cards) for name in spec.models] if spec.models else cards.models.all()
    unique = list({card.id: card for card in named}.values())
    wanted = _filter(spec)
    kept: list[ModelCard] = []
    undated: list[str] = []
    later = 0
    for card in unique:
        if not wanted.keeps(ModelEntry(card, cards.models.counts)):
            continue
        if card.released is None and (spec.as_of or spec.since):
            undated.append(card.name)
        elif card.released is not None and spec.as_of is not None and card.released > spec.as_of:
            later += 1
        elif card.released is None or spec.since is None or card.released >= spec.since:
            kept.append(card)
    if not kept:
        raise RequestError("no model of the catalogue is left: check the names, filters and dates", about="model")
    return Selected(tuple(kept), later, tuple(undated))


def select_gpus(names: Sequence[str], cards: Catalogue) -> list[GpuSpec]:
    """GPUs by name, each once; ``all`` is every one of the catalogue that is no slice.

    Raises:
        GpuSizerError: an unknown name.
    """
    if ALL in names:
        return cards.whole_gpus()
    found = [api.load_gpu(name, cards=cards) for name in names]
    return list({gpu.id: gpu for gpu in found}.values())


def order(rows: list[tuple[ModelCard, Row]], spec: TableSpec, shown: Sequence[Shown], cards: Catalogue) -> None:
    """Sorts rows in place: by the keys of a spec, by release where it has none and names no models itself.

    Raises:
        RequestError: a key that is no column of the table.
    """
    if not spec.sort:
        if not spec.models:
            rows.sort(key=lambda r: (r[0].released is None, r[0].released or 0, r[0].name.lower()))
        return
    for key in reversed(spec.sort):
        name, down = key.removeprefix("-"), key.startswith("-")
        index = _index(name, shown, cards)
        present = [r for r in rows if r[1].cells[index].value is not None]
        # Cells without a value stand last in either direction; "> 64" counts as more than any count.
        absent = [r for r in rows if r[1].cells[index].value is None]
        present.sort(key=lambda r: _comparable(r[1].cells[index].value), reverse=down)
        beyond = [r for r in absent if r[1].cells[index].text.startswith(">")]
        empty = [r for r in absent if not r[1].cells[index].text.startswith(">")]
        rows[:] = [*beyond, *present, *empty] if down else [*present, *beyond, *empty]


def _comparable(value: object) -> tuple[bool, float, str]:
    if isinstance(value, int | float):
        return (False, float(value), "")
    return (True, 0.0, str(value).lower())


def _index(name: str, shown: Sequence[Shown], cards: Catalogue) -> int:
    """The column that a sort key means: a key, the first of its GPUs, or the counts on a GPU."""
    for i, s in enumerate(shown):
        if name in (s.column.key, s.kind.key):
            return i
    gpu = cards.gpus.lookup(name)
    for i, s in enumerate(shown):
        if gpu is not None and s.column.key == f"gpus:{gpu}":
            return i
    known = ", ".join(dict.fromkeys(s.kind.key for s in shown))
    raise RequestError(f"cannot sort by {name[:40]!r}: no column of this table; it has {known}")
