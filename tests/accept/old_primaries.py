#!/usr/bin/env python3
"""Failovers whose old primary can't take part in them take no longer than any other: from the first
news to the label on the new primary's pod, medians of one run, its rounds taken in turn. The
exit status tells whether that holds.

  any          the old primary is killed, or the failover is planned; its pod is as ever
  terminating  the same, and the old primary's pod is Terminating: its grace is ten hours long, or a
               finalizer holds it
  node gone    nothing answers at the old primary's address, and nothing refuses; the Node is not
               ready and its pod neither, or there is no Node any more

It needs root, for a network of its own."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time

from scene import FailoverScene

from lab.namespaces import PodNetwork, why_not
from lab.rounds import SKIPPED, Options, Round, parse, run, summarise
from lab.valkey import Instance, Trigger

OLD_PRIMARIES = ("any", "terminating", "node gone")
RATIO = 1.2
# Medians of fewer rounds tell only of what is grossly late.
ROUNDS_OF_EACH, ROUGHLY = 20, 4.0
GRACE = 36000  # seconds
FINALIZER = "example.org/hold"


class Scene(FailoverScene):
    """All of it in a network of its own, which the worker's thread enters for good."""

    def __init__(self, options: Options) -> None:
        self._network = PodNetwork()
        self._entered = contextlib.ExitStack()
        self._entered.enter_context(self._network.inside.entered())
        # The watcher asks the instances for their role, too: the dead one must not hold it up.
        super().__init__(
            options, private=True, block=self._network, of_sentinels={"instances": {}}
        )
        for instance in self.group.instances:
            self._add_node(instance)

    def run_round(self, number: int) -> Round:
        old_primary = OLD_PRIMARIES[number % len(OLD_PRIMARIES)]
        second_way = number // len(OLD_PRIMARIES) % 2 == 1
        since = self.begin()
        old = self.group.primary()
        if old_primary == "terminating":
            self._terminate(old, by_finalizer=number // (2 * len(OLD_PRIMARIES)) % 2 == 1)
        if old_primary == "node gone":
            trigger = self._lose_node(old, absent=second_way)
        else:
            trigger = self.trigger("planned" if second_way else "kill")
        failover = self.group.wait_failover(trigger)
        self.stage.wait_right(primary=failover.new)
        if old_primary == "node gone":
            self._find_node(old)
        measured = self.finish(failover, since)
        if old_primary == "terminating":
            self._replace(old)
        return measured | {"old_primary": old_primary}

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._entered.close()  # the group has closed the network

    def _terminate(self, old: Instance, by_finalizer: bool) -> None:
        namespace = self.stage.namespace
        if by_finalizer:
            namespace.patch_pod(old.name, {"metadata": {"finalizers": [FINALIZER]}})
        namespace.delete_pod(old.name, 0 if by_finalizer else GRACE)
        self.stage.watch.wait_for(
            lambda: self.stage.watch.versions(old.name)[-1].terminating, 10, f"{old} is Terminating"
        )

    def _replace(self, old: Instance) -> None:
        """As a StatefulSet does when the pod is gone at last."""
        self.stage.namespace.patch_pod(old.name, {"metadata": {"finalizers": None}})
        self.stage.namespace.recreate_pod(old.name)

    def _lose_node(self, old: Instance, absent: bool) -> Trigger:
        """Node and pod become what the cluster's own controllers make of them."""
        if absent:
            self.kubernetes.admin.delete(f"/api/v1/nodes/{_node(old)}")
        else:
            self._set_node_ready(old, "Unknown")
        self.stage.namespace.set_ready(old.name, False)
        self._network.vanish(old.host)
        trigger = Trigger("node gone", time.monotonic(), old)
        old.kill()
        return trigger

    def _find_node(self, old: Instance) -> None:
        self._network.come_back(old.host)
        self._add_node(old)
        self.stage.namespace.set_ready(old.name, True)

    def _add_node(self, instance: Instance) -> None:
        self.kubernetes.node(_node(instance))
        self._set_node_ready(instance, "True")

    def _set_node_ready(self, instance: Instance, ready: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {
            "type": "Ready",
            "status": ready,
            "reason": "Lab",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        self.kubernetes.admin.merge_patch(
            f"/api/v1/nodes/{_node(instance)}/status", {"status": {"conditions": [condition]}}
        )


def _node(instance: Instance) -> str:
    """valkey-1 is on lab-node-1."""
    return instance.name.replace("valkey", "lab-node")


def judge(rounds: list[Round]) -> bool:
    """Prints both ratios, and whether they are within the bound."""
    news_to_label = {
        name: [e["event_to_label_ms"] for e in rounds if e["ok"] and e["old_primary"] == name]
        for name in OLD_PRIMARIES
    }
    fewest = min(map(len, news_to_label.values()))
    if fewest == 0:
        return False
    bound = RATIO if fewest >= ROUNDS_OF_EACH else ROUGHLY
    medians = {name: statistics.median(values) for name, values in news_to_label.items()}
    holds = True
    for name in OLD_PRIMARIES[1:]:
        ratio = medians[name] / medians["any"]
        holds = holds and ratio <= bound
        verdict = "pass" if ratio <= bound else "FAIL"
        print(f"{verdict}  {name}: {ratio:.2f} times the median of any other, bound {bound:g}")
    if bound != RATIO:
        print(f"the bound is {RATIO:g} from {ROUNDS_OF_EACH} rounds of each kind on")
    return holds


def main() -> int:
    options = parse(
        str(__doc__), rounds=40 * len(OLD_PRIMARIES), name="old-primaries", workers=1
    )
    if reason := why_not():
        print(f"skipped: {reason}")
        return SKIPPED
    figures = {
        "first news to label": "event_to_label_ms",
        "new primary takes writes to label": "t0_to_label_ms",
        "old label off to new label on": "off_to_on_ms",
    }
    rounds = run(options, Scene)
    status = summarise(rounds, options.rounds, figures, by="old_primary")
    return status or int(not judge(rounds))


if __name__ == "__main__":
    sys.exit(main())
