"""The sentinel-watcher and which Sentinels there are: told of, under two addresses, and what must
not get lost meanwhile."""

from __future__ import annotations

import unittest
from collections.abc import Callable

# First, since it sets sys.path:
from test_sentinel_watcher import A, B, C, WithFakes
from watcher_alone import GroupSettings, Watcher

from fakes.sentinel import FakePeer, FakeReplica, FakeSentinel


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

    def test_those_of_a_group_after_others_that_are_unknown_there_are_heard(self) -> None:
        first, second, third = self.sentinels
        first.peers = [FakePeer(second.address, second.id), FakePeer(third.address, third.id)]
        unknown = [GroupSettings(f"absent {i}") for i in range(40)]
        watcher = self.watch(addresses=[first.address], groups=[*unknown, GroupSettings("myprimary")])
        second.wait_subscribed()
        third.wait_subscribed()
        watcher.wait_gauge(3, "sentinels_known", "myprimary")
        # Where it knows none of them, it is asked now and then and not again and again.
        del first.groups["myprimary"]
        first.publish("-monitor", f"master myprimary {A[0]} {A[1]}")
        watcher.wait_problem("no-such-group", "myprimary")
        asked = first.asked("SENTINEL", "SENTINELS")
        first.publish("+sentinel", f"sentinel {'c' * 40} 10.0.0.99 26379 @ myprimary {A[0]} {A[1]}")
        polled = first.asked("SENTINEL", "MASTER")
        first.wait_for(lambda: first.asked("SENTINEL", "MASTER") > polled + 82, "two polls")
        self.assertLess(first.asked("SENTINEL", "SENTINELS") - asked, 43)

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


class Counting(WithFakes):
    AGREEMENT = [GroupSettings("myprimary", act_on="agreement")]

    def know_each_other(self) -> None:
        for sentinel in self.sentinels:
            sentinel.peers = [FakePeer(other.address, other.id) for other in self.sentinels if other is not sentinel]

    def test_those_that_do_not_tell_their_ids_are_counted_once(self) -> None:
        self.know_each_other()
        for sentinel in self.sentinels:
            sentinel.refused_commands = {"MYID"}
        watcher = self.watch_until_known(groups=self.AGREEMENT)
        watcher.wait_gauge(3, "sentinels_known", "myprimary")
        for sentinel in self.sentinels[:2]:
            sentinel.groups["myprimary"].primary, sentinel.groups["myprimary"].epoch = B, 2
        watcher.wait_primary(B)

    def test_one_that_lives_in_the_past_is_not_believed_before_it_has_told_of_the_others(self) -> None:
        self.know_each_other()
        for sentinel in self.sentinels[1:]:
            sentinel.groups["myprimary"].primary, sentinel.groups["myprimary"].epoch = B, 2
        for _ in range(5):
            watcher = self.watch(addresses=[self.sentinels[0].address], groups=self.AGREEMENT)
            watcher.wait_primary(B)
            self.assertEqual([topology.primary for topology in watcher.of()], [B])

    def test_one_under_two_addresses_has_one_vote_from_the_start(self) -> None:
        self.know_each_other()
        first, second, third = self.sentinels
        twin = self.enterContext(FakeSentinel(groups=self.make_groups()))
        twin.id, twin.peers = first.id, first.peers
        for sentinel in (second, third):
            sentinel.groups["myprimary"].primary, sentinel.groups["myprimary"].epoch = B, 2
            sentinel.delay = 0.1
        for addresses in ([first.address, twin.address], [twin.address, first.address]) * 3:
            watcher = self.watch(addresses=addresses, groups=self.AGREEMENT)
            watcher.wait_primary(B)
            self.assertEqual([topology.primary for topology in watcher.of()], [B])

    def test_a_strangers_word_where_the_others_know_another_one_does_not_count(self) -> None:
        first, second, third = self.sentinels
        gone = "a" * 40
        first.peers = [FakePeer(second.address, gone), FakePeer(third.address, third.id)]
        third.peers = [FakePeer(first.address, first.id), FakePeer(second.address, gone)]
        second.peers = [FakePeer(("127.0.0.1", 1), "b" * 40)]
        second.groups["myprimary"].primary, second.groups["myprimary"].epoch = C, 9
        watcher = self.watch(addresses=[first.address], poll_interval=100)
        watcher.wait_problem("sentinel-stranger", containing=second.name)
        second.wait_subscribed()
        second.publish("+switch-master", f"myprimary {A[0]} {A[1]} {C[0]} {C[1]}")
        asked = second.asked("SENTINEL", "MASTER")
        second.wait_for(lambda: second.asked("SENTINEL", "MASTER") > asked + 5, "it is asked on")
        self.assertEqual([topology.primary for topology in watcher.of()], [A])
        watcher.wait_gauge(3, "sentinels_known", "myprimary")
        first.peers, third.peers = first.peers[1:], third.peers[:1]  # SENTINEL RESET
        self.tell_of_another(first, third)
        watcher.wait_log(f"Sentinel {second.name} is forgotten: it is somebody else's")
        watcher.wait_no_problem("sentinel-stranger")
        self.assertEqual([topology.primary for topology in watcher.of()], [A])
        # It is one of them after all: a Sentinel that was set up anew, of which the others hear.
        second.peers = [FakePeer(first.address, first.id), FakePeer(third.address, third.id)]
        first.peers.append(FakePeer(second.address, second.id))
        third.peers.append(FakePeer(second.address, second.id))
        self.tell_of_another(first, third)
        watcher.wait_primary(C)

    def tell_of_another(self, *sentinels: FakeSentinel) -> None:
        for sentinel in sentinels:
            sentinel.publish("+sentinel", f"sentinel {'c' * 40} 10.0.0.99 26379 @ myprimary {A[0]} {A[1]}")


class Words(WithFakes):
    def test_a_cold_start_finds_out_that_a_name_and_an_address_are_one_primary(self) -> None:
        first, second, _ = self.sentinels
        first.groups["myprimary"].primary = ("localhost", 6379)
        second.groups["myprimary"].primary = ("127.0.0.1", 6379)
        watcher = self.watch(addresses=[first.address, second.address])
        watcher.wait_for(watcher.newest, "a topology")

    def test_a_tilt_whose_end_was_missed_ends(self) -> None:
        watcher = self.tilt_and_begin_anew(FakeSentinel.drop_subscribers, "SUBSCRIBE", "-tilt")
        self.assertEqual(watcher.wait_primary(B).era, 1)

    def test_a_tilt_that_is_heard_goes_on_when_only_the_other_connection_was_lost(self) -> None:
        watcher = self.tilt_and_begin_anew(FakeSentinel.drop_askers, "SENTINEL", "MYID")
        watcher.wait_problem("sentinel-behind", "myprimary")
        self.assertEqual([topology.primary for topology in watcher.of()], [A])
        for sentinel in self.sentinels[:2]:
            sentinel.publish("-tilt", "#tilt mode exited")
        self.assertEqual(watcher.wait_primary(B).era, 1)

    def tilt_and_begin_anew(self, drop: Callable[[FakeSentinel], None], *said_again: str) -> Watcher:
        """Two enter tilt and lose connections, whose successors begin with that command; then all name B under epoch 0."""
        watcher = self.watch_until_known(groups=[GroupSettings("myprimary", reset_after=300)])
        for sentinel in self.sentinels[:2]:
            sentinel.publish("+tilt", "#tilt mode entered")
            watcher.wait_log(f"Sentinel {sentinel.name} entered tilt mode")
            said = sentinel.asked(*said_again)
            drop(sentinel)
            sentinel.wait_for(
                lambda: sentinel.asked(*said_again) > said,  # noqa: B023
                "there is a new connection",
            )
        for sentinel in self.sentinels:
            sentinel.groups["myprimary"].primary = B
            sentinel.groups["myprimary"].epoch = 0
        return watcher


if __name__ == "__main__":
    unittest.main()
