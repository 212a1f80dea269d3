#!/usr/bin/env python3
"""Failovers in which watcher, labelers or both are killed (or stopped for 2 s) at a random moment,
200 ms before to 200 ms after Sentinel's first news. Each must end right within 3 s of the restart
(or of going on), and no version of the pods may have two labelled."""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import sys
import time

from scene import FailoverScene


from lab.program import LABELER, WATCHER, ProcessId
from lab.rounds import Options, Round, parse, run, share_kubernetes, summarise
from lab.valkey import Trigger

VICTIMS = ((WATCHER,), (LABELER,), (WATCHER, LABELER))
AROUND = 0.2  # seconds
STOPPED = 2.0
RIGHT_WITHIN = 3.0

# Else the many kills would be taken for a crash loop, and the program wait longer after each.
CONFIGURATION = '[supervision]\nstable_after = "500ms"'


class Scene(FailoverScene):
    def __init__(self, options: Options) -> None:
        super().__init__(options, more_configuration=CONFIGURATION)
        self._stop = options.others.signal == "STOP"
        self._event_after_t0 = [0.86]  # a guess for the first round: the leader's next INFO

    def run_round(self, number: int) -> Round:
        names = VICTIMS[number % len(VICTIMS)]
        since = self.begin()
        victims = [child for name in names for child in self.stage.program.children(name)]
        assert len(victims) == len(names) + (LABELER in names), victims  # two labelers
        trigger = self.trigger("kill" if number // len(VICTIMS) % 2 == 0 else "planned")
        struck = self._strike(victims, trigger)
        back = self._wait_back(victims)
        failover = self.group.wait_failover(trigger)
        self.stage.watch.wait_for_label(failover.new.name, back + RIGHT_WITHIN - time.monotonic())
        if failover.t0 is not None:
            self._event_after_t0.append(failover.event.time - failover.t0)
        measured = self.finish(failover, since)
        came = failover.event.time + measured["event_to_label_ms"] / 1000
        if came - back > RIGHT_WITHIN:
            raise AssertionError(f"right only {came - back:.3f} s after the restart")
        return measured | {
            "victims": "+".join(names),
            "kill_after_event_ms": (struck - failover.event.time) * 1000,
            "back_to_right_ms": max(0.0, came - back) * 1000,
        }

    def _strike(self, victims: list[ProcessId], trigger: Trigger) -> float:
        """Around the event: before it, by when it should come; after it, from when it came."""
        offset = random.uniform(-AROUND, AROUND)
        turned = self.group.roles.wait_for_turn(since=trigger.moment, timeout=20.0)
        if turned is None:
            raise TimeoutError("no replica turned primary")
        expected = turned.time + statistics.median(self._event_after_t0[-20:])
        if offset < 0:
            self.group.wait_event(trigger, max(0.0, expected + offset - time.monotonic()))
        else:
            event = self.group.wait_event(trigger)
            assert event is not None
            time.sleep(max(0.0, event.time + offset - time.monotonic()))
        for victim in victims:
            victim.send(signal.SIGSTOP if self._stop else signal.SIGKILL)
        return time.monotonic()

    def _wait_back(self, victims: list[ProcessId]) -> float:
        """When all of them were at work again, or others in their place."""
        if self._stop:
            time.sleep(STOPPED)
            for victim in victims:
                victim.send(signal.SIGCONT)
            return time.monotonic()
        successors = [self.stage.program.wait_for_successor(victim) for victim in victims]
        return max(successor.started_at for successor in successors)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--signal", choices=("KILL", "STOP"), default="KILL")


def main() -> int:
    options = parse(str(__doc__), rounds=200, name="kills", more=add_arguments)
    share_kubernetes(options)
    figures = {
        "back at work to label": "back_to_right_ms",
        "first news to label": "event_to_label_ms",
        "kill after first news": "kill_after_event_ms",
    }
    return summarise(run(options, Scene), options.rounds, figures, by="victims")


if __name__ == "__main__":
    sys.exit(main())
