#!/usr/bin/env python3
"""The pure parts of what measures growth."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0]), str(HERE.parents[1])]

from curve import line  # noqa: E402
from goals import judge, memory_of_group  # noqa: E402
from picture import picture  # noqa: E402
from plan import Point, points_of, to_do  # noqa: E402
from report import lines_of, tables  # noqa: E402
from requests_made import Request  # noqa: E402
from storm import most_at_once  # noqa: E402


def points(part: str, figures: dict[int, float], figure: str = "private_kb", **more: float) -> list[Point]:
    return [{"part": part, "size": size, figure: value, **more} for size, value in figures.items()]


class ALine(unittest.TestCase):
    def test_of_points_on_it_leaves_nothing_over(self) -> None:
        found = line([(1, 12.0), (10, 30.0), (100, 210.0)])
        assert found is not None
        self.assertAlmostEqual(found.slope, 2.0)
        self.assertAlmostEqual(found.start, 10.0)
        self.assertAlmostEqual(found.most_left, 0.0)
        self.assertAlmostEqual(found.at(50), 110.0)

    def test_tells_what_it_leaves_over(self) -> None:
        found = line([(0, 0.0), (1, 3.0), (2, 0.0)])
        assert found is not None
        self.assertAlmostEqual(found.slope, 0.0)
        self.assertAlmostEqual(found.most_left, 2.0)
        self.assertAlmostEqual(found.left, 2.0**0.5)

    def test_needs_two_sizes(self) -> None:
        self.assertIsNone(line([(3, 1.0), (3, 2.0)]))
        self.assertIsNone(line([]))


class WhatIsToDo(unittest.TestCase):
    def test_is_what_the_state_has_not(self) -> None:
        done = points("groups", {1: 0.0}) + points("storm", {10: 0.0})
        self.assertEqual(
            to_do({"storm": [10, 1], "groups": [10, 1, 10]}, done), [("groups", 10), ("storm", 1)]
        )

    def test_the_later_of_two_of_one_size_counts(self) -> None:
        twice = points("groups", {1: 5.0}) + points("groups", {1: 6.0})
        self.assertEqual([point["private_kb"] for point in points_of(twice, "groups")], [6.0])


class Goals(unittest.TestCase):
    GROUPS = points("groups", {1: 100.0, 11: 180.0}, pods_of_a_group=3)

    def verdict(self, measured: list[Point], beginning: str) -> bool:
        (text,) = [text for text in judge(measured) if text.startswith(beginning)]
        return judge(measured)[text]

    def test_a_group_is_judged_without_its_pods(self) -> None:
        self.assertFalse(self.verdict(self.GROUPS, "memory grows by <= 6"))
        both = self.GROUPS + points("pods", {3: 10.0, 13: 18.0})
        self.assertTrue(self.verdict(both, "memory grows by <= 6"))
        self.assertTrue(self.verdict(both, "memory grows by <= 1 kB"))
        found = memory_of_group(both)
        assert found is not None
        self.assertAlmostEqual(found[0], 5.6)
        self.assertAlmostEqual(found[1], 8.0)

    def test_a_pod_may_cost_one_kilobyte(self) -> None:
        self.assertFalse(self.verdict(points("pods", {0: 0.0, 100: 101.0}), "memory grows by <= 1 kB"))

    def test_a_storm_is_judged_at_200_groups_alone(self) -> None:
        self.assertFalse(self.verdict(points("storm", {100: 1.0}, "by_floor"), "a storm of 100"))
        self.assertTrue(self.verdict(points("storm", {100: 9.0, 200: 1.25}, "by_floor"), "a storm of 200"))
        self.assertFalse(self.verdict(points("storm", {200: 1.26}, "by_floor"), "a storm of 200"))

    def test_writes_are_judged_at_200_instances(self) -> None:
        for size, writes, met in ((200, 5.0, True), (200, 6.0, False), (100, 2.0, False)):
            measured = points("instances", {size: writes}, "writes", pods_of_a_group=3)
            self.assertEqual(self.verdict(measured, f"{size} instances"), met)


class Output(unittest.TestCase):
    MEASURED = points("groups", {1: 100.0, 11: 180.0}, pods_of_a_group=3)

    def test_a_table_has_a_column_for_each_size_and_the_slope(self) -> None:
        text = "\n".join(tables(self.MEASURED))
        self.assertIn("for each group", text)
        self.assertIn("| 100 | 180 |              8 |", text)
        self.assertNotIn("pods", text)

    def test_lines_are_of_what_was_measured(self) -> None:
        self.assertEqual(list(lines_of(self.MEASURED)), ["groups"])

    def test_a_picture_has_a_dot_for_each_size(self) -> None:
        self.assertEqual(picture(self.MEASURED).count("<circle"), 2)
        self.assertIn("</svg>", picture([]))


class AtOnce(unittest.TestCase):
    def test_counts_what_overlaps(self) -> None:
        made = [Request("patch pods", begun, done, 200) for begun, done in ((0, 2), (1, 3), (2, 4), (3.5, 5))]
        self.assertEqual(most_at_once(made), 2)
        self.assertEqual(most_at_once([]), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
