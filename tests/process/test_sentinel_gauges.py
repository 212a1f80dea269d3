"""What the sentinel-watcher counts of its Sentinels, and what it answers when it is asked why."""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from test_sentinel_watcher import A, B, C, WithFakes  # noqa: E402


class Gauges(WithFakes):
    def test_tell_who_is_up_and_how_many_agree_since_when(self) -> None:
        begun = time.time()
        watcher = self.watch_until_known()
        for gauge in ("sentinels_known", "sentinels_up", "sentinels_agree"):
            watcher.wait_gauge(3, gauge, "myprimary")
        for sentinel in self.sentinels:
            watcher.wait_gauge(1, "sentinel_up", "main", sentinel.name)
        agreed = watcher.gauges["sentinels_agreed_timestamp_seconds", "myprimary"]
        self.assertTrue(begun <= agreed <= time.time(), agreed)

        self.sentinels[2].close()
        watcher.wait_gauge(0, "sentinel_up", "main", self.sentinels[2].name)
        watcher.wait_gauge(2, "sentinels_up", "myprimary")
        watcher.wait_gauge(2, "sentinels_agree", "myprimary")
        self.assertEqual(watcher.gauges["sentinels_known", "myprimary"], 3)
        self.assertEqual(
            watcher.gauges["sentinels_agreed_timestamp_seconds", "myprimary"],
            agreed,
            "those that answer went on agreeing",
        )
        self.sentinels[2].start_again()
        watcher.wait_gauge(1, "sentinel_up", "main", self.sentinels[2].name)
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")

    def test_agree_anew_when_all_have_heard_of_the_failover(self) -> None:
        watcher = self.watch_until_known()
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        before = watcher.gauges["sentinels_agreed_timestamp_seconds", "myprimary"]
        self.sentinels[0].promote(B, 2)
        watcher.wait_primary(B)
        watcher.wait_gauge(1, "sentinels_agree", "myprimary")
        self.assertEqual(
            watcher.gauges["sentinels_agreed_timestamp_seconds", "myprimary"], before
        )
        moment = time.time()
        for sentinel in self.sentinels[1:]:
            sentinel.switch(B, 2)
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        self.assertGreaterEqual(
            watcher.gauges["sentinels_agreed_timestamp_seconds", "myprimary"], moment
        )

    def test_alone_are_reported_four_times_a_second_at_most(self) -> None:
        watcher = self.watch_until_known()
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        begun, reports = time.monotonic(), watcher.reports
        group = self.sentinels[0].groups["myprimary"]
        while time.monotonic() - begun < 2:
            # Too short for a doubt to be shown: nothing but the gauge changes.
            group.primary = C if group.primary == A else A
            asked = self.sentinels[0].asked("SENTINEL", "MASTER")
            self.sentinels[0].publish("+sdown", "slave x 10.0.0.9 6379 @ myprimary 10.0.0.1 6379")
            self.sentinels[0].wait_for(
                lambda: self.sentinels[0].asked("SENTINEL", "MASTER") > asked, "asked"
            )
        gone, reports = time.monotonic() - begun, watcher.reports - reports
        self.assertLessEqual(reports, 4 * gone + 1)
        self.assertGreaterEqual(reports, 2, "the gauge changed all the time")

    def test_of_a_group_that_no_sentinel_knows_tell_that_nobody_agrees(self) -> None:
        watcher = self.watch(groups=["myprimary", "unknown"])
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        watcher.wait_gauge(3, "sentinels_up", "unknown")
        self.assertEqual(watcher.gauges["sentinels_agree", "unknown"], 0)
        self.assertNotIn(("sentinels_agreed_timestamp_seconds", "unknown"), watcher.gauges)


class Explanation(WithFakes):
    def test_tells_what_each_sentinel_says_and_why_it_was_decided_so(self) -> None:
        watcher = self.watch_until_known()
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        told = watcher.ask()
        self.assertEqual(
            (told["group"], told["act_on"], told["demote_on"], told["known"]),
            ("myprimary", "announcement", "switch", 3),
        )
        self.assertEqual(
            [sentinel["address"] for sentinel in told["sentinels"]],
            [sentinel.name for sentinel in self.sentinels],
        )
        for sentinel in told["sentinels"]:
            age = sentinel.pop("age_ms")
            self.assertTrue(0 <= age < 60_000, age)
            del sentinel["address"]
            self.assertEqual(
                sentinel,
                {
                    "standing": "answers",
                    "tilt": False,
                    "primary": "10.0.0.1:6379",
                    "epoch": 1,
                    "down": False,
                    "objectively_down": False,
                    "reported_replica": False,
                    "failover": "none",
                },
            )
        because = told["decision"].pop("because")
        self.assertRegex(because, "of 3 Sentinels name it under epoch 1")
        self.assertEqual(
            told["decision"],
            {
                "primary": "10.0.0.1:6379",
                "state": "known",
                "era": 0,
                "epoch": 1,
                "step": 0,
                "settled": True,
            },
        )
        self.assertEqual((told["instances"], told["doubts"]), ([], []))

    def test_tells_of_those_that_are_gone_refuse_or_disagree(self) -> None:
        watcher = self.watch_until_known()
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        self.sentinels[0].close()
        self.sentinels[1].groups["myprimary"].primary = C
        del self.sentinels[2].groups["myprimary"]
        watcher.wait_problem("sentinels-disagree", "myprimary")
        watcher.wait_problem("no-such-group", "myprimary")
        told = watcher.ask()
        self.assertEqual(
            [sentinel["standing"] for sentinel in told["sentinels"]],
            ["out of reach", "answers", "knows no such group"],
        )
        self.assertEqual(told["sentinels"][0]["primary"], "10.0.0.1:6379", "its last word")
        self.assertEqual(told["sentinels"][1]["primary"], "10.0.0.3:6379")
        doubts = {doubt["id"]: doubt for doubt in told["doubts"]}
        self.assertIn("10.0.0.3:6379", doubts["sentinels-disagree"]["message"])
        self.assertTrue(doubts["sentinels-disagree"]["shown"])

    def test_of_a_group_that_is_not_known_yet_has_no_decision(self) -> None:
        watcher = self.watch(groups=["myprimary", "unknown"])
        watcher.wait_primary(A)
        watcher.wait_problem("primary-unknown", "unknown")
        told = watcher.ask("unknown")
        self.assertIsNone(told["decision"])
        self.assertIn("primary-unknown", [doubt["id"] for doubt in told["doubts"]])

    def test_says_so_where_the_group_is_none_of_its(self) -> None:
        self.assertIn("error", self.watch_until_known().ask("x"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
