"""Bytes and how they are printed: the one place that knows GiB (2**30) from GB (10**9)."""

from __future__ import annotations

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


def ceil_div(a: int, b: int) -> int:
    """The smallest integer not below a / b."""
    return -(-a // b)


def round_up(a: int, multiple: int) -> int:
    """The smallest multiple of ``multiple`` not below a."""
    return ceil_div(a, multiple) * multiple
