"""Columns of counts under another engine than the table's: ``gpus@sglang``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.registry import engine, engine_names
from gpu_sizer.errors import RequestError
from gpu_sizer.records import replace
from gpu_sizer.reports.tables.grid import Cell

if TYPE_CHECKING:
    from gpu_sizer.reports.tables.columns import Facts, Kind

#: Between a column's key and an engine.
AT = "@"


def with_engines(keys: Sequence[str], engines: Sequence[str]) -> tuple[str, ...]:
    """The columns of counts once for each engine; ``all`` names every one."""
    names = engine_names() if tuple(engines) == ("all",) else engines
    columns: list[str] = []
    for key in keys:
        columns += [f"{key}{AT}{name}" for name in names] if key == "gpus" and names else [key]
    return tuple(columns)


def under_engine(kind: Kind, name: str) -> Kind:
    """A kind of column per GPU, made under another engine.

    Raises:
        RequestError: no such engine, or a kind that does not depend on one.
    """
    profile = engine(name)
    if not kind.per_gpu:
        raise RequestError(f"the column {kind.key} does not depend on the engine: say {kind.key} alone")

    def make(facts: Facts, card: ModelCard, gpu: GpuSpec) -> Cell:
        return kind.make(replace(facts, counts=facts.counts.under(name)), card, gpu)

    return replace(kind, key=f"{kind.key}{AT}{name}", title=f"{kind.title} ({profile.title})", make=make)


def engine_remarks(keys: Sequence[str]) -> Iterator[str]:
    """What the engines of these columns are."""
    names = dict.fromkeys(key.partition(AT)[2] for key in keys if AT in key)
    told = "; ".join(f"{engine(name).title}: {engine(name).describe()}" for name in names)
    if told:
        yield f"Columns under an engine of their own: {told}."
