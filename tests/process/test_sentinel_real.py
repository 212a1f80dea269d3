"""The sentinel-watcher against real Sentinels: earliest moment, least rights, rest.

Where these are wrong: test_wrong_sentinels.py and its like."""

from __future__ import annotations

import functools
import sys
import time
import unittest
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.processes import PATIENCE, stop_on_signals  # noqa: E402
from lab.rights import instance_rights, sentinel_rights  # noqa: E402
from lab.valkey import Failover, ValkeyGroup  # noqa: E402
from watcher_alone import (  # noqa: E402
    AccessSettings,
    GroupSettings,
    SentinelSettings,
    Topology,
    Watcher,
)


def undone_ones_again(test: Callable[[Real], None]) -> Callable[[Real], None]:
    """Where Sentinels undid a failover of their own there is none to follow: on a group of new servers, once more."""

    @functools.wraps(test)
    def played(self: Real) -> None:
        try:
            test(self)
        except (AssertionError, RuntimeError, TimeoutError):  # they may go on naming one that is a replica by then
            if self.group.had_one_alone(self.begun):
                raise
            print("Sentinels undid their own failover: another group")
            self.make_group()
            self.setUp()
            test(self)

    return played


class Real(unittest.TestCase):
    group: ValkeyGroup
    begun = 0.0  # the last failover

    @classmethod
    def setUpClass(cls) -> None:
        cls.make_group()

    @classmethod
    def make_group(cls) -> None:
        cls.group = cls.enterClassContext(
            ValkeyGroup(
                sentinel_lines=(f"user watcher on >secret {sentinel_rights()}",),
                instance_lines=(f"user asker on >secret {instance_rights()}",),
            )
        )

    def setUp(self) -> None:
        self.group.wait_healthy()
        self.watcher = self.enterContext(
            Watcher(
                SentinelSettings(
                    [sentinel.address for sentinel in self.group.sentinels.all],
                    username="watcher",
                    password="secret",
                )
            )
        )
        self.known = self.watcher.wait_primary(self.group.primary().address)
        self.watcher.wait_for(lambda: len(self.watcher.newest().replicas) == 2, "two replicas")

    def fail_over(self, kind: str) -> Failover:
        begin = {
            "kill": self.group.kill_primary,
            "pause": self.group.pause_primary,
            "planned": self.group.sentinel_failover,
        }[kind]
        self.begun = time.monotonic()
        failover = self.group.wait_failover(begin())
        if kind == "pause":
            failover.old.resume()
        return failover

    def moves_since(self, before: int) -> list[Topology]:
        """Topologies that name another primary than the one before them."""
        told = self.watcher.of()
        return [
            topology
            for last, topology in zip(told[before - 1 :], told[before:])
            if last.primary != topology.primary
        ]

    @undone_ones_again
    def test_follows_each_kind_of_failover_once_and_at_the_first_word(self) -> None:
        for kind in ("kill", "planned", "pause"):
            print(kind)
            before = len(self.watcher.of())
            failover = self.fail_over(kind)
            topology = self.watcher.wait_primary(failover.new.address)
            moves = self.moves_since(before)
            self.assertEqual([move.primary for move in moves], [failover.new.address], moves)
            self.assertGreater(topology.epoch, self.known.epoch)
            self.known = topology
            # The lab hears of it in a thread of its own, a little later or earlier.
            self.assertLess(moves[0].heard - failover.event.time, 0.1 * PATIENCE)
            if failover.t0 is not None:
                self.assertLess(moves[0].heard - failover.t0, 1.5)
            self.group.heal(failover)
            self.group.wait_healthy()
            self.watcher.wait_for(
                lambda: [r[2] for r in self.watcher.newest().replicas] == [True, True],
                "healthy",
                30,  # Sentinel asks its replicas every 10 s, and is asked every 5 s
            )
        self.assertEqual(self.watcher.problems, {})
        # A machine that is busy elsewhere can send a Sentinel into tilt mode, rightly told.
        self.assertEqual(
            [
                line
                for line in self.watcher.log
                if line["level"] == "warning" and "tilt mode" not in line["message"]
            ],
            [],
        )

    @undone_ones_again
    def test_a_promotion_is_heard_of_the_instance_itself_with_the_least_rights(self) -> None:
        with self.watch_promotions("secret") as watcher:
            watcher.wait_primary(self.group.primary().address)
            for kind in ("planned", "kill"):
                print(kind)
                before = len(watcher.of())
                failover = self.fail_over(kind)
                watcher.wait_primary(failover.new.address)
                told = [one for one in watcher.of()[before:] if one.cause != "SENTINEL REPLICAS"]
                self.assertEqual({one.primary for one in told}, {failover.new.address})
                provisional, confirmed = told
                self.assertEqual((provisional.step, confirmed.step), (1, 0), "steps")
                self.assertEqual(confirmed.epoch, self.group.sentinels.all[0].epoch("myprimary"))
                self.assertLess(provisional.heard, failover.event.time)
                self.assertIn(f"ROLE of {failover.new.host}", provisional.cause)
                self.group.heal(failover)
                self.group.wait_healthy()
            self.assertEqual(watcher.problems, {})

    @undone_ones_again
    def test_instances_that_cannot_be_asked_are_told_before_it_matters(self) -> None:
        with self.watch_promotions("wrong") as watcher:
            text = watcher.wait_problem("instance-unasked", "myprimary")
            primary = self.group.primary()
            self.assertIn(f"cannot ask {primary.host}:{primary.port} for its ROLE: WRONGPASS", text)
            failover = self.fail_over("planned")
            topology = watcher.wait_primary(failover.new.address)  # by the Sentinels' word
            self.assertEqual(topology.step, 0)
            self.group.heal(failover)
            self.group.wait_healthy()

    def watch_promotions(self, password: str) -> Watcher:
        return Watcher(
            SentinelSettings(
                [sentinel.address for sentinel in self.group.sentinels.all],
                [GroupSettings("myprimary", act_on="promotion")],
                username="watcher",
                password="secret",
                instances=AccessSettings("asker", password),
            )
        )

    def test_sentinels_that_come_and_go_cost_nothing(self) -> None:
        before = len(self.watcher.of())
        for sentinel in self.group.sentinels.all:
            sentinel.kill()
        self.watcher.wait_problem(
            "sentinels-out-of-reach",
            self.group.name,
            "none of 3 Sentinels answers; the primary stays",
        )
        for sentinel in self.group.sentinels.all:
            sentinel.start()
        self.watcher.wait_for(lambda: not self.watcher.problems, "no problem", 15)
        self.assertEqual(self.moves_since(before), [])

    def test_at_rest_it_costs_next_to_nothing(self) -> None:
        time.sleep(3)
        before, moment = self.watcher.cpu_seconds(), time.monotonic()
        time.sleep(20)
        share = (self.watcher.cpu_seconds() - before) / (time.monotonic() - moment)
        print(f"\nat rest: {share:.3%} of a core")
        self.assertLessEqual(share, 0.002 * PATIENCE, "of one core; the goal is half of that")


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
