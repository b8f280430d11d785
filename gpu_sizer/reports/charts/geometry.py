"""Boxes, points and straight lines in pixels, and marks of logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: How much larger the next mark on a logarithmic axis must be, so that their figures stay apart.
APART = 1.14

#: Left, bottom, right, top.
Box = tuple[float, float, float, float]
#: From x, y to x, y.
Segment = tuple[float, float, float, float]
Point = tuple[float, float]


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share any area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(point: Point, box: Box) -> bool:
    """Whether a point lies in a box."""
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def padded(box: Box, pad: float) -> Box:
    """A box that is larger by so much on every side."""
    return (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)


def distance(box: Box, point: Point) -> float:
    """How far a point is from a box; 0 inside."""
    x, y = point
    return math.hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3]))


def line_to(box: Box, point: Point) -> Segment:
    """The line from a point to the nearest place of a box."""
    return (*point, min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3]))


def crosses(box: Box, segment: Segment) -> bool:
    """Whether a straight line passes through a box (Y.-D. Liang and B. A. Barsky, 1984)."""
    x0, y0, x1, y1 = segment
    begin, end = 0.0, 1.0
    for step, low, high in ((x1 - x0, box[0] - x0, box[2] - x0), (y1 - y0, box[1] - y0, box[3] - y0)):
        if step == 0:
            if low > 0 or high < 0:
                return False
            continue
        first, last = sorted((low / step, high / step))
        begin, end = max(begin, first), min(end, last)
        if begin > end:
            return False
    return True


def meet(a: Segment, b: Segment) -> bool:
    """Whether two straight lines cross in their insides."""

    def side(line: Segment, x: float, y: float) -> float:
        return (line[2] - line[0]) * (y - line[1]) - (line[3] - line[1]) * (x - line[0])

    return side(a, b[0], b[1]) * side(a, b[2], b[3]) < 0 and side(b, a[0], a[1]) * side(b, a[2], a[3]) < 0


def least_ratio(low: float, high: float, inches: float, each: float) -> float:
    """How much larger the next mark of a logarithmic axis of a length must be for figures of a height to stay apart."""
    return float((high / low) ** (each / inches))


def ticks(first: Sequence[int], others: Sequence[int], apart: float = APART) -> list[int]:
    """Counts to mark on a logarithmic axis: the first ones, and others where there is room."""
    marks: list[int] = []
    for count in (*sorted(set(first)), *sorted(set(others))):
        if all(max(count, m) >= apart * min(count, m) for m in marks):
            marks.append(count)
    return sorted(marks)
