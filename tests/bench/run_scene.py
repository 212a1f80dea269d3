"""What the rounds are played on: one real group, a proxy before its Sentinels, a real API server with its
controller-manager, a namespace for each way, and an observer. In a network of its own, since EndpointSlices refuse
loopback addresses."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cluster_life import ClusterLife  # noqa: E402
from consumption import alone, memory, name_of, spent  # noqa: E402
from observed import Observed  # noqa: E402
from proxied_sentinels import ProxiedSentinels, named_by  # noqa: E402
from requests_made import Request, requests_made, writes_of  # noqa: E402
from way_namespace import OBSERVED, WayNamespace  # noqa: E402
from ways import Place, Way, make, publish_of  # noqa: E402

from lab.kubernetes import open_kubernetes  # noqa: E402
from lab.namespaces import PodNetwork  # noqa: E402
from lab.rounds import Options, Round  # noqa: E402
from lab.sentinel_events import was_taken_back  # noqa: E402
from lab.valkey import Failover, ValkeyGroup, temporary_folder  # noqa: E402

WITHIN = 20.0  # the slowest way has published
# After the start: what a way does then is no part of a failover, and the program gives back after 5 s what only its start
# needed. All wait as long, so that they find the machine and the API server alike.
SETTLED = 6.0
MORE = 1.5  # after all Sentinels have switched: what it does then is


class RunScene:
    def __init__(self, options: Options) -> None:
        given = options.others
        self._ways: dict[str, Way] = {}
        self._plan: list[dict] = given.plan
        self._begun, self._last = time.monotonic(), ""
        with contextlib.ExitStack() as opened:
            network = PodNetwork()
            opened.enter_context(network.inside.entered())
            self._group = opened.enter_context(ValkeyGroup(block=network))
            self._kubernetes = open_kubernetes("real", private=True, options=["--kcm"])
            opened.enter_context(self._kubernetes)
            opened.callback(ClusterLife(self._kubernetes.admin).close)
            for instance in self._group.instances:  # of pods on no Node there are no EndpointSlices
                self._kubernetes.node(instance.name.replace("valkey", "lab-node"))
            hosts = [network.address(24 + index) for index in range(len(self._group.sentinels.all))]
            folder = temporary_folder("bench")
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            self._sentinels = ProxiedSentinels(self._group.sentinels.all, hosts, folder)
            opened.callback(self._sentinels.close)
            self._observed = Observed(self._kubernetes.folder)
            opened.callback(self._observed.close)
            self._namespaces: dict[str, WayNamespace] = {}
            pods = {instance.name: instance.host for instance in self._group.instances}
            for name in given.ways:
                namespace = WayNamespace(self._kubernetes, publish_of(name), pods)
                self._namespaces[name] = namespace
                place = Place(
                    *(namespace.namespace, self._group.name, pods),
                    *(self._sentinels.hosts, self._sentinels.port, self._sentinels.ca_file, folder),
                )
                self._ways[name] = make(name, place)
                opened.callback(self._ways[name].stop)
            self._opened = opened.pop_all()

    def run_round(self, number: int) -> Round:
        planned = self._plan[number]
        self._last = planned["way"]
        way, namespace = self._ways[self._last], self._namespaces[self._last]
        self._begun = time.monotonic()
        self._group.events.forget(before=self._begun - 60.0)
        self._sentinels.forget()
        self._observed.forget()
        try:
            measured: Round = {**planned, "load": os.getloadavg()[0]}
            measured["cold_start_ms"] = self._start(way, namespace) * 1000
            if planned["kind"] == "rest":
                return measured | self._rest(way, planned["seconds"])
            return measured | self._fail_over(way, namespace, planned["kind"])
        finally:
            way.stop()

    def is_void(self) -> bool:
        """Sentinels took their own failover back: there was no switch to follow."""
        return was_taken_back(self._group.events.since(self._begun))

    def save(self, folder: Path) -> None:
        if self._last:
            (folder / "way.log").write_text(self._ways[self._last].log())
        told = "\n".join(map(str, self._sentinels.passed(self._begun)))
        (folder / "passed.txt").write_text(told + "\n")
        said = "\n".join(map(str, self._group.events.since(self._begun)))
        (folder / "sentinels.txt").write_text(said + "\n")

    def close(self) -> None:
        self._opened.close()

    def _start(self, way: Way, namespace: WayNamespace) -> float:
        """Seconds from exec to right, where it was wrong before."""
        primary = self._group.primary()
        namespace.mislead(primary.name)
        what = OBSERVED[way.publish]
        name = namespace.name
        self._wait_misled(what, name, namespace.leads_to(primary.name))
        began = time.monotonic()
        way.start()
        right = self._observed.wait(what, name, namespace.leads_to(primary.name), began, WITHIN)
        self._sentinels.wait_subscribed(way.subscribes_at, began)
        way.wait_ready()
        if way.publish != "endpointslice":
            self._observed.wait("slice", name, primary.host, 0.0, WITHIN)
        time.sleep(SETTLED)
        return right - began

    def _wait_misled(self, what: str, name: str, leads_to: str) -> None:
        end = time.monotonic() + WITHIN
        while self._observed.now(what, name) == (leads_to,):
            if time.monotonic() > end:
                raise TimeoutError(f"{what} of {name} is not led astray")
            time.sleep(0.01)

    def _rest(self, way: Way, seconds: float) -> Round:
        pids = way.pids()
        began, before = time.monotonic(), {pid: spent([pid]) for pid in pids}
        time.sleep(seconds)
        passed = time.monotonic() - began
        took = {pid: spent([pid]).since(before[pid]) for pid in pids}
        memories = {pid: memory(pid) for pid in pids}
        return {
            "processes": len(pids),
            "pss_kb": sum(each.pss for each in memories.values()),
            "alone_kb": alone(memories.values()),
            "rest_cpu_percent": sum(each.cpu for each in took.values()) / passed * 100,
            "rest_wakeups_per_s": sum(each.switches for each in took.values()) / passed,
            "by_process": [
                {
                    "name": name_of(pid),
                    "pss_kb": memories[pid].pss,
                    "cpu_percent": took[pid].cpu / passed * 100,
                    "wakeups_per_s": took[pid].switches / passed,
                }
                for pid in pids
            ],
        }

    def _fail_over(self, way: Way, namespace: WayNamespace, kind: str) -> Round:
        group, name = self._group, namespace.name
        audited = self._kubernetes.audit_size()
        before, began = spent(way.pids()), time.monotonic()
        trigger = group.kill_primary() if kind == "kill" else group.sentinel_failover()
        failover = group.wait_failover(trigger)
        if failover.begun != trigger.moment:
            raise RuntimeError("Sentinels gave the failover up, and it was asked for again: the round is void")
        published = self._observed.wait(
            OBSERVED[way.publish], name, namespace.leads_to(failover.new.name), failover.begun, WITHIN
        )
        in_slice = self._observed.wait("slice", name, failover.new.host, failover.begun, WITHIN)
        time.sleep(max(0.0, failover.ended + MORE - time.monotonic()))
        took, window = spent(way.pids()).since(before), time.monotonic() - began
        requests = requests_made(
            self._kubernetes.audit(audited), name, time.monotonic() - time.time()
        )
        self._check_one(way, name, failover)
        measured = self._times(way, failover, published, in_slice, requests)
        group.heal(failover)
        group.wait_healthy()
        return measured | {
            "cpu_ms": took.cpu * 1000,
            "window_s": window,
            "writes": sum(request.is_write for request in requests),
            "events": sum(request.is_event for request in requests),
            "reads": sum(request.is_read for request in requests),
        }

    def _check_one(self, way: Way, name: str, failover: Failover) -> None:
        what = OBSERVED[way.publish]
        if two := [led for led in self._observed.since(failover.begun, what, name) if len(led.to) > 1]:
            raise AssertionError(f"{what} led to two places: {two}")

    def _times(
        self, way: Way, failover: Failover, published: float, in_slice: float, requests: list[Request]
    ) -> Round:
        passed = self._sentinels.passed(failover.begun)
        event = (
            failover.t0
            if way.act_on == "promotion"
            else named_by(passed, failover.new.host, 2 if way.act_on == "agreement" else 1)
        )
        if event is None or failover.t0 is None:
            raise AssertionError(f"the event of {way.name} was not seen: {failover}")
        answers = [
            each.time
            for each in passed
            if each.kind == "answer" and each.host == failover.new.host and each.time >= event
        ]
        steps = writes_of(requests, event, published)
        return {
            "event_to_published_ms": (published - event) * 1000,
            "t0_to_published_ms": (published - failover.t0) * 1000,
            "t0_to_event_ms": (event - failover.t0) * 1000,
            "event_to_slice_ms": (in_slice - event) * 1000,
            "event_to_answer_ms": (min(answers) - event) * 1000 if answers else None,
            **steps,
        }
