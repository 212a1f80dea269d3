"""Many whole instances, a real group with real Sentinels, and its failovers (tests/accept/requests.py plays them)."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from plan import Point
from taken import at_rest, memory_of, pids_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "accept"))

from requests import Scene, Void  # noqa: E402

from lab.kubernetes import Kubernetes  # noqa: E402
from lab.sentinels import SentinelOptions  # noqa: E402
from lab.valkey import ValkeyGroup  # noqa: E402

VOID_AT_MOST = 5
NICE = 19  # of the instances: the API server and the Sentinels go first


class ManyInstances:
    def __init__(self, kubernetes: Kubernetes, failovers: int, rest: float) -> None:
        self._kubernetes, self._failovers, self._rest = kubernetes, failovers, rest
        self._group = ValkeyGroup(options=SentinelOptions(down_after=1.0))
        self._group.__enter__()

    def measure(self, size: int) -> Point:
        began, nice = time.monotonic(), os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
        try:
            scene = Scene(self._kubernetes, self._group, size)
        finally:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        try:
            return self._measure(scene, size, time.monotonic() - began)
        finally:
            scene.close()

    def close(self) -> None:
        self._group.__exit__(None, None, None)

    def _measure(self, scene: Scene, size: int, ready_after: float) -> Point:
        played, void = [], 0
        while len(played) < self._failovers:
            try:
                played.append(scene.play("planned", is_frozen=False))
            except Void:
                void += 1
                if void > VOID_AT_MOST:
                    raise
        pids = [pid for program in scene.programs for pid in pids_of(program)]
        taken = at_rest(pids, self._rest)
        return {
            "size": size,
            "load": os.getloadavg()[0],
            "ready_s": ready_after,
            "processes": len(pids),
            "pods_of_a_group": len(self._group.instances),
            "failovers": len(played),
            "writes": statistics.median(each.writes for each in played),
            "most_writes": max(each.writes for each in played),
            "late_ms": statistics.median(each.late_ms for each in played),
            "sentinel_connections": self._connections(),
            **taken,
            **memory_of(pids),
        }

    def _connections(self) -> int:
        """Of clients, at one Sentinel."""
        said = self._group.sentinels.all[0].query(("INFO", "clients"))[0]
        return int(str(said).split("connected_clients:")[1].split()[0])
