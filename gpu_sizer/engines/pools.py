"""Token pools: what a load takes of them, and how many tokens a budget holds."""

from __future__ import annotations

from gpu_sizer.engines.held import Cells
from gpu_sizer.units import round_up


def request_tokens(context: int, page: int) -> int:
    """Tokens of whole pages that one request takes."""
    return round_up(context, page)


def full_pool_bytes(cells: Cells, context: int, users: int, page: int) -> int:
    """Bytes of a pool in which every layer keeps every token."""
    return users * request_tokens(context, page) * cells.full


def full_pool_tokens(cells: Cells, available: int, page: int) -> int:
    """Tokens that a budget holds where every layer keeps every token, in whole pages."""
    if cells.full == 0:
        return 0
    return max(0, available) // (cells.full * page) * page
