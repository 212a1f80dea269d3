"""One instance of the program with three fake Sentinels of many groups."""

from __future__ import annotations

import contextlib
import shutil
import time

from fakes.sentinel_process import FakeSentinelProcess, group_name
from lab import configuration
from lab.kubernetes import Namespace
from lab.processes import wait_until
from lab.program import Program
from lab.valkey import temporary_folder
from taken import pids_of

SENTINELS = 3
QUESTIONS = 3  # of one poll of a group
READY_WITHIN = 180.0


class OneInstance:
    """Made and closed by whoever needs it, in its main thread; it is started already, and ready."""

    def __init__(self, namespace: Namespace, groups: int, selector: str, *, events: bool = True) -> None:
        with contextlib.ExitStack() as opened:
            folder = temporary_folder("growth")
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            self.sentinels = [opened.enter_context(FakeSentinelProcess(groups)) for _ in range(SENTINELS)]
            self.program = Program(
                folder, self._configuration(namespace, groups, selector, events), log_level="info", reads_log=False
            )
            opened.callback(self.program.close)
            began = time.monotonic()
            self.program.start()
            self.program.wait_ready(READY_WITHIN)
            self.ready_after = time.monotonic() - began
            self.pids = pids_of(self.program)
            self._opened = opened.pop_all()

    def __enter__(self) -> OneInstance:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def fail_over(self) -> tuple[float, float]:
        """All groups at once; when that began, and when the leader had announced the last."""
        leader, *_ = self.sentinels
        leader.do("prepare promote")
        began = time.monotonic()
        leader.begin("promote")
        return began, float(leader.end()["last"])

    def end_failover(self) -> None:
        """All Sentinels switch."""
        for sentinel in self.sentinels:
            sentinel.begin("switch")
        for sentinel in self.sentinels:
            sentinel.end()

    def wait_polled(self, groups: int, times: int) -> None:
        """Each group was asked for so often since now, at each Sentinel."""
        wanted = [self._questions(each) + times * QUESTIONS * groups for each in self.sentinels]
        wait_until(
            lambda: all(self._questions(each) >= least for each, least in zip(self.sentinels, wanted)),
            60, "all groups are polled", interval=0.5,
        )

    @staticmethod
    def _questions(sentinel: FakeSentinelProcess) -> int:
        return int(sentinel.do("count")["questions"])

    def _configuration(self, namespace: Namespace, groups: int, selector: str, events: bool) -> str:
        addresses = [f"{host}:{port}" for host, port in (each.address for each in self.sentinels)]
        return configuration.configuration(
            configuration.table("sentinel", name="main", addresses=addresses, discover=False),
            *(configuration.table("sentinel.group", name=group_name(number)) for number in range(groups)),
            configuration.kubernetes_target(namespace.kubeconfig(), namespace.name, selector=selector, events=events),
        )
