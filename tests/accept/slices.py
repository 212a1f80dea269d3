#!/usr/bin/env python3
"""How soon an EndpointSlice names the new primary, for the ways to publish. Failovers, half killed
and half planned; the ways take turns, each with a Service and pods of its own, and the program runs
for the one whose turn it is. The EndpointSlices are those that kube-proxy would see; where the
program doesn't write them, a real kube-controller-manager does. They must end with the new
primary's address alone, and name two at no moment.

It needs root, for a network of its own (EndpointSlices refuse loopback addresses), and the real
API server."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.configuration import Value  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import LABEL, PROGRAM_RULES, open_kubernetes  # noqa: E402
from lab.namespaces import PodNetwork, why_not  # noqa: E402
from lab.rounds import SKIPPED, Options, Round, by_comma, parse, run, summarise  # noqa: E402
from lab.sentinel_events import was_taken_back  # noqa: E402
from lab.slice_watch import SliceWatch  # noqa: E402
from lab.stage import Stage  # noqa: E402
from lab.valkey import ValkeyGroup  # noqa: E402

SERVICE = "valkey-primary"
PORT = {"name": "valkey", "port": 6379, "targetPort": 6379}
APP = {"app.kubernetes.io/name": "valkey"}
WITHIN = 10.0


@dataclass(frozen=True)
class Way:
    """`selector`: of the Service, as it is before the program comes."""

    selector: dict[str, str]
    of_target: dict[str, Value] = field(default_factory=dict)


WAYS = {
    "label": Way({**APP, LABEL: "true"}),
    "endpointslice": Way({}, {"service": SERVICE}),
    "service-selector": Way(APP, {"service": SERVICE}),
}
READ_AND_WRITE = ["get", "list", "watch", "create", "patch"]
RULES: list[Json] = [
    *PROGRAM_RULES,
    {"apiGroups": [""], "resources": ["services"], "verbs": READ_AND_WRITE},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ_AND_WRITE},
]


class Scene:
    """All of it in a network of its own, which the worker's thread enters until the end."""

    def __init__(self, options: Options) -> None:
        self._ways = options.others.ways
        self._begun = time.monotonic()
        self._last: Stage | None = None
        with contextlib.ExitStack() as opened:
            network = PodNetwork()
            opened.enter_context(network.inside.entered())
            self._group = opened.enter_context(ValkeyGroup(block=network))
            kubernetes = open_kubernetes("real", private=True, options=["--kcm"])
            opened.enter_context(kubernetes)
            for instance in self._group.instances:  # of pods on no Node there are no EndpointSlices
                kubernetes.node(instance.name.replace("valkey", "lab-node"))
            self._stages: dict[str, Stage] = {}
            self._slices: dict[str, SliceWatch] = {}
            for name in self._ways:
                way = WAYS[name]
                stage = Stage(
                    kubernetes,
                    [self._group],
                    of_targets={"publish": name, **way.of_target},
                    rules=RULES,
                )
                self._stages[name] = opened.enter_context(stage)
                namespace = stage.namespace
                kubernetes.admin.post(
                    f"{namespace.path}/services",
                    {
                        "metadata": {"name": SERVICE},
                        "spec": {"ports": [PORT], "selector": way.selector},
                    },
                )
                self._slices[name] = SliceWatch(namespace, SERVICE)
                opened.callback(self._slices[name].close)
            self._opened = opened.pop_all()

    def run_round(self, number: int) -> Round:
        way = self._ways[number % len(self._ways)]
        group, stage, slices = self._group, self._stages[way], self._slices[way]
        self._begun, self._last = time.monotonic(), stage
        group.events.forget(before=time.monotonic() - 60.0)
        stage.program.start()
        stage.program.wait_ready()
        slices.wait_named(group.primary().host, WITHIN)
        right = time.monotonic()
        version = stage.watch.last_version
        second_kind = number // len(self._ways) % 2 == 1
        failover = group.wait_failover(
            group.sentinel_failover() if second_kind else group.kill_primary()
        )
        named = slices.wait_named(failover.new.host, WITHIN)
        group.heal(failover)
        group.wait_healthy()
        if slices.wait_named(failover.new.host, 0.0) != named:
            raise AssertionError(f"right at first, then something else: {slices.history(right)}")
        if two := [each for each in slices.history(right) if len(each.addresses) > 1]:
            raise AssertionError(f"the EndpointSlices named two: {two}")
        stage.check()
        measured: Round = {
            "way": way,
            "kind": failover.kind,
            "event_to_slice_ms": (named.received - failover.event.time) * 1000,
        }
        if failover.t0 is not None:
            measured["t0_to_slice_ms"] = (named.received - failover.t0) * 1000
        if way == "label":
            switch = stage.switch(group, failover, version)
            measured["event_to_label_ms"] = switch.came * 1000
            measured["label_to_slice_ms"] = measured["event_to_slice_ms"] - switch.came * 1000
        stage.program.terminate()
        return measured

    def is_void(self) -> bool:
        """As FailoverScene has it."""
        return was_taken_back(self._group.events.since(self._begun))

    def save(self, folder: Path) -> None:
        if self._last is None:
            return
        self._last.save(folder)
        (folder / "service.json").write_text(
            str(self._last.kubernetes.admin.get(f"{self._last.namespace.path}/services"))
        )
        for way, slices in self._slices.items():
            (folder / f"slices-{way}.txt").write_text("\n".join(map(str, slices.history())) + "\n")

    def close(self) -> None:
        self._opened.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ways", type=by_comma(WAYS), default=list(WAYS), help=f"by comma, of {', '.join(WAYS)}"
    )


def main() -> int:
    options = parse(str(__doc__), rounds=60, name="slices", workers=1, more=add_arguments)
    if reason := why_not() or ("" if options.backend == "real" else "no real API server here"):
        print(f"skipped: {reason}")
        return SKIPPED
    figures = {
        "first news to EndpointSlice": "event_to_slice_ms",
        "T0 to EndpointSlice": "t0_to_slice_ms",
        "first news to label": "event_to_label_ms",
        "label to EndpointSlice": "label_to_slice_ms",
    }
    return summarise(run(options, Scene), options.rounds, figures, by="way")


if __name__ == "__main__":
    sys.exit(main())
