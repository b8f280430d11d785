"""Where labels go: for each a place near its point, so that together they cover as little as possible.

Every label has about a hundred places. What a place costs on its own (points and lines below it, its distance) is found
once; then labels are placed one after another in several orders, each is moved again where that helps, and the cheapest
arrangement wins. No label ever covers another.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import permutations

from gpu_sizer.records import dataclass
from gpu_sizer.reports.charts.geometry import (
    Box,
    Point,
    Segment,
    crosses,
    distance,
    inside,
    line_to,
    meet,
    overlap,
    padded,
)

#: Directions in which a label may stand, the best first, as (x, y) of a step.
DIRECTIONS = (
    *((1, 0.35), (-1, 0.35), (1, -0.35), (-1, -0.35), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)),
    *((0.4, 1), (-0.4, 1), (0.4, -1), (-0.4, -1)),
)
#: Distances in points from the point's middle.
DISTANCES = (7.0, 12.0, 19.0, 28.0, 38.0, 50.0, 64.0, 80.0)
#: From this distance on a thin line leads from the label to its point.
LEADER_FROM = 16.0
#: Points of room around a label, and between it and the middle of a point.
PADDING, CLEAR = 2.0, 6.0
#: Orders tried, and how often each label is moved again in each.
ORDERS, SWEEPS = 24, 2

#: What a place costs: for each point, speck, line, faint line and leader that it meets.
POINT, SPECK, LINE, FAINT, LEADER = 80.0, 5.0, 45.0, 7.0, 70.0
#: For a point nearer to the label than its own, a line that its leader crosses, a point of distance, a worse direction.
NEARER, CROSSING, DISTANCE, DIRECTION = 24.0, 9.0, 0.35, 0.4
#: For a label without a place.
MISSING = 500.0


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What labels should keep off, in pixels."""

    points: tuple[Point, ...] = ()
    specks: tuple[Point, ...] = ()
    """Points of less weight."""
    lines: tuple[Segment, ...] = ()
    faint: tuple[Segment, ...] = ()
    """Lines of less weight."""


@dataclass(frozen=True, slots=True)
class Place:
    """A box for a label, what it costs on its own, its distance in points, and its leader if it needs one."""

    cost: float
    box: Box
    wide: Box
    far: float
    leader: Segment | None


def _boxes(point: Point, size: tuple[float, float], scale: float) -> Iterator[tuple[Box, float, int]]:
    """Boxes around a point with their distance in points, nearest first."""
    width, height = size
    for far in DISTANCES:
        for order, (dx, dy) in enumerate(DIRECTIONS):
            length = math.hypot(dx, dy)
            x, y = point[0] + dx / length * far * scale, point[1] + dy / length * far * scale
            left = x if dx > 0 else x - width if dx < 0 else x - width / 2
            bottom = y - height / 2 if abs(dy) < 0.5 else y if dy > 0 else y - height
            yield (left, bottom, left + width, bottom + height), far, order


def places(point: Point, size: tuple[float, float], frame: Box, obstacles: Obstacles, scale: float) -> list[Place]:
    """Every place of one label within the frame, the cheapest first.

    Args:
        point: what the label belongs to, in pixels.
        size: width and height of its text in pixels.
        frame: the box it must stay in.
        obstacles: what it should keep off.
        scale: pixels in a point (1/72 inch).
    """
    made = []
    for box, far, order in _boxes(point, size, scale):
        if box[0] < frame[0] or box[1] < frame[1] or box[2] > frame[2] or box[3] > frame[3]:
            continue
        wide, clear = padded(box, PADDING * scale), padded(box, CLEAR * scale)
        cost = far * DISTANCE + order * DIRECTION
        cost += POINT * sum(inside(p, clear) for p in obstacles.points if p != point)
        cost += POINT * inside(point, wide)
        cost += SPECK * sum(inside(p, wide) for p in obstacles.specks)
        cost += LINE * sum(crosses(wide, line) for line in obstacles.lines)
        cost += FAINT * sum(crosses(wide, line) for line in obstacles.faint)
        own = distance(box, point)
        cost += NEARER * sum(distance(box, p) < own for p in obstacles.points)
        leader = None
        if far >= LEADER_FROM:
            leader = line_to(box, point)
            cost += CROSSING * sum(meet(leader, line) for line in obstacles.lines)
        made.append(Place(cost, box, wide, far, leader))
    return sorted(made, key=lambda p: p.cost)


def _cheapest(own: Sequence[Place], others: Sequence[Place], worth: float) -> tuple[Place | None, float]:
    best, least = None, worth
    for place in own:
        if place.cost >= least:
            break
        if any(overlap(place.wide, other.box) for other in others):
            continue
        cost = place.cost
        for other in others:
            if other.leader is not None:
                cost += LEADER * crosses(place.wide, other.leader)
                cost += CROSSING * (place.leader is not None and meet(place.leader, other.leader))
            if place.leader is not None:
                cost += LEADER * crosses(other.wide, place.leader)
        if cost < least:
            best, least = place, cost
    return best, least


def _arrange(
    every: Sequence[Sequence[Place]], worth: Sequence[float], order: Sequence[int]
) -> tuple[float, dict[int, Place]]:
    chosen: dict[int, Place] = {}
    costs: dict[int, float] = {}
    for _ in range(1 + SWEEPS):
        for i in order:
            place, costs[i] = _cheapest(every[i], [p for j, p in chosen.items() if j != i], worth[i])
            if place is None:
                chosen.pop(i, None)
            else:
                chosen[i] = place
    return sum(costs.values()), chosen


def _total(worth: Sequence[float], chosen: dict[int, Place]) -> float:
    """What an arrangement costs, each label on its own and with the others."""
    cost = sum(w for i, w in enumerate(worth) if i not in chosen)
    for i, place in chosen.items():
        cost += _cheapest([place], [p for j, p in chosen.items() if j != i], MISSING)[1]
    return cost


def _exchanged(every: Sequence[Sequence[Place]], worth: Sequence[float], chosen: dict[int, Place]) -> dict[int, Place]:
    """The arrangement after neighbours have been placed anew in the other order, wherever that is cheaper."""
    least = _total(worth, chosen)
    for i, j in permutations(range(len(every)), 2):
        if i not in chosen or j not in chosen:
            continue
        reach = 3 * (chosen[i].box[3] - chosen[i].box[1])
        if not overlap(padded(chosen[i].box, reach), chosen[j].box):
            continue
        tried = {k: p for k, p in chosen.items() if k not in (i, j)}
        for k in (i, j):
            place, _ = _cheapest(every[k], list(tried.values()), worth[k])
            if place is not None:
                tried[k] = place
        if (cost := _total(worth, tried)) < least:
            chosen, least = tried, cost
    return chosen


def arrange(every: Sequence[Sequence[Place]], worth: Sequence[float] | None = None) -> dict[int, Place]:
    """The place of each label by its number; labels that find none are missing.

    Args:
        every: the places of each label, cheapest first, the most important label first.
        worth: what each label may cost before it is better left out.
    """
    worth = worth or [MISSING] * len(every)
    orders = [list(range(len(every)))]
    generator = random.Random(0)
    for _ in range(ORDERS - 1):
        orders.append(generator.sample(orders[0], len(every)))
    _, chosen = min((_arrange(every, worth, order) for order in orders), key=lambda kept: kept[0])
    return _exchanged(every, worth, chosen)
