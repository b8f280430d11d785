"""SkyPilot's catalogue of one cloud (``vms.csv``) -> a provider's machines, with today's prices.

Columns as in skypilot-org/skypilot-catalog, catalogs/v8/CLOUD/vms.csv: InstanceType, AcceleratorName, AcceleratorCount,
vCPUs, MemoryGiB, GpuInfo, Price, SpotPrice, Region; one row for each region or zone.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Mapping
from pathlib import Path

from gpu_sizer.cards.fleet import Fleet
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.machine import Machine, MachinePrice, Provider
from gpu_sizer.cards.model_card import Source
from gpu_sizer.cards.names import bare
from gpu_sizer.errors import CardError
from gpu_sizer.files import open_regular
from gpu_sizer.records import dataclass, replace

#: Columns without which nothing can be read.
NEEDED = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "Region")
#: The largest file that is read, and the most regions of a machine whose prices are kept, the cheapest first.
MOST_BYTES, MOST_REGIONS = 256 << 20, 12
#: How far a told size of memory may be from a spec's, since GB and GiB are mixed.
_NEAR = 0.08
_MEMORY = re.compile(r"'SizeInMiB':\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Read:
    """What a file held: its machines, and what of it was left aside and why."""

    provider: Provider
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Row:
    """One machine while its rows are read."""

    name: str
    accelerator: str
    count: float
    vcpus: float | None
    memory_gib: float | None
    gpu_gib: float | None
    prices: dict[tuple[str, str], float]


def read_catalogue(file: Path, provider: str, known: Fleet, gpus: Mapping[str, GpuSpec], day: datetime.date) -> Read:
    """The machines of a catalogue file.

    Args:
        file: in SkyPilot's format.
        provider: id of the provider that it is of.
        known: the machines there are: their GPUs are kept, since a catalogue's may be wrong.
        gpus: the specs by id.
        day: when its prices held.

    Raises:
        CardError: no such file, a column that is missing, or a number that is none.
    """
    rows = _rows(file)
    if not rows:
        raise CardError(str(file), "", "no row has a machine with an accelerator and a price")
    machines, remarks = [], []
    for row in rows.values():
        prices = _prices(row, file.name, day)
        key = f"{provider}/{row.name}"
        if provider in known.providers and key in known.index.get(bare(row.name), []):
            before = known.get(key).machine
            if before.count >= 1 and before.count != row.count:
                remarks.append(f"{row.name}: the file says {row.count:g} GPUs, which has {before.count:g}: kept")
            machines.append(replace(before, prices=prices))
        else:
            machines.append(_new(row, gpus, prices, file.name))
    unknown = [m.name for m in machines if m.gpu is None]
    if unknown:
        shown = ", ".join(unknown[:6]) + (f" and {len(unknown) - 6} more" if len(unknown) > 6 else "")
        remarks.append(f"which GPU it has is not sure, so not sized: {shown}")
    name = known.providers.get(provider, provider)
    source = Source(url=file.name, facts=f"Prices, in SkyPilot's format, of {day.isoformat()}")
    made = Provider(provider=provider, name=name, machines=tuple(machines), sources=(source,))
    return Read(made, tuple(remarks))


def _rows(file: Path) -> dict[str, _Row]:
    try:
        with io.TextIOWrapper(open_regular(file, MOST_BYTES), encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [c for c in NEEDED if c not in (reader.fieldnames or ())]:
                raise CardError(str(file), missing[0], "no such column: SkyPilot's catalogue format is expected")
            rows: dict[str, _Row] = {}
            for line, values in enumerate(reader, start=2):
                _take(rows, values, f"{file}:{line}")
            return rows
    except OSError as error:
        raise CardError(str(file), "", error.strerror or "cannot be read") from None
    except (UnicodeDecodeError, csv.Error):
        raise CardError(str(file), "", "no CSV in UTF-8") from None


def _take(rows: dict[str, _Row], values: Mapping[str, str | None], place: str) -> None:
    """Adds one row: its prices to those of its machine."""
    name, accelerator = (values.get("InstanceType") or "").strip(), (values.get("AcceleratorName") or "").strip()
    count = _number(values, "AcceleratorCount", place)
    if not name or not accelerator or not count:
        return  # a machine without accelerators, or an accelerator without its machine
    row = rows.get(name)
    if row is None:
        told = _MEMORY.search(values.get("GpuInfo") or "")
        memory = float(told[1]) / 1024 if told else None
        vcpus, host = _number(values, "vCPUs", place), _number(values, "MemoryGiB", place)
        # RunPod writes gigabytes where MiB are expected.
        row = rows[name] = _Row(name, accelerator, count, vcpus, host, memory if memory and memory > 1 else None, {})
    price, spot = _number(values, "Price", place), _number(values, "SpotPrice", place)
    region = (values.get("Region") or "").strip()
    for kind, value in (("on-demand", price), ("spot", spot if spot != price else None)):
        if value:  # zero stands where none is known
            key = (kind, region)
            row.prices[key] = min(value, row.prices.get(key, value))


def _number(values: Mapping[str, str | None], key: str, place: str) -> float | None:
    text = (values.get(key) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise CardError(place, key, f"a number is expected, not {text[:40]!r}") from None
    if not 0 <= value < 1e9:
        raise CardError(place, key, f"a number from 0 is expected, not {text[:40]!r}")
    return value


def _prices(row: _Row, source: str, day: datetime.date) -> tuple[MachinePrice, ...]:
    kept = []
    for kind in ("on-demand", "spot"):
        of_kind = sorted((v, region) for (k, region), v in row.prices.items() if k == kind)
        for value, region in of_kind[:MOST_REGIONS]:
            kept.append(MachinePrice(per_hour=value, kind=kind, region=region or None, date=day, source=source))
    return tuple(kept)


def _new(row: _Row, gpus: Mapping[str, GpuSpec], prices: tuple[MachinePrice, ...], source: str) -> Machine:
    """A machine that is not known yet: its GPU is told only where one spec alone can be meant."""
    among = _candidates(row, gpus)
    whole = row.count >= 1 and row.count == int(row.count)
    return Machine(
        name=row.name,
        gpu=among[0] if len(among) == 1 and whole else None,
        gpu_candidates=among if len(among) > 1 or not whole else (),
        gpu_told=row.accelerator,
        count=row.count if row.count < 1 else float(int(row.count)),
        gpu_memory_gib=row.gpu_gib,
        vcpus=int(row.vcpus) if row.vcpus else None,
        memory_gib=row.memory_gib or None,
        prices=prices,
        source=source,
    )


def _candidates(row: _Row, gpus: Mapping[str, GpuSpec]) -> tuple[str, ...]:
    """Specs that an accelerator's name and memory can mean: ``H100`` is a card or a module, ``A10G`` one alone."""
    told = re.sub(r"-?\d+GB$", "", row.accelerator, flags=re.I)
    size = re.search(r"(\d+)GB$", row.accelerator, re.I)
    gib = row.gpu_gib or (float(size[1]) if size else None)
    wanted = {bare(told), bare(f"rtx{told}")}
    ids = []
    for identity, spec in gpus.items():
        family = re.sub(r"-\d+gb$", "", identity)
        names = {bare(family), bare(re.sub(r"-(pcie|nvl|sxm\d?|workstation)$", "", family))}
        if not names & wanted:
            continue
        if gib is None or abs(spec.memory.marketed_gb - gib) <= _NEAR * spec.memory.marketed_gb:
            ids.append(identity)
    return tuple(ids)
