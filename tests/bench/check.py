#!/usr/bin/env python3
"""Whether the program is as fast as it was: event to label beside the floor of the same run, and how many instructions all its
processes carry out for one failover, each compared with what was accepted last (accepted.json beside this file). Both are of
fake Sentinels' events at a real API server. It asks for the processor before others (SCHED_RR) where it may, so that what
else the machine does is not measured too. Which of the two is worse than it may be is the exit status.

bash tests/bench/run.sh check finds the build, the servers and the rest; README.md beside this file says how the bounds were
chosen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import callgrind
from tail_scene import TailScene

from figures import FLOOR, ratio, tabulate
from goals import MAIN
from lab.kubernetes import Kubernetes, backends, open_kubernetes
from lab.processes import stop_on_signals
from lab.rounds import SKIPPED
from worse import BESIDE_FLOOR, INSTRUCTIONS, Found, is_worse, told

ACCEPTED = Path(__file__).with_name("accepted.json")
EVENTS = 500  # README.md beside this file says why so many
MORE_TO_ACCEPT = 3  # times: what all later runs are compared with
COUNTED = 20
WARMING_UP = 5


def beside_floor(kubernetes: Kubernetes, events: int) -> float:
    with TailScene(kubernetes, [FLOOR, MAIN]) as scene:
        scene.play(WARMING_UP)
        rounds = scene.play(events)
    if wrong := [entry for entry in rounds if not entry["ok"]]:
        raise SystemExit(f"{len(wrong)} events were not followed: {wrong[0]['way']}: {wrong[0]['why']}")
    found = ratio(tabulate(rounds), MAIN, "event_to_published_ms")
    assert found is not None
    return found


def instructions(kubernetes: Kubernetes) -> float:
    with tempfile.TemporaryDirectory(prefix="reconciler-check-") as name:
        folder = Path(name)
        with TailScene(kubernetes, [MAIN], callgrind.started_by(folder)) as scene:
            scene.play(WARMING_UP)
            pids = scene.heard[0].way.pids()
            with callgrind.counted(pids):
                scene.play(COUNTED)
            return callgrind.instructions(folder, pids) / COUNTED


def before_others() -> None:
    """This process and all that it starts."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("beside whatever else the machine does: SCHED_RR is not allowed here")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="for each way (default: %(default)s)")
    parser.add_argument("--accept", action="store_true", help="what is found is what later runs are compared with")
    given = parser.parse_args()
    if "real" not in backends():
        print("skipped: no real API server here: KUBERNETES_LAB is not set")
        return SKIPPED
    stop_on_signals()
    before_others()
    found: Found = {}
    with open_kubernetes("real", private=True) as kubernetes:
        events = given.events * (MORE_TO_ACCEPT if given.accept else 1)
        found[BESIDE_FLOOR] = round(beside_floor(kubernetes, events), 3)
        if not shutil.which("valgrind"):
            print("instructions are not counted: there is no valgrind here")
        else:
            found[INSTRUCTIONS] = round(instructions(kubernetes), -3)
    if given.accept:
        before: Found = json.loads(ACCEPTED.read_text())
        ACCEPTED.write_text(json.dumps(before | found, indent=2) + "\n")
    accepted: Found = json.loads(ACCEPTED.read_text())
    print("\n".join(told(found, accepted)))
    return 1 if any(is_worse(value, accepted[name]) for name, value in found.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
