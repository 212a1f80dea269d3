#!/usr/bin/env python3
"""Where the program's time goes from a fake Sentinel's event to the last write, by what the kernel or valgrind sees of it:

  path          strace of all its processes: the system calls of the median one of some events, in ms after the event. Tracing
                makes all of it slower; the order, and what waits for what, is right
  instructions  callgrind: how many instructions of its own each process carries out for one failover, and in which functions.
                They do not depend on how busy the machine is

    RECONCILER_BUILD=build python3 tests/bench/where.py path --way announcement/label --events 20"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import callgrind
from tail_scene import TailScene

from consumption import name_of
from lab.kubernetes import backends, open_kubernetes
from lab.processes import stop_on_signals

CALLS = "sendmsg,recvmsg,read,write,sendto,recvfrom,readv,writev,poll,epoll_wait,epoll_ctl,futex"
WARMING_UP = 3  # events
AROUND = 0.001  # seconds before the event and after the publication


def path(scene: TailScene, events: int, folder: Path) -> None:
    heard = scene.heard[0]
    pids = heard.way.pids()
    tracers = [
        subprocess.Popen(
            ["strace", "-f", "-ttt", "-T", "-s", "48", "-e", f"trace={CALLS}", "-o", folder / str(pid), "-p", str(pid)],
            stderr=subprocess.DEVNULL,
        )
        for pid in pids
    ]
    time.sleep(1.0)  # until they are attached
    to_wall = time.time() - time.monotonic()
    scene.play(events)
    for tracer in tracers:
        tracer.terminate()
        tracer.wait(10)
    calls = sorted(call for pid in pids for call in _calls(folder / str(pid), name_of(pid)))
    took = sorted((each.published - each.event, each.event, each.published) for each in heard.followed)
    _, event, published = took[len(took) // 2]
    for moment, name, call in calls:
        after = moment - to_wall - event
        if -AROUND < after < published - event + AROUND:
            print(f"{after * 1000:8.3f} {name:18} {call[:110]}")


def _calls(file: Path, name: str) -> list[tuple[float, str, str]]:
    found = (re.match(r"\d+\s+(\d+\.\d+) (.*)", line) for line in file.read_text().splitlines())
    return [(float(each[1]), name, each[2]) for each in found if each]


def instructions(scene: TailScene, events: int, folder: Path) -> None:
    with callgrind.counted(scene.heard[0].way.pids()):
        scene.play(events)
    for file in callgrind.files(folder):
        text = file.read_text()
        print(f"\n{callgrind.command(text)}: {callgrind.total(text) / events:,.0f} instructions a failover")
        report = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", file], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        functions = [line for line in report if "reconciler::" in line and "_Function_handler" not in line]
        for line in functions[:20]:
            count, _, function = line.strip().partition(" ")
            name = re.sub(r"^.*?\) +\S*?:(?=\w+::|void |bool )", "", function.partition("[/")[0])
            print(f"{int(count.replace(',', '')) / events:12,.0f}  {name[:110]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("path", "instructions"))
    parser.add_argument("--way", default="announcement/label")
    parser.add_argument("--events", type=int, default=10)
    given = parser.parse_args()
    tool = "strace" if given.what == "path" else "valgrind"
    if "real" not in backends() or shutil.which(tool) is None:
        print(f"skipped: it needs a real API server (KUBERNETES_LAB) and {tool}")
        return 77
    stop_on_signals()
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="reconciler-profile-")))
        kubernetes = opened.enter_context(open_kubernetes("real", private=True))
        scene = TailScene(kubernetes, [given.way], callgrind.started_by(folder) if tool == "valgrind" else ())
        opened.enter_context(scene)
        scene.play(WARMING_UP)
        {"path": path, "instructions": instructions}[given.what](scene, given.events, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
