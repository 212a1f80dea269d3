"""Many events for several ways that all run at once, each by a fake Sentinel of its own, one event at a time."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consumption import Spent, spent  # noqa: E402
from observed import Observed  # noqa: E402
from requests_made import Request, requests_made, writes_of  # noqa: E402
from way_namespace import OBSERVED, WayNamespace  # noqa: E402
from ways import Place, Way, make, publish_of  # noqa: E402

from lab.kubernetes import Kubernetes  # noqa: E402
from lab.processes import die_with_parent  # noqa: E402
from lab.rounds import Round  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

PODS = {f"valkey-{index}": f"10.244.0.{11 + index}" for index in range(3)}
GROUP = "myprimary"
WITHIN = 20.0
BETWEEN = (0.03, 0.06)  # seconds after the end of one failover, until another way's turn


class FakeLeader:
    """The process; close() by whoever made it."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fake_leader.py"), GROUP, ",".join(PODS.values())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
            process_group=0,
        )
        self.port = int(self._read()["port"])

    def do(self, order: str) -> float:
        """When it spoke."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(order + "\n")
        self._popen.stdin.flush()
        return float(self._read()["time"])

    def close(self) -> None:
        self._popen.kill()
        self._popen.wait(10)
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self._popen.stdout is not None
        answer: dict[str, Any] = json.loads(self._popen.stdout.readline())
        return answer


class Heard:
    """One way, its fake Sentinel and its namespace."""

    def __init__(
        self, name: str, kubernetes: Kubernetes, folder: Path, started_by: Sequence[str]
    ) -> None:
        self.name = name
        self.leader = FakeLeader()
        self.namespace = WayNamespace(kubernetes, publish_of(name), PODS)
        place = Place(self.namespace.namespace, GROUP, PODS, ["127.0.0.1"], self.leader.port, None, folder)
        self.way: Way = make(name, place, started_by)
        self.primary = 0
        self.moments: list[tuple[float, float]] = []  # of each event and its publication
        self.before = Spent(0.0, 0)

    def close(self) -> None:
        self.way.stop()
        self.leader.close()
        self.namespace.namespace.delete()


class TailScene:
    def __init__(
        self, kubernetes: Kubernetes, names: list[str], started_by: Sequence[str] = ()
    ) -> None:
        self._kubernetes = kubernetes
        with contextlib.ExitStack() as opened:
            self._observed = Observed(kubernetes.folder)
            opened.callback(self._observed.close)
            folder = temporary_folder("tail")
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            self.heard: list[Heard] = []
            for name in names:
                heard = Heard(name, kubernetes, folder, started_by)
                opened.callback(heard.close)
                heard.way.start()
                self._wait_led(heard, since=0.0)
                heard.way.wait_ready()
                self.heard.append(heard)
            self._opened = opened.pop_all()

    def __enter__(self) -> TailScene:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def play(self, events: int) -> list[Round]:
        """So many for each way; in each cycle every way has its turn once."""
        audited, began = self._kubernetes.audit_size(), time.monotonic()
        for heard in self.heard:
            heard.before = spent(heard.way.pids())
        for _ in range(events):
            random.shuffle(self.heard)
            for heard in self.heard:
                self._play_one(heard)
            self._observed.forget()
        passed = time.monotonic() - began
        lines = self._kubernetes.audit(audited)
        to_monotonic = time.monotonic() - time.time()
        return [
            entry
            for heard in self.heard
            for entry in self._rounds(heard, requests_made(lines, heard.namespace.name, to_monotonic), passed)
        ]

    def _play_one(self, heard: Heard) -> None:
        heard.primary = (heard.primary + random.choice((1, 2))) % len(PODS)
        event = heard.leader.do(f"to {heard.primary}")
        heard.moments.append((event, self._wait_led(heard, event)))
        heard.leader.do("end")
        time.sleep(random.uniform(*BETWEEN))

    def _wait_led(self, heard: Heard, since: float) -> float:
        pod = f"valkey-{heard.primary}"
        what = OBSERVED[heard.way.publish]
        return self._observed.wait(what, heard.namespace.name, heard.namespace.leads_to(pod), since, WITHIN)

    def _rounds(self, heard: Heard, requests: list[Request], passed: float) -> list[Round]:
        """CPU is of all events together, with what was taken in between: the same in each entry."""
        took = spent(heard.way.pids()).since(heard.before)
        load = os.getloadavg()[0]
        shared = {"way": heard.name, "kind": "event", "load": load, "own_cpu_ms": took.cpu * 1000 / len(heard.moments)}
        ends = [event for event, _ in heard.moments[1:]] + [float("inf")]
        return [
            {
                **shared,
                "event_to_published_ms": (published - event) * 1000,
                **writes_of([each for each in requests if event <= each.received < end], event, published),
            }
            for (event, published), end in zip(heard.moments, ends)
        ]
