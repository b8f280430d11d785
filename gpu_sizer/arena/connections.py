"""Which models can be compared at all: the condition under which maximum-likelihood ratings are finite.

They are if and only if every model has beaten every other through some chain of wins (L. R. Ford Jr., 1957): the
graph "a took points from b" is strongly connected. A model that never lost stands infinitely far above; leaving it out
changes no other rating, since its battles are certain in the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from gpu_sizer.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

Reason = Literal["unbeaten", "winless", "disconnected"]


@dataclass(frozen=True, slots=True)
class Group:
    """Models (by index) without a finite rating beside the rated ones, and why."""

    members: tuple[int, ...]
    reason: Reason


def _reachable(links: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
    seen = np.zeros(len(links), dtype=bool)
    seen[start] = True
    edge = seen.copy()
    while edge.any():
        edge = links[edge].any(axis=0) & ~seen
        seen |= edge
    return seen


def components(links: NDArray[np.bool_]) -> list[list[int]]:
    """Strongly connected components, each sorted, in order of their first member."""
    groups: list[list[int]] = []
    left = np.ones(len(links), dtype=bool)
    for i in range(len(links)):
        if left[i]:
            both = _reachable(links, i) & _reachable(links.T, i)
            left &= ~both
            groups.append(np.flatnonzero(both).tolist())
    return groups


def comparable(wins: NDArray[np.float64]) -> tuple[list[int], list[Group]]:
    """The models that can be rated together (the component with most battles), and the groups that cannot."""
    links = wins > 0
    played = wins + wins.T
    parts = components(links)
    main = max(parts, key=lambda c: (float(played[np.ix_(c, c)].sum()), len(c)))
    beats, beaten_by = _reachable(links, main[0]), _reachable(links.T, main[0])
    groups = []
    for members in parts:
        if members is not main:
            reason: Reason = "winless" if beats[members[0]] else "unbeaten" if beaten_by[members[0]] else "disconnected"
            groups.append(Group(tuple(members), reason))
    return main, groups
