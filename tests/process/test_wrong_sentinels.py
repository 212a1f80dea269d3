"""Sentinels that are wrong in each way that is known, made so for real: no watcher names a wrong
primary, and in the end all name what the majority names."""

from __future__ import annotations

import threading
import time
import unittest

# First, since it sets sys.path:
from wrong_sentinels import RESET_AFTER, SLACK, Judged, WrongSentinels, played_again

from lab.processes import stop_on_signals, wait_until
from lab.resp import pairs
from lab.sentinels import Sentinel

TILT_AFTER = 2.0  # SENTINEL_TILT_TRIGGER of sentinel.c: a Sentinel that stood still for so long


class LivesInThePast(WrongSentinels):
    """One Sentinel that missed failovers, and names an old primary under a lower epoch."""

    def watch(self, label: str = "", **settings: object) -> list[Judged]:
        """That soon miss who has become silent."""
        return super().watch(label, **({"poll_interval": 200, "reply_timeout": 400} | settings))

    def be_alone(self, forgetful: Sentinel) -> None:
        """The others can't tell it, and the watchers hear nobody else."""
        others = [each for each in self.group.sentinels.all if each is not forgetful]
        self.silence(others)
        for one in self.watchers.all:
            for each in others:
                one.watcher.wait_problem(
                    "sentinel-unreachable", containing=f"{each.host}:{each.port}"
                )

    @played_again
    def test_one_that_was_frozen_during_two_failovers(self) -> None:
        sleeper, *others = self.group.sentinels.all
        # These keep the connections over which the frozen one will replay its backlog.
        patient = self.watch("patient", reply_timeout=60_000, poll_interval=60_000)
        self.wait_asked(sleeper, self.watchers.all)
        self.silence([sleeper])
        first = self.fail_over(others[0])
        second = self.fail_over(others[1])
        moment = time.monotonic()
        sleeper.resume()
        self.wait_says(sleeper, second.new.address)
        false_words = [
            event
            for event in self.group.events.since(moment)
            if event.sentinel == sleeper.name
            and event.channel == "+switch-master"
            and event.address() != second.new.address
        ]
        print(f"\nfalse words of the one that thawed: {[e.payload for e in false_words]}")
        for one in patient:
            one.watcher.wait_log("entered tilt mode")

        # While it is in tilt mode: what happens now is heard all the same.
        self.assertNotEqual(first.new, second.new)
        self.fail_over(others[0])
        self.watchers.check_end()

    @played_again
    def test_two_that_are_in_tilt_when_the_third_fails_over(self) -> None:
        *sleepers, leader = self.group.sentinels.all
        since = self.silence(sleepers)
        wait_until(lambda: time.monotonic() - since > TILT_AFTER + 0.5, 5, "long enough for tilt")
        moment = time.monotonic()
        for sleeper in sleepers:
            sleeper.resume()
        for sleeper in sleepers:
            heard = self.group.events.wait_for(
                lambda event: event.channel == "+tilt" and event.sentinel == sleeper.name,
                since=moment,
                timeout=5,
            )
            self.assertIsNotNone(heard, f"{sleeper} is in tilt mode")
        self.fail_over(leader)
        self.watchers.check_end()

    @played_again
    def test_one_that_is_restarted_with_an_old_file(self) -> None:
        *others, forgetful = self.group.sentinels.all
        old_file, old = forgetful.file.read_bytes(), self.group.primary()
        failover = self.fail_over(others[0])
        epoch = others[0].epoch(self.group.name)
        forgetful.kill()
        forgetful.file.write_bytes(old_file)
        self.be_alone(forgetful)
        forgetful.start()
        forgetful.wait_ready()
        self.wait_says(forgetful, old.address)
        self.mislead_newcomers(forgetful, others, epoch)
        self.wait_says(forgetful, failover.new.address)
        self.watchers.wait_primary(failover.new.address)
        self.fail_over(forgetful)
        self.watchers.check_end()

    @played_again
    def test_one_that_monitors_anew(self) -> None:
        *others, forgetful = self.group.sentinels.all
        old = self.group.primary()
        failover = self.fail_over(others[0])
        epoch = others[0].epoch(self.group.name)
        self.be_alone(forgetful)
        self.monitor_anew(forgetful, old.address)
        self.wait_says(forgetful, old.address)
        self.mislead_newcomers(forgetful, others, epoch)
        self.wait_says(forgetful, failover.new.address)
        self.watchers.wait_primary(failover.new.address)
        self.watchers.check_end()

    def mislead_newcomers(self, forgetful: Sentinel, others: list[Sentinel], epoch: int) -> None:
        """They hear the forgetful one alone; then the others are there again."""
        self.assertLess(forgetful.epoch(self.group.name), epoch)
        for newcomer in self.watch("misled"):
            newcomer.misled_under = epoch
        self.wait_asked(forgetful, self.watchers.all)
        for sentinel in others:
            sentinel.resume()


class OneEpochTwoPrimaries(WrongSentinels):
    """Nothing but another address gives them away."""

    rounds = 3

    @played_again
    def test_a_leader_that_is_reset_before_it_has_switched_itself(self) -> None:
        leader, *others = self.group.sentinels.all
        trigger = self.group.sentinel_failover(leader)
        switched = self.group.events.wait_for(
            lambda event: event.channel == "+switch-master" and event.sentinel != leader.name,
            since=trigger.moment,
            timeout=20,
        )
        leader.command("SENTINEL", "RESET", self.group.name)
        assert switched is not None
        wait_until(lambda: self.majority.primary() == switched.address(), 10, "the others agree")
        new = self.group.at(switched.address())
        self.assertEqual(leader.primary(self.group.name), trigger.old.address, "too late a RESET")
        self.assertEqual(leader.epoch(self.group.name), others[0].epoch(self.group.name))
        self.watchers.wait_primary(new.address)
        self.watch("newcomer")
        self.watchers.wait_primary(new.address)

        # Now the old primary is one no more, and the leader goes on naming it.
        trigger.old.command("REPLICAOF", *new.address)
        wait_until(
            lambda: pairs(leader.command("SENTINEL", "MASTER", self.group.name))["role-reported"]
            == "slave",
            15,
            "it knows what it names",
        )
        self.assertEqual(leader.primary(self.group.name), trigger.old.address)
        self.watch("late newcomer")
        self.watchers.wait_primary(new.address)
        self.watchers.check_end()

    @played_again
    def test_failovers_on_two_sentinels_at_once(self) -> None:
        disagreements = 0
        for one in self.watchers.all:
            one.may_follow_one = True
        for number in range(self.rounds):
            disagreed = self.fail_over_twice_at_once()
            disagreements += disagreed
            self.watchers.check()
            if number + 1 < self.rounds or disagreed:
                self.group.wait_healthy()
        print(f"\ntwo addresses under one epoch: in {disagreements} of {self.rounds} rounds")
        self.watchers.check_end()

    def fail_over_twice_at_once(self) -> bool:
        """Whether there were two primaries under one epoch; they are reconciled."""
        name, leaders = self.group.name, self.group.sentinels.all[:2]
        old = self.group.primary()
        barrier = threading.Barrier(2)

        def begin(sentinel: Sentinel) -> None:
            barrier.wait(5)
            sentinel.query(("SENTINEL", "FAILOVER", name))

        threads = [threading.Thread(target=begin, args=(leader,)) for leader in leaders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(
            lambda: all(
                "failover-state" not in pairs(leader.command("SENTINEL", "MASTER", name))
                for leader in leaders
            )
            and self.majority.primary() not in (None, old.address),
            40,
            "both failovers are at their end, and a majority names a new primary",
        )
        words = [self.majority.word_of(sentinel) for sentinel in self.group.sentinels.all]
        newest = max(word.epoch for word in words)
        disagreed = len({word.address for word in words if word.epoch == newest}) > 1
        primary = self.majority.primary()
        assert primary is not None
        new = self.group.at(primary)
        if new.role() != "master":  # they made each other a replica
            new.command("REPLICAOF", "NO", "ONE")
        for instance in self.group.instances:
            if instance is not new:
                instance.command("REPLICAOF", *primary)
        if disagreed:
            for sentinel, word in zip(self.group.sentinels.all, words):
                if word.address != primary:
                    self.monitor_anew(sentinel, primary)
        self.watchers.wait_primary(primary)
        return disagreed


class AllAnew(WrongSentinels):
    @played_again
    def test_all_wiped_and_set_up_anew(self) -> None:
        self.fail_over()
        known = self.watchers.all[0].watcher.newest(self.group.name)
        assert known is not None
        new = self.group.replicas()[0]
        sentinels = self.group.sentinels
        for sentinel in sentinels.all:
            sentinel.kill()
        # Whoever wipes them has moved the primary meanwhile.
        new.command("REPLICAOF", "NO", "ONE")
        for instance in self.group.instances:
            if instance is not new:
                instance.command("REPLICAOF", *new.address)
        for sentinel in sentinels.all:
            sentinel.forget()
        sentinels.start()
        sentinels.monitor(self.group.name, new.address, self.group.options)
        wait_until(lambda: self.majority.primary() == new.address, 5, "they name the new primary")
        moment = time.monotonic()
        self.assertLess(sentinels.all[0].epoch(self.group.name), known.epoch)
        for one in self.watchers.all:
            topology = one.watcher.wait_primary(
                new.address, self.group.name, timeout=RESET_AFTER + 15
            )
            after = topology.heard - moment
            print(f"\n{one.name}: epochs that began anew were believed after {after:.2f} s")
            self.assertGreater(after, RESET_AFTER - SLACK - 0.2)
            self.assertLess(after, RESET_AFTER + 5, one.watcher.story())  # a busy machine
            self.assertEqual((topology.era, topology.epoch), (known.era + 1, 0))
            line = one.watcher.wait_log("epochs of the Sentinels began anew")
            self.assertEqual(line["level"], "warning")
        self.group.wait_healthy()
        self.fail_over()
        self.watchers.check_end()
        for one in self.watchers.all:
            newest = one.watcher.newest(self.group.name)
            assert newest is not None
            self.assertEqual(newest.era, known.era + 1)


if __name__ == "__main__":
    stop_on_signals()
    unittest.main(verbosity=2)
