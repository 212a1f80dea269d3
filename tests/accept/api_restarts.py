#!/usr/bin/env python3
"""Failovers, half killed and half planned, beside three instances of the program that all act at
once; in every other two of them the API server is killed at a random moment and comes back. All
must end right, with no version of the pods in which two are labelled, and no failover may be
carried out a second time.

When the API server is killed:
  amid     up to 30 ms after the first news: as the instances write
  around   from 1 s before the failover's trigger to 5 s after it

Carried out a second time: after the promotion of a decision another write promotes a pod for the
same decision. The versions of the pods tell of each one that was done, by the numbers in their
stamps; the audit log, which outlives the API server, may have no accepted write beside those."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from scene import FailoverScene

from lab.kubernetes import PrivateKubernetes
from lab.program import Program
from lab.rounds import Options, Round, parse, run, summarise
from lab.stamps import carried_out_again, writes
from lab.valkey import Trigger

INSTANCES = 3
AMID = 0.03  # seconds
BEFORE, AFTER = 1.0, 5.0
DOWN = 3.0  # for at most so long
RIGHT_WITHIN = 10.0


class Scene(FailoverScene):
    def __init__(self, options: Options) -> None:
        super().__init__(options, private=True, instances=INSTANCES)
        self._processes = {program: self._pids(program) for program in self.stage.programs}

    def run_round(self, number: int) -> Round:
        since = self.begin()
        audited = self.kubernetes.audit_size()
        kind = ("kill", "planned")[number % 2]
        restart = ("amid", "around", "none", "none")[number // 2 % 4]
        trigger, killed, back = self._play(kind, restart)
        failover = self.group.wait_failover(trigger)
        self.stage.watch.wait_for_label(
            failover.new.name, max(failover.event.time, back) + RIGHT_WITHIN - time.monotonic()
        )
        measured = self.finish(failover, since) | {"restart": restart}
        for program in self.stage.programs:
            program.wait_ready(RIGHT_WITHIN)
        if restart != "none":
            came = failover.event.time + measured["event_to_label_ms"] / 1000
            measured["killed_after_event_ms"] = (killed - failover.event.time) * 1000
            measured["down_ms"] = (back - killed) * 1000
            measured["back_to_right_ms"] = max(0.0, came - back) * 1000
        self._check_carried_out_once()
        self._check_processes()
        return measured | self._writes(since, audited)

    def _play(self, kind: str, restart: str) -> tuple[Trigger, float, float]:
        """Begins the failover; when the API server was killed, and when it was back."""
        if restart == "around" and (offset := random.uniform(-BEFORE, AFTER)) < 0:
            killed = self._kill()
            time.sleep(-offset)
            return self.trigger(kind), killed, self._revive(killed)
        trigger = self.trigger(kind)
        if restart == "none":
            return trigger, 0.0, 0.0
        if restart == "amid":
            event = self.group.wait_event(trigger)
            assert event is not None, "no failover"
            moment = event.time + random.uniform(0.0, AMID)
        else:
            moment = trigger.moment + offset
        time.sleep(max(0.0, moment - time.monotonic()))
        killed = self._kill()
        return trigger, killed, self._revive(killed)

    def _kill(self) -> float:
        assert isinstance(self.kubernetes, PrivateKubernetes)
        killed = time.monotonic()
        self.kubernetes.kill()
        return killed

    def _revive(self, killed: float) -> float:
        assert isinstance(self.kubernetes, PrivateKubernetes)
        time.sleep(max(0.0, killed + random.uniform(0.0, DOWN) - time.monotonic()))
        self.kubernetes.revive()
        return time.monotonic()

    def _check_carried_out_once(self) -> None:
        """Over all rounds so far. Nobody else writes to the pods here."""
        if again := carried_out_again(writes(self.stage.watch.versions())):
            raise AssertionError(f"carried out a second time: {again}")

    def _check_processes(self) -> None:
        """No restart of the program made it right."""
        for program, pids in self._processes.items():
            if (now := self._pids(program)) != pids:
                raise AssertionError(f"processes of the program were restarted: {pids}, {now}")

    def _writes(self, since: int, audited: int) -> Round:
        """This round's changes of pods by the audit log, of which only a kill may hide one."""
        codes: list[tuple[str, int]] = [
            (line["objectRef"]["name"], line["responseStatus"]["code"])
            for line in self.kubernetes.audit(audited)
            if line["verb"] == "patch" and line["objectRef"]["resource"] == "pods"
        ]
        accepted = Counter(pod for pod, code in codes if code == 200)
        seen = Counter(
            write.pod for write in writes(self.stage.watch.versions()) if write.version > since
        )
        if unseen := accepted - seen:
            raise AssertionError(f"the audit log has more writes than the pods show: {unseen}")
        return {"writes": len(codes), "refused": len(codes) - accepted.total()}

    @staticmethod
    def _pids(program: Program) -> set[int]:
        return {process.pid for process in program.processes()}


def main() -> int:
    options = parse(str(__doc__), rounds=100, name="api-restarts")
    figures = {
        "first news to label": "event_to_label_ms",
        "API server back to label": "back_to_right_ms",
        "API server away": "down_ms",
        "killed after first news": "killed_after_event_ms",
    }
    rounds = run(options, Scene)
    status = summarise(rounds, options.rounds, figures, by="restart")
    restarts = sum(1 for entry in rounds if entry["ok"] and entry["restart"] != "none")
    print(f"the API server was killed and came back in {restarts} of them")
    return status


if __name__ == "__main__":
    sys.exit(main())
