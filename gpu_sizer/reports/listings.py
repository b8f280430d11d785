"""The catalogue as lists of models and GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.model.counts import Counts, counts_of
from gpu_sizer.records import dataclass
from gpu_sizer.reports.selecting import GpuFilter, ModelFilter, ordered
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import MIB, amount, gib, verb

#: What a list can be sorted by.
MODEL_KEYS: dict[str, Callable[[ModelEntry], str | float | date | None]] = {
    "model": lambda e: e.card.id,
    "organization": lambda e: e.card.organization,
    "released": lambda e: e.card.released,
    "parameters": lambda e: e.total,
    "active": lambda e: e.active,
    "context": lambda e: e.card.context.native,
    "license": lambda e: e.card.license,
    "rating": lambda e: e.rating,
}
GPU_KEYS: dict[str, Callable[[GpuSpec], str | float | date | None]] = {
    "gpu": lambda s: s.id,
    "name": lambda s: s.name,
    "marketed": lambda s: s.memory.marketed_gb,
    "visible": lambda s: s.visible_bytes,
    "bandwidth": lambda s: s.memory.bandwidth_gb_s,
    "released": lambda s: s.released,
}


@dataclass(frozen=True)
class ModelEntry:
    """A model of a list; what its tensors sum to is counted where it is asked for."""

    card: ModelCard
    count: Callable[[ModelCard], Counts] = counts_of
    rating: float | None = None
    """The Chatbot Arena's points, where a list is sorted by them."""

    @cached_property
    def counts(self) -> Counts:
        """What its tensors sum to."""
        return self.count(self.card)

    @property
    def total(self) -> int:
        """All parameters: the card's exact count, or what its tensors sum to where it has none."""
        return self.card.parameters.total or self.counts.total

    @property
    def active(self) -> int:
        """Those that one token uses, likewise."""
        return self.card.parameters.active or self.counts.active

    @property
    def exact(self) -> bool:
        """Whether the inventory equals a count published or built elsewhere (``validate`` holds them equal)."""
        return self.card.verified and self.card.parameters.total is not None


@dataclass(frozen=True, slots=True)
class Listing:
    """Columns as (title, right-aligned), rows of text, and the same as records for JSON."""

    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    records: list[dict[str, Any]]

    def lines(self) -> Iterator[str]:
        """The list in aligned columns."""
        table = [[title for title, _ in self.columns], *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.columns))]
        for row in table:
            cells = [
                c.rjust(w) if right else c.ljust(w) for c, w, (_, right) in zip(row, widths, self.columns, strict=True)
            ]
            yield "  ".join(cells).rstrip()


@dataclass(frozen=True, slots=True)
class CatalogueListing:
    """A part of the catalogue: a table that every format writes, its records for JSON, and what holds for all of it."""

    grid: Grid
    records: list[dict[str, Any]]

    @property
    def plain(self) -> Listing:
        """Its texts without the values behind them."""
        columns = tuple((c.title, c.right) for c in self.grid.columns)
        return Listing(columns, tuple(tuple(cell.text for cell in row.cells) for row in self.grid.rows), self.records)

    def lines(self) -> Iterator[str]:
        """The list in aligned columns, the remarks behind it."""
        yield from self.plain.lines()
        yield from self.grid.remarks


def billions(count: int) -> str:
    """A parameter count in billions with the digits that matter."""
    value = count / 1e9
    return f"{value:.1f} B" if value >= 10 else f"{value:.2f} B"


def model_listing(
    cards: Sequence[ModelCard],
    wanted: ModelFilter | None = None,
    *,
    sort: str | None = None,
    among: Callable[[list[ModelCard]], tuple[set[str], Iterable[str]]] | None = None,
    remarks: tuple[str, ...] = (),
    counts: Callable[[ModelCard], Counts] = counts_of,
    ratings: Callable[[], tuple[dict[str, float], str]] = lambda: ({}, ""),
) -> CatalogueListing:
    """The models that a filter keeps.

    Args:
        cards: the models of the catalogue.
        wanted: what to keep; null is all.
        sort: a key of :data:`MODEL_KEYS`, with a minus the largest first.
        among: asked last, of the models kept so far: the ids that stay, and what there is to say about the others.
        remarks: what the caller has to say about the list.
        counts: what a model's tensors sum to; a shelf of the catalogue keeps it.
        ratings: points by the id of a model and whose they are, asked for where a list is sorted by them.

    Raises:
        RequestError: no such key.
    """
    wanted = wanted or ModelFilter()
    rated = sort is not None and sort.removeprefix("-") == "rating"
    points, rated_by = ratings() if rated else ({}, "")
    entries = [ModelEntry(card, counts, points.get(card.id)) for card in cards]
    exact = sum(e.exact for e in entries)
    kept = [e for e in ordered(entries, sort, MODEL_KEYS) if wanted.keeps(e)]
    notes = list(remarks)
    if among is not None:
        staying, told = among([e.card for e in kept])
        kept = [e for e in kept if e.card.id in staying]
        notes += told
    if wanted.exact:
        notes.append(
            f"{exact} of {len(entries)} models are exact: their tensors sum to a published total or to an independent "
            f"build; {len(entries) - exact} are only plausible"
        )
    if (wanted.since or wanted.until) and (undated := sum(e.card.released is None for e in entries)):
        notes.append(f"{amount(undated, 'model')} without a release date {verb(undated, 'is', 'are')} not listed")
    if rated:
        notes.append(f"ratings: {rated_by}")
    columns = (
        Column("model", "model"),
        *([Column("rating", "rating", right=True)] if rated else ()),
        Column("organization", "organization", rank=4),
        Column("released", "released", rank=2),
        Column("parameters", "parameters", right=True, rank=1),
        Column("active", "active", right=True, rank=5),
        Column("context", "context", right=True, rank=3),
        Column("license", "license", rank=6),
    )
    rows = tuple(_model_row(e, rated) for e in kept)
    grid = Grid("Models", columns, (Group(None, rows),), tuple(notes))
    return CatalogueListing(grid, [_model_record(e) | ({"rating": e.rating} if rated else {}) for e in kept])


def _model_row(e: ModelEntry, rated: bool) -> Row:
    card, released = e.card, e.card.released.isoformat() if e.card.released else None
    rating = Cell("" if e.rating is None else f"{e.rating:,.0f}", e.rating)
    return Row(
        card.id,
        (
            Cell(card.id, card.id),
            *([rating] if rated else ()),
            Cell(card.organization or "", card.organization),
            Cell(released or "", released),
            Cell(billions(e.total), e.total),
            Cell(billions(e.active) if e.active != e.total else "", e.active),
            Cell(f"{card.context.native:,}", card.context.native),
            Cell(card.license or "", card.license),
        ),
    )


def _model_record(e: ModelEntry) -> dict[str, Any]:
    card = e.card
    return {
        "model": card.id,
        "name": card.name,
        "organization": card.organization,
        "released": card.released.isoformat() if card.released else None,
        "parameters": {
            "total": e.total,
            "active": e.active,
            "active_without_embedding": e.counts.active_without_embedding,
            "checkpoint": e.counts.checkpoint,
        },
        "context": card.context.native,
        "license": card.license,
        "open_license": card.open_license,
        "hub_id": card.hub_id,
        "verified": card.verified,
        "exact": e.exact,
    }


def gpu_listing(
    specs: Sequence[GpuSpec], wanted: GpuFilter | None = None, *, sort: str | None = None
) -> CatalogueListing:
    """The GPUs that a filter keeps.

    Args:
        specs: the GPUs of the catalogue.
        wanted: what to keep; null is all.
        sort: a key of :data:`GPU_KEYS`, with a minus the largest first.

    Raises:
        RequestError: no such key.
    """
    wanted = wanted or GpuFilter()
    kept = [spec for spec in ordered(specs, sort, GPU_KEYS) if wanted.keeps(spec)]
    notes: tuple[str, ...] = ()
    if wanted.since and (undated := sum(spec.released is None for spec in specs)):
        notes = (f"{amount(undated, 'GPU')} without a release date {verb(undated, 'is', 'are')} not listed",)
    columns = (
        Column("gpu", "gpu"),
        Column("name", "name", rank=4),
        Column("marketed", "marketed", right=True, rank=1),
        Column("visible", "a program sees", rank=2),
        Column("bandwidth", "bandwidth", right=True, rank=3),
        Column("released", "released", rank=2),
    )
    rows = tuple(_gpu_row(spec) for spec in kept)
    grid = Grid("GPUs", columns, (Group(None, rows),), notes)
    return CatalogueListing(grid, [_gpu_record(spec) for spec in kept])


def _gpu_row(spec: GpuSpec) -> Row:
    m = spec.memory
    mark = "" if m.visible_basis == "measured" else f" ({m.visible_basis})"
    released = spec.released.isoformat() if spec.released else None
    return Row(
        spec.id,
        (
            Cell(spec.id, spec.id),
            Cell(spec.name, spec.name),
            Cell(f"{m.marketed_gb} GB", m.marketed_gb),
            Cell(gib(m.visible_mib * MIB) + mark, spec.visible_bytes),
            Cell(f"{m.bandwidth_gb_s:,.0f} GB/s" if m.bandwidth_gb_s else "", m.bandwidth_gb_s),
            Cell(released or "", released),
        ),
    )


def _gpu_record(spec: GpuSpec) -> dict[str, Any]:
    m = spec.memory
    return {
        "gpu": spec.id,
        "name": spec.name,
        "vendor": spec.vendor,
        "architecture": spec.architecture,
        "marketed_gb": m.marketed_gb,
        "visible_bytes": spec.visible_bytes,
        "visible_basis": m.visible_basis,
        "bandwidth_gb_s": m.bandwidth_gb_s,
        "released": spec.released.isoformat() if spec.released else None,
    }
