"""The sentinel-watcher and which Sentinels there are: told of, under two addresses, and what must
not get lost meanwhile."""

from __future__ import annotations

import unittest

# First, since it sets sys.path:
from test_sentinel_watcher import A, B, WithFakes
from watcher_alone import GroupSettings

from fakes.sentinel import FakePeer, FakeReplica


class Discovery(WithFakes):
    def test_those_that_sentinels_tell_of_are_heard(self) -> None:
        first, second, third = self.sentinels
        first.peers = [
            FakePeer(second.address, second.id),
            FakePeer(("localhost", third.port), third.id),
        ]
        self.watch(addresses=[first.address])
        second.wait_subscribed()
        third.wait_subscribed()

    def test_where_one_does_not_tell_its_id_nobody_else_is_heard(self) -> None:
        first, second, third = self.sentinels
        first.refused_commands = {"MYID"}
        first.peers = [
            FakePeer(second.address, second.id),
            FakePeer(("localhost", third.port), third.id),
        ]
        watcher = self.watch(addresses=[first.address], poll_interval=100, resolve_interval=100)
        watcher.wait_problem("sentinel-discovery")
        asked = first.asked("SENTINEL", "MASTER")
        first.wait_for(
            lambda: first.asked("SENTINEL", "MASTER") >= asked + 10, "it is asked on and on"
        )
        self.assertEqual((second.accepted, third.accepted), (0, 0))

    def test_replicas_are_asked_for_again_when_a_twin_is_left_in_the_midst_of_its_answer(
        self,
    ) -> None:
        first, twin, _ = self.sentinels
        twin.id = first.id
        for sentinel in (first, twin):
            sentinel.groups["myprimary"].replicas = [FakeReplica(B)]
        first.frozen = True
        watcher = self.watch(
            addresses=[first.address, twin.address], connect_timeout=20_000, reply_timeout=5_000
        )
        watcher.wait_primary(A)
        twin.wait_subscribed()
        twin.delay = 0.5
        asked = twin.asked("SENTINEL", "REPLICAS")
        twin.wait_for(lambda: twin.asked("SENTINEL", "REPLICAS") > asked, "it is asked again")
        first.frozen = False
        watcher.wait_log("it is known under another address")
        first.wait_for(lambda: first.asked("SENTINEL", "REPLICAS") > 0, "the other one is asked")


class Words(WithFakes):
    def test_a_cold_start_finds_out_that_a_name_and_an_address_are_one_primary(self) -> None:
        first, second, _ = self.sentinels
        first.groups["myprimary"].primary = ("localhost", 6379)
        second.groups["myprimary"].primary = ("127.0.0.1", 6379)
        watcher = self.watch(addresses=[first.address, second.address])
        watcher.wait_for(watcher.newest, "a topology")

    def test_a_tilt_whose_end_was_missed_ends(self) -> None:
        watcher = self.watch_until_known(groups=[GroupSettings("myprimary", reset_after=300)])
        for sentinel in self.sentinels[:2]:
            sentinel.publish("+tilt", "#tilt mode entered")
            watcher.wait_log(f"Sentinel {sentinel.name} entered tilt mode")
            subscriptions = sentinel.asked("SUBSCRIBE", "-tilt")
            sentinel.drop_subscribers()
            sentinel.wait_for(
                lambda: sentinel.asked("SUBSCRIBE", "-tilt") > subscriptions,  # noqa: B023
                "it is subscribed to again",
            )
        for sentinel in self.sentinels:
            sentinel.groups["myprimary"].primary = B
            sentinel.groups["myprimary"].epoch = 0
        self.assertEqual(watcher.wait_primary(B).era, 1)


if __name__ == "__main__":
    unittest.main()
