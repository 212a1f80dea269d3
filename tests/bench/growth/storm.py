"""One storm: by the program, out of the audit log; and by the floor, which sends the same patches with the same concurrency."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from urllib.parse import urlsplit

from many_pods import ManyPods, pod_name
from one_instance import OneInstance
from plan import Point
from requests_made import Request, requests_made

from consumption import spent
from fakes.sentinel_process import INSTANCES, group_name, instance
from lab.kube_namespace import LABEL
from lab.kubernetes import Kubernetes
from lab.processes import die_with_parent, wait_until

STAMP = "valkey-reconciler.io/stamp"
WITHIN = 120.0
QUIET = 1.5  # seconds without a write


class Storm:
    """`pods` are those of the instance, `floors` those that the floor patches."""

    def __init__(self, kubernetes: Kubernetes, of: OneInstance, groups: int, pods: ManyPods, floors: ManyPods) -> None:
        self._kubernetes, self._instance, self._groups = kubernetes, of, groups
        self._pods, self._floors = pods, floors
        self._uids = {name: pod["metadata"]["uid"] for name, pod in floors.namespace.pods().items()}
        self._stamps: dict[str, str] = {}
        self._turn = 0  # which pod of each group is the program's primary
        self._primary: int | None = None  # and the floor's
        self._epoch = 1
        self.play_floor()  # so that all pods are as they will be

    def play(self) -> Point:
        """From the first announcement to the answer of the last promotion."""
        time.sleep(QUIET)  # as before the floor: the server has closed that one's connections
        audited, before = self._kubernetes.audit_size(), spent(self._instance.pids)
        began, last = self._instance.fail_over()
        self._turn = (self._turn + 1) % INSTANCES
        wanted = {pod_name(group, self._turn) for group in range(self._groups)}
        wait_until(lambda: self._patched(audited), WITHIN, "all patches are sent", interval=0.3)
        wait_until(lambda: set(self._pods.namespace.labelled()) == wanted, WITHIN, "all labels are moved", interval=0.3)
        self._instance.end_failover()
        requests = self._wait_quiet(audited)
        patches = [each for each in requests if each.what == "patch pods"]
        ended = max(each.done for each in patches)
        took = spent(self._instance.pids).since(before)
        return {
            "storm_ms": (ended - began) * 1000,
            "announced_ms": (last - began) * 1000,
            "first_patch_ms": (min(each.received for each in patches) - began) * 1000,
            "patches": len(patches),
            "at_once": most_at_once(patches),
            "refused": sum(each.code >= 400 for each in patches),
            "lists": sum(each.what == "list pods" for each in requests),
            "events": sum(each.is_event for each in requests),
            "events_before_end": sum(each.is_event and each.received < ended for each in requests),
            "cpu_ms": took.cpu * 1000,
        }

    def play_floor(self) -> float:
        """ms from the first patch that it sends to its last answer."""
        pairs = "\n".join(self._pair(group) for group in range(self._groups))
        server, namespace = urlsplit(self._kubernetes.url), self._floors.namespace
        done = subprocess.run(
            [os.environ["STORM_FLOOR"], str(server.hostname), str(server.port), self._kubernetes.ca, str(self._groups)],
            input=namespace.token + "\n" + pairs + "\n",
            capture_output=True, text=True, timeout=WITHIN, check=True, preexec_fn=die_with_parent(),
        )
        self._primary = self._next_of_floor()
        self._epoch += 1
        return float(done.stdout)

    def _next_of_floor(self) -> int:
        return 0 if self._primary is None else (self._primary + 1) % INSTANCES

    def _pair(self, group: int) -> str:
        """Path and body of both patches, as lines."""
        new = self._next_of_floor()
        old = self._primary if self._primary is not None else (new + 1) % INSTANCES
        return "\n".join([*self._patch(group, old, new, "fenced"), *self._patch(group, new, new, "promoted")])

    def _patch(self, group: int, index: int, primary: int, kind: str) -> tuple[str, str]:
        """As the program makes them."""
        name = pod_name(group, index)
        host, port = instance(group, primary)
        stamp = f"v1 0.{self._epoch}.0 {host}:{port} {kind} {secrets.token_hex(8)} {group_name(group)}"
        path = "/metadata/annotations/" + STAMP.replace("/", "~1")
        had = self._stamps.get(name)
        tests = [
            {"op": "test", "path": "/metadata/uid", "value": self._uids[name]},
            *([{"op": "test", "path": path, "value": had}] if had else []),
        ]
        labelled = kind == "promoted"
        change = {"op": "add", "path": f"/metadata/labels/{LABEL}", "value": "true"} if labelled else {
            "op": "remove", "path": f"/metadata/labels/{LABEL}"}
        annotation = {"op": "add", "path": path, "value": stamp}
        if not had:
            annotation = {"op": "add", "path": "/metadata/annotations", "value": {STAMP: stamp}}
        changes = [change] if labelled or self._primary is not None else []
        self._stamps[name] = stamp
        where = f"{self._floors.namespace.path}/pods/{name}?fieldManager=valkey-reconciler"
        return where, json.dumps([*tests, *changes, annotation], separators=(",", ":"))

    def _patched(self, audited: int) -> bool:
        """As often as it takes at least. A look at hundreds of pods would slow down what is measured."""
        patches = sum(line["verb"] == "patch" for line in self._kubernetes.audit(audited))
        return patches >= 2 * self._groups

    def _wait_quiet(self, audited: int) -> list[Request]:
        """All that was asked since, when nothing is written any more."""
        size = -1
        while True:
            time.sleep(QUIET)
            lines = self._kubernetes.audit(audited)
            requests = requests_made(lines, self._pods.namespace.name, time.monotonic() - time.time())
            ours = [each for each in requests if each.is_write or each.is_event]
            if len(ours) == size:
                return requests
            size = len(ours)


def most_at_once(requests: list[Request]) -> int:
    """How many were under way at one moment. Pure."""
    steps = sorted([(each.received, 1) for each in requests] + [(each.done, -1) for each in requests])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most
