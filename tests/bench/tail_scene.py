"""Many events for several ways that all run at once, each by fake Sentinels of its own, one event at a time."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consumption import Spent, spent  # noqa: E402
from observed import Observed  # noqa: E402
from requests_made import Request, requests_made, writes_of  # noqa: E402
from way_namespace import OBSERVED, WayNamespace  # noqa: E402
from ways import Place, Way, act_on_of, make, publish_of  # noqa: E402

from lab.addresses import AddressBlock  # noqa: E402
from lab.kubernetes import Kubernetes  # noqa: E402
from lab.processes import die_with_parent  # noqa: E402
from lab.rounds import WRONG_IN_A_ROW, Round  # noqa: E402
from lab.valkey import temporary_folder  # noqa: E402

PODS = {f"valkey-{index}": f"10.244.0.{11 + index}" for index in range(3)}
GROUP = "myprimary"
WITHIN = 20.0
STARTED_WITHIN = 60.0  # by valgrind, on a busy machine
SENTINELS = {"announcement": 1, "agreement": 3}  # with "promotion" an instance tells, and here is none
BETWEEN = (0.03, 0.06)  # seconds after the end of one failover, until another way's turn


class FakeLeader:
    """The process; close() by whoever made it."""

    def __init__(self, sentinels: int) -> None:
        self._block = AddressBlock()
        self.hosts = [self._block.address(1 + number) for number in range(sentinels)]
        self.port = self._block.free_port(self.hosts)
        words = [GROUP, str(self.port), ",".join(self.hosts), ",".join(PODS.values())]
        self._popen = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fake_leader.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),
            process_group=0,
        )
        self._read()

    def do(self, order: str) -> float:
        """When it spoke."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(order + "\n")
        self._popen.stdin.flush()
        return float(self._read()["time"])

    def close(self) -> None:
        self._popen.kill()
        self._popen.wait(10)
        self._block.close()
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self._popen.stdout is not None
        answer: dict[str, Any] = json.loads(self._popen.stdout.readline())
        return answer


@dataclass(frozen=True)
class Followed:
    """One event, and the publication that followed it; or why there was none."""

    event: float
    published: float
    why: str = ""


class Heard:
    """One way, its fake Sentinels and its namespace."""

    def __init__(
        self, name: str, kubernetes: Kubernetes, folder: Path, started_by: Sequence[str]
    ) -> None:
        self.name = name
        self.leader = FakeLeader(SENTINELS[act_on_of(name)])
        self.namespace = WayNamespace(kubernetes, publish_of(name), PODS)
        place = Place(
            *(self.namespace.namespace, GROUP, PODS, self.leader.hosts, self.leader.port, None, folder)
        )
        self.way: Way = make(name, place, started_by)
        self.primary = 0
        self.followed: list[Followed] = []  # since play() was called
        self.before: Spent | None = None  # what it had taken then; None: it is not the same processes

    def begin(self) -> None:
        self.followed.clear()
        self.before = spent(self.way.pids())

    def took(self) -> dict[str, float]:
        """CPU is of all events together, with what was taken in between: the same in each entry."""
        if self.before is None:
            return {}
        return {"own_cpu_ms": spent(self.way.pids()).since(self.before).cpu * 1000 / len(self.followed)}

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
                self._start(heard)
                self.heard.append(heard)
            self._opened = opened.pop_all()

    def __enter__(self) -> TailScene:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def play(self, events: int) -> list[Round]:
        """So many for each way; in each cycle every way has its turn once. One that was not followed in time is noted as
        that, and its way starts anew."""
        audited = self._kubernetes.audit_size()
        for heard in self.heard:
            heard.begin()
        for _ in range(events):
            random.shuffle(self.heard)
            for heard in self.heard:
                self._play_one(heard)
            self._observed.forget()
        lines = self._kubernetes.audit(audited)
        to_monotonic = time.monotonic() - time.time()
        return [
            entry
            for heard in self.heard
            for entry in _rounds(heard, requests_made(lines, heard.namespace.name, to_monotonic))
        ]

    def _play_one(self, heard: Heard) -> None:
        heard.primary = (heard.primary + random.choice((1, 2))) % len(PODS)
        event = heard.leader.do(f"to {heard.primary}")
        try:
            heard.followed.append(Followed(event, self._wait_led(heard, event)))
        except TimeoutError as error:
            heard.followed.append(Followed(event, event, str(error)))
            if len(last := heard.followed[-WRONG_IN_A_ROW:]) == WRONG_IN_A_ROW and all(each.why for each in last):
                raise
        heard.leader.do("end")
        if heard.followed[-1].why:
            heard.way.stop()
            heard.before = None
            self._start(heard)
        time.sleep(random.uniform(*BETWEEN))

    def _start(self, heard: Heard) -> None:
        heard.way.start()
        self._wait_led(heard, 0.0, STARTED_WITHIN)
        heard.way.wait_ready()

    def _wait_led(self, heard: Heard, since: float, within: float = WITHIN) -> float:
        pod = f"valkey-{heard.primary}"
        what = OBSERVED[heard.way.publish]
        return self._observed.wait(what, heard.namespace.name, heard.namespace.leads_to(pod), since, within)


def _rounds(heard: Heard, requests: list[Request]) -> list[Round]:
    shared = {"way": heard.name, "kind": "event", "load": os.getloadavg()[0]} | heard.took()
    ends = [each.event for each in heard.followed[1:]] + [float("inf")]
    return [
        {**shared, "ok": False, "why": each.why}
        if each.why
        else {
            **shared,
            "ok": True,
            "event_to_published_ms": (each.published - each.event) * 1000,
            **writes_of(
                [request for request in requests if each.event <= request.received < end], each.event, each.published
            ),
        }
        for each, end in zip(heard.followed, ends)
    ]
