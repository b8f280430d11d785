"""The catalogue as lists of models and GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.names import normal
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.records import dataclass
from gpu_sizer.units import MIB, gib


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


def billions(count: int) -> str:
    """A parameter count in billions with the digits that matter."""
    value = count / 1e9
    return f"{value:.1f} B" if value >= 10 else f"{value:.2f} B"


def _matches(text: str | None, *fields: str | None) -> bool:
    return not text or any(normal(text) in normal(f) for f in fields if f)


def model_listing(cards: Sequence[ModelCard], filter: str | None = None) -> Listing:
    """The models whose id, name or organisation contains the filter."""
    rows, records = [], []
    for card in cards:
        if not _matches(filter, card.id, card.name, card.organization):
            continue
        inventory = build_inventory(card)
        total, active = inventory.total_parameters, inventory.active_parameters
        released = card.released.isoformat() if card.released else ""
        rows.append(
            (
                card.id,
                card.organization or "",
                released,
                billions(total),
                billions(active) if active != total else "",
                f"{card.context.native:,}",
                card.license or "",
            )
        )
        records.append(
            {
                "model": card.id,
                "name": card.name,
                "organization": card.organization,
                "released": released or None,
                "parameters": {"total": total, "active": active},
                "context": card.context.native,
                "license": card.license,
                "hub_id": card.hub_id,
                "verified": card.verified,
            }
        )
    columns = (
        ("model", False),
        ("organization", False),
        ("released", False),
        ("parameters", True),
        ("active", True),
        ("context", True),
        ("license", False),
    )
    return Listing(columns, tuple(rows), records)


def gpu_listing(specs: Sequence[GpuSpec], filter: str | None = None) -> Listing:
    """The GPUs whose id, name or architecture contains the filter."""
    rows, records = [], []
    for spec in specs:
        if not _matches(filter, spec.id, spec.name, spec.architecture):
            continue
        m = spec.memory
        visible = gib(m.visible_mib * MIB)
        mark = "" if m.visible_basis == "measured" else f" ({m.visible_basis})"
        bandwidth = f"{m.bandwidth_gb_s:,.0f} GB/s" if m.bandwidth_gb_s else ""
        rows.append(
            (
                spec.id,
                spec.name,
                f"{m.marketed_gb} GB",
                visible + mark,
                bandwidth,
                spec.released.isoformat() if spec.released else "",
            )
        )
        records.append(
            {
                "gpu": spec.id,
                "name": spec.name,
                "vendor": spec.vendor,
                "marketed_gb": m.marketed_gb,
                "visible_bytes": spec.visible_bytes,
                "visible_basis": m.visible_basis,
                "bandwidth_gb_s": m.bandwidth_gb_s,
                "released": spec.released.isoformat() if spec.released else None,
            }
        )
    columns = (
        ("gpu", False),
        ("name", False),
        ("marketed", True),
        ("a program sees", False),
        ("bandwidth", True),
        ("released", False),
    )
    return Listing(columns, tuple(rows), records)
