"""Bytes and figures and how they are printed: the one place that knows GiB (2**30) from GB (10**9)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    import numpy as np
    from numpy.typing import NDArray

    #: A whole number, or an array of them: formulas of the cache are written once for both.
    Whole = TypeVar("Whole", int, NDArray[np.int64])

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
GB = 10**9


def gib(size: float) -> str:
    """A size in bytes as GiB with the digits that matter: ``43.7 GiB``."""
    value = size / GIB
    return f"{value:,.2f} GiB" if abs(value) < 10 else f"{value:,.1f} GiB"


def gb(size: float) -> str:
    """A size in bytes as decimal GB: ``93.4 GB``."""
    value = size / GB
    return f"{value:,.2f} GB" if abs(value) < 10 else f"{value:,.1f} GB"


def rounded(value: float) -> str:
    """A figure with the digits that matter: ``31.2``, ``3,060``."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def ceil_div(a: Whole, b: int) -> Whole:
    """The smallest integer not below a / b."""
    return -(-a // b)


def lesser(limit: int, values: Whole) -> Whole:
    """The values, none above the limit."""
    return min(limit, values) if isinstance(values, int) else values.clip(max=limit)


def greater(a: Whole, b: Whole) -> Whole:
    """The larger of two, value by value."""
    if isinstance(a, int):
        return max(a, b)
    larger: Whole = a + (b - a).clip(min=0)
    return larger


def round_up(a: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` not below a."""
    return ceil_div(a, multiple) * multiple
