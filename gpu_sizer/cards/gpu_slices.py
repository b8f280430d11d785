"""Slices of GPUs: tables of MIG profiles, and the specs that follow from them and from the whole GPU's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gpu_sizer.cards.model_card import Source
from gpu_sizer.cards.writing import jsonable
from gpu_sizer.errors import CardError
from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from gpu_sizer.model.constraints import Id, PositiveFloat, PositiveInt, Text

#: What a slice has from the whole GPU as it is.
_KEPT = ("vendor", "architecture", "platform", "compute_capability", "released", "supports_bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One profile."""

    profile: Text
    """3g.40gb: three compute slices, 40 GB."""
    memory: Text
    """The fraction of the memory, of its bandwidth, that it has: 4/8."""
    memory_gib: PositiveFloat | None = None
    """What ``nvidia-smi mig -lgip`` prints for it; null where none was read: then the fraction of what a program sees
    of the whole, less ``lost_gib``."""
    multiprocessors: PositiveInt
    """Streaming multiprocessors, of which the rates are a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The profiles of some GPUs that are cut alike."""

    slices_of: tuple[Id, ...]
    """The whole GPUs; a name without a form factor means the first."""
    family: Text
    """How people call them: A100."""
    multiprocessors: PositiveInt
    """Streaming multiprocessors of a whole one."""
    lost_gib: PositiveFloat = 0.17
    """What the smallest slice of an A100 loses of its fraction (4.75 of 39.39 / 8 GiB)."""
    slices: tuple[Slice, ...]
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        for piece in self.slices:
            if piece.multiprocessors > self.multiprocessors:
                raise ValueError(f"{piece.profile} has more multiprocessors than the whole GPU")
            if not 0 < _fraction(piece.memory) <= 1:
                raise ValueError(f"{piece.profile}: a fraction of the memory is at most 1, as in 4/8")


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no fraction, as 4/8 is") from None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def specs(table: Slices, whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The specs of a GPU's slices, as a file would have them.

    Bandwidth is the memory's fraction of the whole's, and rates are the multiprocessors' (NVIDIA's guide: a memory
    slice has its share of the bandwidth, a slice of multiprocessors its share of these).

    Args:
        table: the profiles.
        whole: the data of the whole GPU's spec.
    """
    memory, name = whole["memory"], whole["name"]
    for piece in table.slices:
        share, part = _fraction(piece.memory), piece.multiprocessors / table.multiprocessors
        printed = piece.memory_gib
        seen = memory["visible_mib"] * float(share) - table.lost_gib * 1024 if printed is None else printed * 1024
        bandwidth = memory.get("bandwidth_gb_s")
        told = "what nvidia-smi prints for the profile" if printed is not None else "estimated from the whole GPU's"
        size = piece.profile.partition(".")[2].removesuffix("gb")
        yield {
            **{key: whole[key] for key in _KEPT if key in whole},
            "id": f"{whole['id']}-{piece.profile}",
            "name": f"{name} MIG {piece.profile}",
            "slice_of": whole["id"],
            "memory": {
                "marketed_gb": int(size),
                "visible_mib": min(seen, memory["visible_mib"]),
                "visible_basis": "estimated" if printed is None else "derived",
                **({"kind": memory["kind"]} if "kind" in memory else {}),
                **({"bandwidth_gb_s": _rounded(bandwidth * float(share))} if bandwidth else {}),
            },
            "compute": {kind: _rounded(rate * part) for kind, rate in (whole.get("compute") or {}).items()},
            "gpus_per_node": 1,
            "notes": [
                f"A slice of one {name.removeprefix('NVIDIA ')}: {piece.memory} of its memory, {piece.multiprocessors} "
                f"of {table.multiprocessors} multiprocessors. The memory is {told}.",
                "A slice works alone: MIG has no NVLink and no peer-to-peer, so that nothing joins slices.",
            ],
            "sources": [jsonable(source) for source in table.sources],
        }


def check_wholes(table: Slices, file: object, known: Collection[str]) -> None:
    """Every GPU that is cut is a spec that exists.

    Raises:
        CardError: the first that is not.
    """
    if wrong := next((i for i in table.slices_of if i not in known), None):
        raise CardError(str(file), "slices_of", f"no GPU spec is called {wrong!r}")


def named(table: Slices, profile: str) -> tuple[str, ...]:
    """How people call a slice of this family, without saying which form factor or memory the whole GPU has."""
    family = table.family
    return (
        f"{family} {profile}",
        f"{family} MIG {profile}",
        f"NVIDIA {family} {profile}",
        f"MIG {profile}",
        f"mig-{profile}",
        profile,
    )
