"""A straight line through what was measured at several sizes, and what it leaves over. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """By least squares: `start` + `slope` for each one more. Sizes that were measured; `left` is the root of the mean square
    of what is left over, `most_left` the largest of it."""

    slope: float
    start: float
    left: float
    most_left: float
    n: int

    def at(self, size: float) -> float:
        return self.start + self.slope * size


Points = Sequence[tuple[float, float]]  # size, figure


def line(points: Points) -> Line | None:
    """None where fewer than two sizes were measured."""
    if len({size for size, _ in points}) < 2:
        return None
    sizes, figures = [float(size) for size, _ in points], [figure for _, figure in points]
    slope, start = statistics.linear_regression(sizes, figures)
    left = [figure - start - slope * size for size, figure in points]
    return Line(slope, start, statistics.fmean(each * each for each in left) ** 0.5, max(map(abs, left)), len(points))
