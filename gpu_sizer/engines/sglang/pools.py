"""SGLang's pools: one of tokens, one of windows in a fixed ratio, and one of states in another.

From ``model_executor/pool_configurator.py`` and ``mem_cache/kv_cache_configurator.py`` (0.5.23). The ratios are
fixed at start, so a load that needs much of one pool pays for the others with it.
"""

from __future__ import annotations

from math import ceil

from gpu_sizer.engines.held import Cells
from gpu_sizer.engines.sglang.reserve import constants


def token_bytes(cells: Cells) -> int:
    """Bytes of one token of ``max_total_num_tokens``, its share of the windowed pool included."""
    ratio: float = constants()["windows_ratio"]
    return ceil(cells.full + ratio * cells.windowed) if cells.full else cells.windowed


def _tokens_needed(cells: Cells, context: int, users: int, chunk: int) -> int:
    """Tokens of the pool that the requests need; a window must hold a chunk beside itself."""
    tokens = users * context
    if not cells.windowed:
        return tokens
    windows = users * min(context, cells.window + chunk)
    ratio: float = constants()["windows_ratio"]
    return max(tokens, ceil(windows / ratio)) if cells.full else windows


def needed_bytes(cells: Cells, context: int, users: int, chunk: int) -> int:
    """Bytes that all pools together need for the load."""
    tokens = _tokens_needed(cells, context, users, chunk) * token_bytes(cells)
    if not cells.states:
        return tokens
    # states : tokens = ratio : 1 of what the two share, and a padding slot of states.
    ratio: float = constants()["states_ratio"]
    slots: int = users * constants()["state_slots"] + 1
    return max(ceil(slots * cells.states * (1 + ratio) / ratio), ceil(tokens * (1 + ratio)))


def held(cells: Cells, available: int) -> tuple[int, int | None]:
    """Tokens and, where there are states, requests that a budget holds."""
    available = max(0, available)
    if not cells.states:
        return (available // token_bytes(cells) if token_bytes(cells) else 0), None
    ratio = constants()["states_ratio"]
    slots = max(0, int(available * ratio / (1 + ratio)) // cells.states - 1)
    left = available - (slots + 1) * cells.states
    tokens = max(0, left) // token_bytes(cells) if token_bytes(cells) else 0
    return tokens, slots // constants()["state_slots"]
