"""Which parts there are, what each is measured at, and what a state file has of it already. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Point = dict[str, Any]  # "part", "size" and what was measured there

# What each is of, and the sizes that are measured when nothing else is said.
PARTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "groups": ("group", (1, 10, 100, 300, 1000)),
    "pods": ("pod", (3, 100, 500, 1000, 2500, 5000)),
    "storm": ("group", (1, 10, 50, 100, 200)),
    "instances": ("instance", (3, 20, 50, 100, 200)),
}


def to_do(sizes: Mapping[str, Sequence[int]], done: Sequence[Point]) -> list[tuple[str, int]]:
    """In the order of the parts, small before large."""
    known = {(point["part"], point["size"]) for point in done}
    wanted = [(part, size) for part in PARTS if part in sizes for size in sorted(set(sizes[part]))]
    return [each for each in wanted if each not in known]


def points_of(points: Sequence[Point], part: str) -> list[Point]:
    """By size; of two of one size the later one."""
    found = {point["size"]: point for point in points if point["part"] == part}
    return [found[size] for size in sorted(found)]


def figures_of(points: Sequence[Point], figure: str) -> list[tuple[float, float]]:
    return [(point["size"], point[figure]) for point in points if point.get(figure) is not None]
