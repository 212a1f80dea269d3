#!/usr/bin/env python3
"""What many whole instances of the program ask of the API server, by its audit log (Events and
access reviews not counted), for each number of instances:

  failovers  each one twice: the instance on the node of the new primary's pod lives, or its labeler
             is stopped just before the first news. While it lives, the write requests are no more
             in the median than the pods of the group + 2. While it is stopped, the label comes no
             more than 400 ms later in the median
  rest       nothing is written, and nothing is read but by the watches. What else comes by the
             clock is told: a list of each instance every 5 minutes (`resync`), and its checks of
             the connections (GET /readyz), which ask for no resource

Instance k is on node k, and so are the pods of the group, on the first three. The exit status says
whether all bounds hold."""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from instances import Instances, wait_ready  # noqa: E402

from lab import configuration  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import Kubernetes, Pod, backends, open_kubernetes  # noqa: E402
from lab.pod_watch import PodWatch  # noqa: E402
from lab.processes import stop_on_signals, wait_until  # noqa: E402
from lab.program import LABELER, ProcessId, Program  # noqa: E402
from lab.sentinel_events import NEWS, Event, was_taken_back  # noqa: E402
from lab.sentinels import SentinelOptions  # noqa: E402
from lab.valkey import Failover, ValkeyGroup  # noqa: E402

MORE_WRITES_THAN_PODS = 2
LATER_AT_MOST = 400  # ms
STARTED_AT_A_TIME = 10
QUIET = 1.0  # seconds without a write: then nobody is about to write
VOID_AT_MOST = 5  # failovers that Sentinels took back, or on whose heels another one followed

WRITES = ("create", "update", "patch", "delete", "deletecollection")
# What each instance asks at rest, and once in how many seconds at most. Both of its connections are looked at; over HTTP/1.1,
# which the fake speaks, a watch lasts no longer than 15 s.
EXPECTED_AT_REST = {"watch pods": 240, "list pods": 270, "get /readyz": 10}
EXPECTED_OF_THE_FAKE = EXPECTED_AT_REST | {"watch pods": 15}


class Void(Exception):
    """This was not one failover, through no fault of the program."""


@dataclass
class Played:
    writes: int
    late_ms: float  # from the first news to the label
    by_first: bool  # the instance on the node of the new primary's pod gave the label


@dataclass
class Figures:
    """Of one number of instances."""

    instances: int
    pods: int
    expected: dict[str, int]  # EXPECTED_AT_REST
    alive: list[Played] = field(default_factory=list)
    frozen: list[Played] = field(default_factory=list)
    rest: Counter[str] = field(default_factory=Counter)
    rest_seconds: float = 0.0

    @property
    def writes(self) -> float:
        return statistics.median(played.writes for played in self.alive)

    @property
    def late_ms(self) -> tuple[float, float]:
        return (
            statistics.median(played.late_ms for played in self.alive),
            statistics.median(played.late_ms for played in self.frozen),
        )

    def faults(self) -> list[str]:
        found = []
        if self.writes > self.pods + MORE_WRITES_THAN_PODS:
            found.append(f"{self.writes:g} writes for a failover")
        alive, frozen = self.late_ms
        if frozen - alive > LATER_AT_MOST:
            found.append(f"{frozen - alive:.0f} ms later without the first instance")
        for what, count in self.rest.items():
            if what not in self.expected:
                found.append(f"at rest: {count} {what}")
        for what, every in self.expected.items():
            if self.rest[what] > self.instances * (1 + self.rest_seconds // every):
                found.append(f"at rest: {self.rest[what]} {what}")
        return [f"{self.instances} instances: {fault}" for fault in found]


class Scene:
    """One group, its pods, and so many instances."""

    def __init__(self, kubernetes: Kubernetes, group: ValkeyGroup, count: int) -> None:
        self.group = group
        self._kubernetes = kubernetes
        self._victims: dict[tuple[str, int], ProcessId] = {}  # by the address of their primary
        with ExitStack() as stack:
            self._namespace = kubernetes.namespace("requests")
            stack.callback(self._namespace.delete)
            self._namespace.add_pods(
                Pod(instance.name, instance.host, node=f"node-{index}")
                for index, instance in enumerate(group.instances)
            )
            self._kubeconfig = self._namespace.kubeconfig()
            self._watch = stack.enter_context(PodWatch(self._namespace))
            self._stopped: float | None = None  # when the first of this failover was
            self._instances = Instances()
            stack.callback(self._instances.close)
            for first in range(0, count, STARTED_AT_A_TIME):
                numbers = range(first, min(count, first + STARTED_AT_A_TIME))
                wait_ready([self._add_instance(number) for number in numbers], 120)
            group.events.on_event(self._stop_first)
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._victims = {}
        self._stack.close()

    def play(self, kind: str, is_frozen: bool) -> Played:
        """One failover, to the end of all that it causes."""
        group = self.group
        begun, audited, since = time.monotonic(), self._wait_quiet(), self._watch.last_version
        firsts = {
            instance.address: program.child(LABELER)
            for instance, program in zip(group.instances, self._instances.all)
        }
        self._stopped = None
        self._victims = dict(firsts) if is_frozen else {}
        trigger = group.kill_primary() if kind == "kill" else group.sentinel_failover()
        event = group.wait_event(trigger)
        if event is None:
            raise TimeoutError(f"no failover after the {kind}")
        new = group.at(event.address())
        try:
            self._watch.wait_for_label(new.name, 20, after=since)
        except TimeoutError:
            self._check_void(begun)
            raise
        finally:
            self._victims = {}
            firsts[new.address].send(signal.SIGCONT)
        failover = group.wait_failover(trigger)
        group.heal(failover)
        group.wait_healthy(40)
        self._check_void(begun)
        self._wait_quiet()
        self._watch.check()
        played = Played(
            writes=sum(_is_write(line) for line in self._audit(audited)),
            late_ms=(self._came(failover, since) - event.time) * 1000,
            by_first=self._gave_label(self._instances.all[group.instances.index(new)], begun),
        )
        if is_frozen and (self._stopped is None or self._stopped > event.time or played.by_first):
            raise Void("the first instance was stopped too late")
        for program in self._instances.all:
            program.forget_log(before=time.monotonic())
        return played

    def rest(self, seconds: float) -> Counter[str]:
        """What is asked in so long."""
        audited = self._wait_quiet()
        time.sleep(seconds)
        asked = Counter(map(_what, filter(_counts, self._audit(audited))))
        of_none = (line for line in self._kubernetes.audit(audited) if "objectRef" not in line)
        return asked + Counter(f"{line['verb']} {line['requestURI']}" for line in of_none)

    @property
    def programs(self) -> list[Program]:
        return self._instances.all

    def processes(self) -> int:
        return sum(1 + len(program.processes()) for program in self.programs)

    def _add_instance(self, number: int) -> Program:
        text = configuration.configuration(
            configuration.sentinel(self.group.sentinels, [self.group.name]),
            configuration.kubernetes_target(
                self._kubeconfig, self._namespace.name, node_name=f"node-{number}"
            ),
        )
        return self._instances.add(f"instance-{number}", text, log_level="info")

    def _stop_first(self, event: Event) -> None:
        """In the thread that hears of a candidate, some 0.9 s before the first news."""
        if event.channel == "+selected-slave" and event.group() == self.group.name:
            if (victim := self._victims.get(event.address())) is not None:
                victim.send(signal.SIGSTOP)
                self._stopped = time.monotonic()

    def _check_void(self, since: float) -> None:
        said = [e for e in self.group.events.since(since) if e.group() == self.group.name]
        if was_taken_back(said):
            raise Void("Sentinels took it back")
        if len({event.address() for event in said if event.channel in NEWS}) > 1:
            raise Void("another one followed")

    def _came(self, failover: Failover, since: int) -> float:
        return [
            change.received
            for change in self._watch.label_changes()
            if change.labelled and change.pod == failover.new.name and change.version > since
        ][0]

    def _gave_label(self, program: Program, since: float) -> bool:
        return any(" labelled " in entry.message for entry in program.log(since))

    def _audit(self, start: int) -> list[Json]:
        return [
            line
            for line in self._kubernetes.audit(start)
            if line.get("objectRef", {}).get("namespace") == self._namespace.name
        ]

    def _wait_quiet(self, timeout: float = 60.0) -> int:
        """The size of the audit log, when nobody has written for a while."""
        size, since = self._kubernetes.audit_size(), time.monotonic()

        def is_quiet() -> bool:
            nonlocal size, since
            lines = self._audit(size)
            size = self._kubernetes.audit_size() if lines else size
            if any(map(_is_write, lines)):
                since = time.monotonic()
            return time.monotonic() - since > QUIET

        wait_until(is_quiet, timeout, "nobody writes", interval=0.1)
        return size


def _counts(line: Json) -> bool:
    """Each request once; Events and reviews are of no interest."""
    begins = line["verb"] == "watch"
    return (
        line["stage"] == ("ResponseStarted" if begins else "ResponseComplete")
        and line["objectRef"]["resource"] != "events"
        and not line["objectRef"]["resource"].endswith("accessreviews")
    )


def _is_write(line: Json) -> bool:
    return line["verb"] in WRITES and _counts(line)


def _what(line: Json) -> str:
    return f"{line['verb']} {line['objectRef']['resource']}"


def measure(
    kubernetes: Kubernetes, group: ValkeyGroup, count: int, options: argparse.Namespace
) -> Figures:
    expected = EXPECTED_AT_REST if options.backend == "real" else EXPECTED_OF_THE_FAKE
    figures = Figures(count, len(group.instances), expected)
    begun = time.monotonic()
    scene = Scene(kubernetes, group, count)
    try:
        print(
            f"{count} instances ({scene.processes()} processes) are ready after "
            f"{time.monotonic() - begun:.0f} s",
            flush=True,
        )
        void = 0
        for number in range(options.pairs):
            kind = "kill" if number % 2 else "planned"
            for played, is_frozen in ((figures.alive, False), (figures.frozen, True)):
                while True:
                    try:
                        played.append(scene.play(kind, is_frozen))
                        break
                    except Void as why:
                        void += 1
                        print(f"    void, played again: {why}", flush=True)
                        if void > VOID_AT_MOST:
                            raise
                print(
                    f"    {number:3} {kind:8} first instance {'stopped' if is_frozen else 'lives':8}"
                    f"{played[-1].writes:4} writes, label {played[-1].late_ms:5.0f} ms after the "
                    f"first news, {'by it' if played[-1].by_first else 'by another'}",
                    flush=True,
                )
        figures.rest, figures.rest_seconds = scene.rest(options.rest), options.rest
    finally:
        scene.close()
    return figures


def print_table(all_figures: list[Figures]) -> None:
    rest = all_figures[0].rest_seconds
    print(
        f"\n{'':11}{'writes per failover':^30}{'first news to label, median ms':^36}"
        f"{f'in {rest:g} s at rest':^40}\n"
        f"{'instances':>9}  {'median':>8}{'max':>6}{'at most':>9}{'by first':>9}"
        f"{'lives':>8}{'stopped':>9}{'later':>7}{'at most':>9}"
        f"{'writes':>9}{'watches':>9}{'lists':>7}{'checks':>8}{'other':>7}"
    )
    for each in all_figures:
        alive, frozen = each.late_ms
        writes = sum(count for what, count in each.rest.items() if what.split()[0] in WRITES)
        expected = [each.rest[what] for what in EXPECTED_AT_REST]
        by_first = f"{sum(played.by_first for played in each.alive)}/{len(each.alive)}"
        print(
            f"{each.instances:9}  {each.writes:8g}{max(p.writes for p in each.alive):6}"
            f"{each.pods + MORE_WRITES_THAN_PODS:9}{by_first:>9}"
            f"{alive:8.0f}{frozen:9.0f}{frozen - alive:7.0f}{LATER_AT_MOST:9}"
            f"{writes:9}{expected[0]:9}{expected[1]:7}{expected[2]:8}"
            f"{each.rest.total() - writes - sum(expected):7}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", default="5,20,100", help="default: 5,20,100")
    parser.add_argument("--pairs", type=int, default=10, help="of failovers (default: 10)")
    parser.add_argument("--rest", type=float, default=60, help="seconds (default: 60)")
    parser.add_argument(
        "--backend",
        choices=("real", "fake"),
        default="real" if os.environ.get("KUBERNETES_LAB") else "fake",
        help="Kubernetes API server (default: real where $KUBERNETES_LAB is set)",
    )
    options = parser.parse_args()
    if options.backend not in backends():
        raise SystemExit("no real Kubernetes API server here: KUBERNETES_LAB is not set")
    stop_on_signals()
    all_figures = []
    with (
        open_kubernetes(options.backend, private=True) as kubernetes,
        ValkeyGroup(options=SentinelOptions(down_after=1.0)) as group,
    ):
        for count in map(int, options.instances.split(",")):
            all_figures.append(measure(kubernetes, group, count, options))
    print_table(all_figures)
    faults = [fault for figures in all_figures for fault in figures.faults()]
    print("\n" + ("\n".join(faults) if faults else "all bounds hold"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
