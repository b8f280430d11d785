"""SGLang's pools: one of tokens, one of windows in a fixed ratio, and one of states in another.

From ``model_executor/pool_configurator.py`` and ``mem_cache/kv_cache_configurator.py`` (0.5.23). The ratios are
fixed at start, so a load that needs much of one pool pays for the others with it.
"""

from __future__ import annotations

from math import ceil

from gpu_sizer.engines.held import Cells
from gpu_sizer.engines.sglang.reserve import constants
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Pools(Protocol):
        """What one stage keeps on one rank, for one load."""

        def needed(self) -> int:
            """Bytes for the load."""

        def held(self, available: int) -> tuple[int, float | None]:
            """Tokens and, where something beside them limits them, requests that a budget holds."""


def token_bytes(cells: Cells) -> float:
    """Bytes of one token of ``max_total_num_tokens``, its share of the windowed pool included."""
    ratio: float = constants()["windows_ratio"]
    return cells.full + ratio * cells.windowed if cells.full and cells.windowed else cells.full + cells.windowed


def _tokens_needed(cells: Cells, context: int, users: int, chunk: int) -> int:
    """Tokens of the pool that the requests need; a window must hold a chunk beside itself."""
    tokens = users * context
    if not cells.windowed:
        return tokens
    windows = users * min(context, cells.window + chunk)
    ratio: float = constants()["windows_ratio"]
    return max(tokens, ceil(windows / ratio)) if cells.full else windows


@dataclass(frozen=True, slots=True)
class StateSlots:
    """States that the pool holds, a padding slot beside them not counted."""

    a_request: int
    fixed: int | None = None
    """So many, and not a ratio of what the pools share."""
    verified: int = 0
    """States more of each request that runs: one of each token that one pass verifies."""
    running: int = 0
    """Requests that run at once at the most, where tokens are verified."""

    def verifying(self, slots: int) -> int:
        """States beside so many slots that a pass of verification keeps, a padding request's included."""
        return (min(self.running, slots // self.a_request) + 1) * self.verified if self.verified else 0


def state_slots(prefix_caching: bool | None, max_num_seqs: int | None, verified: int = 0) -> StateSlots:
    """What a load asks for (``_calculate_mamba_ratio``, ``_handle_max_mamba_cache``).

    Where no prefix is kept a request has one state, and where its requests are told there is one for each.
    """
    running = max_num_seqs or 0
    if prefix_caching is False:
        return StateSlots(1, max_num_seqs, verified, running)
    return StateSlots(constants()["state_slots"], None, verified, running)


def needed_bytes(cells: Cells, context: int, users: int, chunk: int, states: StateSlots) -> int:
    """Bytes that all pools together need for the load."""
    tokens = ceil(_tokens_needed(cells, context, users, chunk) * token_bytes(cells))
    if not cells.states:
        return tokens
    if states.fixed is not None:
        return tokens + (states.fixed + 1 + states.verifying(states.fixed)) * cells.states
    # states : tokens = ratio : 1 of what the two share, a padding slot of states and those of a pass of verification.
    ratio: float = constants()["states_ratio"]
    slots: int = users * (states.a_request + states.verified) + 1 + states.verified
    return max(ceil(slots * cells.states * (1 + ratio) / ratio), ceil(tokens * (1 + ratio)))


@dataclass(frozen=True, slots=True)
class TokenPools:
    """The pools of one stage on one rank, for one load."""

    cells: Cells
    states: StateSlots
    context: int
    users: int
    chunk: int

    def needed(self) -> int:
        """Bytes for the load."""
        return needed_bytes(self.cells, self.context, self.users, self.chunk, self.states)

    def held(self, available: int) -> tuple[int, int | None]:
        """Tokens and, where there are states, requests that a budget holds."""
        return held(self.cells, available, self.states)


def least_bytes(cells: Cells, context: int, chunk: int) -> int:
    """Bytes that each request more needs at least, of all stages over which such layers are cut.

    A stage of windows alone has no more of them, and none is wider than a chunk; of states and tokens the more counts.
    """
    return max(context * cells.full + min(context, chunk) * cells.windowed, cells.states)


def held(cells: Cells, available: int, states: StateSlots) -> tuple[int, int | None]:
    """Tokens and, where there are states, requests that a budget holds."""
    available = max(0, available)
    if not cells.states:
        return (int(available / token_bytes(cells)) if token_bytes(cells) else 0), None
    ratio = constants()["states_ratio"]
    slots = states.fixed
    if slots is None:
        room = int(available * ratio / (1 + ratio)) // cells.states - 1 - states.verified
        slots = max(0, room * states.a_request // (states.a_request + states.verified))
    left = available - (slots + 1 + states.verifying(slots)) * cells.states
    tokens = int(max(0, left) / token_bytes(cells)) if token_bytes(cells) else 0
    return tokens, slots // states.a_request
