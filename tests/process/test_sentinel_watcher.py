"""The sentinel-watcher against Sentinels that do as told: what it publishes, what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.sentinel import Address, FakeGroup, FakeReplica, FakeSentinel  # noqa: E402
from lab.processes import PATIENCE  # noqa: E402
from watcher_alone import GroupSettings, SentinelSettings, Topology, Watcher, executable  # noqa: E402

A: Address = ("10.0.0.1", 6379)
B: Address = ("10.0.0.2", 6379)
C: Address = ("10.0.0.3", 6379)

HARMLESS = {b"AUTH", b"PING", b"SUBSCRIBE"}
HARMLESS_OF_SENTINEL = {b"GET-MASTER-ADDR-BY-NAME", b"MASTER", b"REPLICAS", b"SENTINELS", b"MYID"}


class WithFakes(unittest.TestCase):
    """Three Sentinels on ports of their own, and a watcher that knows them."""

    groups: dict[str, FakeGroup] | None = None

    def setUp(self) -> None:
        self.sentinels = [
            self.enterContext(FakeSentinel(groups=self.make_groups())) for _ in range(3)
        ]

    def make_groups(self) -> dict[str, FakeGroup]:
        return {"myprimary": FakeGroup(A, 1)}

    def watch(self, memory: tuple[Topology, ...] = (), **settings: object) -> Watcher:
        fast: dict[str, object] = {
            "poll_interval": 500,
            "connect_timeout": 1000,
            "reply_timeout": 1000,
            "backoff_min": 20,
            "backoff_max": 200,
        }
        addresses = [sentinel.address for sentinel in self.sentinels]
        return self.enterContext(
            Watcher(SentinelSettings(**({"addresses": addresses} | fast | settings)), memory=memory)
        )  # type: ignore[arg-type]

    def watch_until_known(self, primary: Address = A, **settings: object) -> Watcher:
        watcher = self.watch(**settings)
        watcher.wait_primary(primary)
        for sentinel in self.sentinels:
            sentinel.wait_subscribed()
        return watcher

    def tearDown(self) -> None:
        for sentinel in self.sentinels:
            for command in sentinel.commands:
                harmless = command[0] in HARMLESS or (
                    command[0] == b"SENTINEL" and command[1] in HARMLESS_OF_SENTINEL
                )
                self.assertTrue(
                    harmless, f"{command} changes something, or needs more than the least rights"
                )


class ByHand(unittest.TestCase):
    def test_says_that_it_is_not_started_by_hand(self) -> None:
        for arguments in ([], ["x"], ["0"], [str(os.getpid())], ["1", "2"]):
            done = subprocess.run(
                [executable(), *arguments], capture_output=True, text=True, timeout=10, check=False
            )
            self.assertEqual(done.returncode, 64, arguments)
            self.assertIn("started by valkey-reconciler", done.stderr)


class Publishing(WithFakes):
    def test_publishes_primary_and_replicas_and_is_ready_before(self) -> None:
        for sentinel in self.sentinels:
            sentinel.groups["myprimary"].replicas = [
                FakeReplica(C),
                FakeReplica(B),
                FakeReplica(A),
                FakeReplica(("10.0.0.4", 6379), "s_down,slave,disconnected", "err"),
            ]
        watcher = self.watch()
        watcher.wait_for(lambda: watcher.is_ready, "ready")
        first = watcher.wait_primary(A)
        self.assertEqual((first.era, first.epoch, first.step, first.state), (0, 1, 0, 0))
        watcher.wait_for(lambda: watcher.newest().replicas, "replicas")
        self.assertEqual(
            watcher.newest().replicas, ((*B, True), (*C, True), ("10.0.0.4", 6379, False))
        )
        self.assertIn("answer of 127.0.0.1:", first.cause)
        watcher.wait_for(lambda: not watcher.problems, "no problem")

    def test_follows_the_leader_at_its_first_word_and_asks_nobody_else(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()  # else what it still asks may be answered with what it is yet to hear
        asked = self.asked_so_far()
        moment = time.monotonic()
        self.sentinels[1].promote(B, 2)
        topology = watcher.wait_primary(B)
        self.assertLess(topology.heard - moment, 0.1 * PATIENCE)
        self.assertEqual((topology.epoch, topology.step), (2, 0))
        self.assertEqual(topology.cause, f"+promoted-slave from {self.sentinels[1].name}")
        self.assertAlmostEqual(topology.event_mono_ns / 1e9, moment, delta=0.1 * PATIENCE)
        self.assertAlmostEqual(topology.event_unix_us / 1e6, time.time(), delta=5)
        watcher.wait_log("primary changed from 10.0.0.1:6379 to 10.0.0.2:6379")
        self.sentinels[1].wait_quiet()
        asked[1] += 1
        self.assertEqual(self.asked_so_far(), asked)

    def test_asks_those_behind_until_what_was_announced_is_published(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000, groups=[GroupSettings("myprimary", act_on="agreement")])
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
        asked = self.asked_so_far()
        self.sentinels[1].promote(B, 2)
        self.sentinels[0].wait_for(
            lambda: self.asked_so_far()[0] > asked[0] + 1, "asked again, though it said nothing", 1.0
        )
        silent = self.sentinels[2].groups["myprimary"]
        silent.primary, silent.epoch = B, 2
        watcher.wait_primary(B)
        before = self.asked_so_far()[0]
        time.sleep(1.0)
        self.assertLessEqual(self.asked_so_far()[0], before + 1)  # it was under way

    def test_asks_those_behind_once_more_when_all_must_have_heard(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
        asked = self.asked_so_far()
        for number in (0, 1):
            self.sentinels[number].switch(B, 2)
        watcher.wait_primary(B)
        for number in (0, 1):
            self.sentinels[number].wait_for(lambda: self.asked_so_far()[number] > asked[number], "asked")
        known = self.sentinels[2].groups["myprimary"]
        known.primary, known.epoch = B, 2  # and says nothing
        asked = self.asked_so_far()
        watcher.wait_gauge(2, "sentinels_agree", "myprimary")
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        self.assertEqual(self.asked_so_far()[:2], asked[:2])

    def test_a_false_word_before_a_change_puts_no_later_question_off(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        self.say_falsely()
        self.change_but_for_one(watcher)
        self.check_one_is_asked(watcher)

    def test_a_false_word_after_a_change_puts_no_later_question_off(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        self.change_but_for_one(watcher)
        self.say_falsely()
        self.check_one_is_asked(watcher)

    def say_falsely(self) -> None:
        self.sentinels[0].publish("+switch-master", "myprimary 10.0.0.1 6379 10.0.0.3 6379")
        time.sleep(1.0)  # by then the questions about it have ended

    def change_but_for_one(self, watcher: Watcher) -> None:
        """Without a word of it."""
        for sentinel in self.sentinels[1:]:
            sentinel.wait_quiet()
            known = sentinel.groups["myprimary"]
            known.primary, known.epoch = B, 2
            sentinel.publish("+odown", "master myprimary 10.0.0.1 6379 #quorum 2/2")
        watcher.wait_primary(B)
        watcher.wait_gauge(2, "sentinels_agree", "myprimary")

    def check_one_is_asked(self, watcher: Watcher) -> None:
        asked = self.asked_so_far()
        known = self.sentinels[0].groups["myprimary"]
        known.primary, known.epoch = B, 2
        watcher.wait_gauge(3, "sentinels_agree", "myprimary")
        self.assertEqual(self.asked_so_far()[1:], asked[1:])

    def test_one_question_for_all_events_that_come_together(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
        asked = self.asked_so_far()
        self.sentinels[0].publish_together([("+odown", "master myprimary 10.0.0.1 6379 #quorum 2/2")] * 5)
        self.sentinels[0].wait_for(lambda: self.asked_so_far() != asked, "asked")
        self.sentinels[0].wait_quiet()
        self.assertEqual(self.asked_so_far(), [asked[0] + 1, *asked[1:]])
        self.assertEqual(watcher.newest().primary, A)

    def test_a_replica_that_comes_or_goes_is_asked_for_where_the_replicas_are(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
            sentinel.groups["myprimary"].replicas = [FakeReplica(B)]
        asked, for_replicas = self.asked_so_far(), self.asked_so_far("REPLICAS")
        for sentinel in self.sentinels:
            sentinel.publish("+slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ myprimary 10.0.0.1 6379")
        watcher.wait_for(lambda: watcher.newest().replicas == ((*B, True),), "the replica")
        self.assertEqual(self.asked_so_far(), asked)
        self.assertEqual(sum(self.asked_so_far("REPLICAS")), sum(for_replicas) + 1)

    def test_the_replicas_are_those_of_whoever_is_asked_for_them_now(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
        leader, first = self.sentinels[2], self.sentinels[0]
        leader.groups["myprimary"].replicas = [FakeReplica(C)]
        leader.promote(B, 2)
        watcher.wait_primary(B)
        watcher.wait_for(lambda: watcher.newest().replicas == ((*C, True),), "the leader's replicas")
        known = first.groups["myprimary"]
        known.primary, known.epoch, known.replicas = B, 2, [FakeReplica(A), FakeReplica(C)]
        first.publish_together([
            ("+switch-master", "myprimary 10.0.0.1 6379 10.0.0.2 6379"),
            ("+slave", "slave 10.0.0.1:6379 10.0.0.1 6379 @ myprimary 10.0.0.2 6379"),
        ])
        watcher.wait_for(lambda: watcher.newest().replicas == ((*A, True), (*C, True)), "the old primary among them")

    def test_replicas_that_came_while_events_were_not_heard(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
            sentinel.groups["myprimary"].replicas = [FakeReplica(B)]
            sentinel.drop_subscribers()
        watcher.wait_for(lambda: watcher.newest().replicas == ((*B, True),), "the replica")

    def test_the_loss_of_one_sentinel_asks_the_others_nothing(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            sentinel.wait_quiet()
        asked, for_replicas = self.asked_so_far(), self.asked_so_far("REPLICAS")
        self.sentinels[2].close()
        watcher.wait_gauge(2, "sentinels_up", "myprimary")
        self.sentinels[0].wait_quiet()
        self.assertEqual(self.asked_so_far()[:2], asked[:2])
        self.assertEqual(self.asked_so_far("REPLICAS")[:2], for_replicas[:2])

    def asked_so_far(self, what: str = "MASTER") -> list[int]:
        return [sentinel.asked("SENTINEL", what) for sentinel in self.sentinels]

    def test_follows_a_switch_without_any_event(self) -> None:
        watcher = self.watch_until_known(poll_interval=100)
        for sentinel in self.sentinels:
            sentinel.groups["myprimary"].primary, sentinel.groups["myprimary"].epoch = B, 2
        self.assertIn("answer of", watcher.wait_primary(B, timeout=2).cause)

    def test_the_event_is_the_first_word_even_if_its_sentinel_never_answers(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000, reply_timeout=5000)
        self.sentinels[0].frozen = True
        moment = time.monotonic()
        self.sentinels[0].publish("+switch-master", "myprimary 10.0.0.1 6379 10.0.0.2 6379")
        time.sleep(0.3)
        self.sentinels[1].switch(B, 2)
        topology = watcher.wait_primary(B)
        self.assertEqual(topology.cause, f"+switch-master from {self.sentinels[0].name}")
        self.assertLess(topology.event_mono_ns / 1e9 - moment, 0.2 * PATIENCE)
        self.sentinels[0].frozen = False

    def test_a_false_word_of_a_sentinel_changes_nothing(self) -> None:
        watcher = self.watch_until_known()
        self.sentinels[0].publish("+switch-master", "myprimary 10.0.0.1 6379 10.0.0.9 6379")
        self.sentinels[1].publish("+switch-master", "no such words")
        self.sentinels[2].publish("+promoted-slave", "")
        time.sleep(1.0)
        self.assertEqual({topology.primary for topology in watcher.of()}, {A})

    def test_asks_only_after_the_channels_are_acknowledged(self) -> None:
        watcher = self.watch_until_known(poll_interval=60_000)
        for sentinel in self.sentinels:
            last = max(
                i for i, command in enumerate(sentinel.commands) if command[0] == b"SUBSCRIBE"
            )
            sentinel.wait_for(
                lambda: any(
                    command[:2] == [b"SENTINEL", b"MASTER"] for command in sentinel.commands[last:]
                ),
                "asked after SUBSCRIBE",
            )
        self.assertEqual(watcher.newest().primary, A)

    def test_halves_of_an_answer_that_do_not_belong_together_are_not_believed(self) -> None:
        watcher = self.watch_until_known(poll_interval=100)
        # As if it had switched between the two questions, for ever.
        self.sentinels[0].groups["myprimary"].promoted = B
        self.sentinels[0].groups["myprimary"].epoch = 2
        watcher.wait_problem("sentinel-answer", "myprimary", "contradict each other")
        before = self.sentinels[0].asked("SENTINEL", "MASTER")
        time.sleep(1.0)
        self.assertLess(self.sentinels[0].asked("SENTINEL", "MASTER") - before, 60, "it spins")
        self.assertEqual(watcher.newest().primary, A)
        self.sentinels[0].groups["myprimary"].failover_state = "update_config"
        watcher.wait_primary(B)

    def test_a_lower_epoch_is_not_believed_and_a_problem(self) -> None:
        watcher = self.watch_until_known()
        for sentinel in self.sentinels[:2]:
            sentinel.switch(B, 5)
        watcher.wait_primary(B)
        text = watcher.wait_problem("sentinel-behind", "myprimary")
        self.assertEqual(
            text,
            f"Sentinel {self.sentinels[2].name} names 10.0.0.1:6379 under epoch 1, older than "
            "epoch 5: not believed",
        )
        self.sentinels[2].switch(B, 5)
        watcher.wait_no_problem("sentinel-behind", "myprimary")
        self.assertEqual([topology.primary for topology in watcher.of()], [A, B])

    def test_a_failover_as_it_is_shows_no_problem(self) -> None:
        watcher = self.watch_until_known()
        for epoch, primary in enumerate((B, C, A), start=2):
            self.sentinels[0].promote(primary, epoch)
            time.sleep(0.1)
            for sentinel in reversed(self.sentinels):
                sentinel.switch(primary, epoch)
            watcher.wait_primary(primary)
        time.sleep(0.5)
        self.assertEqual(watcher.problems, {})
        self.assertEqual(
            [line for line in watcher.log if line["level"] not in ("info", "debug")], []
        )
        self.assertEqual(watcher.counters["failovers_total", "myprimary"], 3)


class ColdStart(WithFakes):
    def test_a_lone_stale_sentinel_does_not_win(self) -> None:
        for sentinel in self.sentinels[:2]:
            sentinel.groups["myprimary"] = FakeGroup(B, 5)
            sentinel.delay = 0.2
        watcher = self.watch()
        watcher.wait_primary(B)
        self.assertEqual({topology.primary for topology in watcher.of()}, {B})

    def test_without_a_majority_it_begins_after_a_short_grace(self) -> None:
        for sentinel in self.sentinels[:2]:
            sentinel.close()
        moment = time.monotonic()
        watcher = self.watch()
        heard = watcher.wait_primary(A).heard - moment
        self.assertGreater(heard, 0.9)
        self.assertLess(heard, 3)
        watcher.wait_problem("sentinels-missing", "myprimary", "only 1 of 3 Sentinels")

    def test_what_its_predecessor_knew_is_neither_undone_nor_said_again(self) -> None:
        watcher = self.watch((remembered(B, era=2, epoch=7),))
        watcher.wait_problem(
            "sentinel-epochs-began-anew",
            "myprimary",
            "lower than the known epoch 7 of 10.0.0.2:6379",
        )
        self.assertEqual(watcher.of(), [])
        for sentinel in self.sentinels:
            sentinel.switch(C, 8)
        topology = watcher.wait_primary(C)
        self.assertEqual((topology.era, topology.epoch), (2, 8))

    def test_a_memory_that_comes_late_is_published_over_what_went_out_before(self) -> None:
        watcher = self.watch_until_known()
        watcher.remember(remembered(B, era=1, epoch=7))
        topology = watcher.wait_primary(B)
        self.assertEqual((topology.era, topology.epoch), (1, 7))
        watcher.remember(remembered(C, era=0, epoch=9))  # older, by its era
        for sentinel in self.sentinels:
            sentinel.switch(A, 8)
        watcher.wait_primary(A)
        self.assertEqual([topology.primary for topology in watcher.of()], [A, B, A])

    def test_epochs_that_began_anew_are_believed_after_ten_seconds(self) -> None:
        moment = time.monotonic()
        watcher = self.watch((remembered(B, era=0, epoch=7),))
        topology = watcher.wait_primary(A, timeout=15)
        self.assertGreater(topology.heard - moment, 9.9)
        self.assertLess(topology.heard - moment, 12)
        self.assertEqual((topology.era, topology.epoch), (1, 1))
        self.assertEqual(
            watcher.wait_log("the epochs of the Sentinels began anew")["level"], "warning"
        )
        watcher.wait_for(lambda: not watcher.problems, "no problem")

    def test_sentinels_that_come_later_are_taken_up(self) -> None:
        for sentinel in self.sentinels:
            sentinel.close()
        watcher = self.watch()
        text = watcher.wait_problem("sentinel-unreachable", containing=self.sentinels[2].name)
        self.assertIn(f"cannot reach Sentinel {self.sentinels[0].name}: connection refused", text)
        watcher.wait_problem("sentinels-out-of-reach", "myprimary", "none of 3 Sentinels answers")
        time.sleep(2)
        warnings = [
            line
            for line in watcher.log
            if line["level"] == "warning" and "reach" in line["message"]
        ]
        self.assertEqual(len(warnings), 3, "one line for each, not one for each attempt")
        for sentinel in self.sentinels:
            sentinel.start_again()
        watcher.wait_primary(A, timeout=3)
        watcher.wait_for(lambda: not watcher.problems, "no problem")
        watcher.wait_log(f"connected to Sentinel {self.sentinels[0].name}")


class Groups(WithFakes):
    names = ["myprimary", "my primary @ home", "\udcff\udcfe", "x" * 300]

    def make_groups(self) -> dict[str, FakeGroup]:
        return {name: FakeGroup((f"10.0.{i}.1", 6379), 1) for i, name in enumerate(self.names)}

    def test_many_share_the_connections_whatever_their_names(self) -> None:
        watcher = self.watch(groups=self.names)
        for i, name in enumerate(self.names):
            watcher.wait_primary((f"10.0.{i}.1", 6379), name)
        for sentinel in self.sentinels:
            sentinel.wait_subscribed()
        self.assertEqual([sentinel.connections() for sentinel in self.sentinels], [2, 2, 2])
        for name in self.names[:2]:
            for sentinel in self.sentinels:
                sentinel.switch(B, 2, name)
            watcher.wait_primary(B, name)
        self.assertEqual(watcher.newest(self.names[2]).epoch, 1)

    def test_all_are_asked_anew_when_events_may_have_been_missed(self) -> None:
        names = [f"group-{number}" for number in range(100)]
        for sentinel in self.sentinels:
            sentinel.groups = {name: FakeGroup(A, 1) for name in names}
        watcher = self.watch(groups=names, poll_interval=60_000)
        for name in names:
            watcher.wait_primary(A, name)
        for sentinel in self.sentinels:
            sentinel.wait_subscribed()
            sentinel.wait_quiet()
            before = sentinel.asked("SENTINEL", "MASTER")
            sentinel.drop_subscribers()
            sentinel.wait_for(
                lambda: sentinel.asked("SENTINEL", "MASTER") >= before + len(names), "all groups are asked for"
            )

    def test_an_unknown_one_is_told_and_found_when_it_comes(self) -> None:
        watcher = self.watch(groups=["myprimary", "other"])
        watcher.wait_problem("no-such-group", "other", self.sentinels[0].name)
        self.assertNotIn(("myprimary", "no-such-group"), watcher.problems)
        for sentinel in self.sentinels:
            sentinel.groups["other"] = FakeGroup(C, 0)
        watcher.wait_primary(C, "other")
        watcher.wait_no_problem("no-such-group", "other")

    def test_one_that_is_no_longer_monitored_keeps_its_primary(self) -> None:
        watcher = self.watch()
        watcher.wait_primary(("10.0.0.1", 6379))
        for sentinel in self.sentinels:
            del sentinel.groups["myprimary"]
        watcher.wait_problem("no-such-group", "myprimary")
        self.assertEqual(len(watcher.of()), 1)


class Ending(WithFakes):
    def test_ends_as_asked_with_0(self) -> None:
        self.assertEqual(self.watch_until_known().shut_down(), 0)

    def test_ends_when_the_supervisor_is_gone(self) -> None:
        self.assertEqual(self.watch_until_known().hang_up(), 0)


def remembered(primary: Address, era: int, epoch: int) -> Topology:
    return Topology("myprimary", era, epoch, 0, 0, primary, (), "told before", 1, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
