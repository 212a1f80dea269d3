"""Start, stop and death of the program and its processes, with labels in force."""

import signal
import time

from case import EndToEnd, main

from lab.processes import wait_until
from lab.program import LABELER, WATCHER


class Lifecycle(EndToEnd):
    def setUp(self) -> None:
        super().setUp()
        self.stage.start()

    def test_term_leaves_the_label_and_ends_everything(self) -> None:
        ended = self.stage.program.terminate()
        self.assertEqual(ended.status, 0)
        self.assertLess(ended.seconds, 5.0)
        self.assertEqual(self.stage.program.alive_processes(), [])
        self.assertEqual(self.stage.namespace.labelled(), [self.group.primary().name])

    def test_a_killed_supervisor_leaves_no_process_and_its_successor_goes_on(self) -> None:
        program = self.stage.program
        self.assertEqual(len(program.processes()), 3)  # a watcher, two labelers
        program.send(signal.SIGKILL)
        program.wait(1.0)
        wait_until(lambda: not program.alive_processes(), 1.0, "no process is left")

        trigger = self.group.sentinel_failover()
        failover = self.group.wait_failover(trigger)
        self.stage.program = self.stage.new_program(name="successor")
        self.stage.start()
        self.stage.wait_right(primary=failover.new)
        self.group.heal(failover)
        self.group.wait_healthy()
        self.stage.check()

    def test_a_start_when_all_is_right_writes_nothing(self) -> None:
        self.stage.program.terminate()
        before = self.writes()
        self.assertGreater(before, 0)
        self.stage.program = self.stage.new_program(name="successor")
        self.stage.start()
        time.sleep(2.0)  # nothing announces that nothing was written
        self.assertEqual(self.writes(), before)

    def test_nothing_is_written_while_nothing_changes(self) -> None:
        before = self.writes()
        time.sleep(7.0)  # longer than a poll of the Sentinels
        self.assertEqual(self.writes(), before)

    def test_a_failover_while_the_watcher_is_dead(self) -> None:
        self.check_failover_without(WATCHER)

    def test_a_failover_while_the_labeler_is_dead(self) -> None:
        self.check_failover_without(LABELER)

    def check_failover_without(self, name: str) -> None:
        target = "kubernetes" if name == LABELER else ""
        trigger = self.group.sentinel_failover()
        turned = self.group.roles.wait_for_turn(since=trigger.moment, timeout=10.0)
        assert turned is not None
        time.sleep(max(0.0, turned.time + 0.7 - time.monotonic()))  # just before the news
        victim = self.stage.program.kill_child(name, target=target)
        failover = self.group.wait_failover(trigger)
        self.stage.program.wait_for_successor(victim)
        self.stage.wait_right(primary=failover.new, timeout=3.0)
        self.group.heal(failover)
        self.group.wait_healthy()
        self.stage.program.wait_ready()
        self.stage.check()

    def writes(self) -> int:
        return len(self.stage.namespace.audit(verb="patch", resource="pods"))


if __name__ == "__main__":
    main()
