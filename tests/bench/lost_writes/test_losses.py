"""What counts as lost, and for how long writes failed."""

from __future__ import annotations

import unittest

from losses import Attempt, losses


def attempts(*acknowledged: bool) -> list[Attempt]:
    """One every 10 s, each over after 1 s."""
    return [Attempt(i, 10.0 * i, 10.0 * i + 1.0, each) for i, each in enumerate(acknowledged)]


class WhatIsLost(unittest.TestCase):
    def test_an_acknowledged_write_that_is_not_there_is_lost(self) -> None:
        found = losses(attempts(True, True, True, True), kept={0, 3}, t0=0.0)
        self.assertEqual((found.acknowledged, found.lost), (4, 2))
        self.assertEqual(found.lost_ms, 10_000.0)

    def test_a_write_that_failed_is_not_lost_whether_it_is_there_or_not(self) -> None:
        found = losses(attempts(True, False, False), kept={0, 2}, t0=0.0)
        self.assertEqual((found.acknowledged, found.failed, found.lost), (1, 2, 0))
        self.assertEqual(found.lost_ms, 0.0)

    def test_writes_fail_from_the_first_that_does_to_the_next_acknowledgement(self) -> None:
        found = losses(attempts(True, False, False, True, False, True), kept=range(6), t0=0.0)
        self.assertEqual(found.failed_ms, 21_000.0 + 11_000.0)

    def test_writes_that_fail_in_the_end_fail_until_then(self) -> None:
        self.assertEqual(losses(attempts(True, False, False), kept={0}, t0=0.0).failed_ms, 11_000.0)

    def test_what_failed_before_the_new_primary_took_writes_is_told_apart(self) -> None:
        tries = attempts(True, False, False, True, False, True)
        self.assertEqual(losses(tries, kept=range(6), t0=25.0).failed_after_t0_ms, 17_000.0)
        self.assertEqual(losses(tries, kept=range(6), t0=45.0).failed_after_t0_ms, 6_000.0)

    def test_the_time_of_a_write_is_that_of_the_acknowledged_ones(self) -> None:
        tries = [*attempts(True), Attempt(1, 10.0, 19.0, False), Attempt(2, 20.0, 23.0, True)]
        self.assertEqual(losses(tries, kept={0, 2}, t0=0.0).write_ms, 2_000.0)

    def test_nothing_written_is_nothing_lost(self) -> None:
        self.assertEqual(losses([], kept=set(), t0=0.0).lost, 0)


if __name__ == "__main__":
    unittest.main()
