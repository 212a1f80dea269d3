"""The Events by which a pod tells what became of its label, on the fake and the real API server."""

from __future__ import annotations

import sys
import time
import unittest
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from e2e.plugin_case import ADDRESSES, GROUP, PluginCase  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kubernetes import LABEL, FakeKubernetes  # noqa: E402
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import wait_until  # noqa: E402


class EventCase(PluginCase):
    def told(self, pod: str) -> list[str]:
        return sorted(event["reason"] for event in self.namespace.events()
                      if event["involvedObject"]["name"] == pod)

    def wait_event(self, pod: str, reason: str, text: str = "") -> Json:
        def found() -> list[Json]:
            return [event for event in self.namespace.events()
                    if event["involvedObject"]["name"] == pod and event["reason"] == reason
                    and text in event["message"]]

        wait_until(lambda: bool(found()), 10, f"{reason} {text!r} of {pod}")
        return found()[0]


class Telling(EventCase):
    def test_both_pods_of_a_failover_tell_it(self) -> None:
        host = self.host(node_name="node-x")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.apply(GROUP, 2, ADDRESSES[1])
        event = self.wait_event("valkey-1", "PrimaryPromoted")
        pod = self.namespace.pod("valkey-1")
        self.assertEqual(event["involvedObject"]["uid"], pod["metadata"]["uid"])
        self.assertEqual(event["involvedObject"]["kind"], "Pod")
        self.assertEqual(event["message"],
                         f"label {LABEL}=true set for epoch 2 ({ADDRESSES[1]}:6379), by an order "
                         "of the test")
        self.assertEqual((event["type"], event["action"], event["count"]), ("Normal", "Promote", 1))
        self.assertEqual(event["reportingComponent"], "valkey-reconciler")
        self.assertEqual(event["reportingInstance"], "node-x")
        self.assertEqual(event["source"], {"component": "valkey-reconciler", "host": "node-x"})
        self.assertEqual(event["firstTimestamp"], event["lastTimestamp"])
        self.assertTrue(event["eventTime"])
        demoted = self.wait_event("valkey-0", "PrimaryDemoted")
        self.assertIn(f"label {LABEL}=true taken off for epoch 2", demoted["message"])
        self.assertEqual(self.told("valkey-0"), ["PrimaryDemoted", "PrimaryPromoted"])
        self.assertEqual(self.told("valkey-2"), [])

    def test_who_wrote_nothing_tells_nothing(self) -> None:
        one, two = self.host(), self.host()
        one.apply(GROUP, 1, ADDRESSES[0])
        one.applied()
        self.wait_event("valkey-0", "PrimaryPromoted")
        two.apply(GROUP, 1, ADDRESSES[0])
        two.applied()
        # The same primary under another epoch moves no label.
        mark = two.apply(GROUP, 2, ADDRESSES[0])
        two.applied(mark=mark)
        two.apply(GROUP, 3, ADDRESSES[1])
        self.wait_event("valkey-1", "PrimaryPromoted", "epoch 3")
        self.wait_event("valkey-0", "PrimaryDemoted")
        self.assertEqual(self.told("valkey-0"), ["PrimaryDemoted", "PrimaryPromoted"])
        self.assertEqual(two.count("events_total"), 2)

    def test_a_repair_names_who_moved_the_label(self) -> None:
        host = self.host()
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        self.namespace.label("valkey-2", LABEL, "true", manager="kubectl-label")
        event = self.wait_event("valkey-2", "LabelRepaired", "was set by kubectl-label; taken off")
        self.assertEqual(event["type"], "Warning")
        self.namespace.remove_label("valkey-0", LABEL)
        self.wait_event("valkey-0", "LabelRepaired", "was taken off by somebody else; set again")

    def test_without_the_right_it_says_so_once_and_goes_on(self) -> None:
        self.namespace.set_rules(self.rules("list", "watch", "patch"))
        host = self.host()
        for epoch in range(1, 5):
            mark = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(mark=mark)
            host.wait("count", name="events_total", mark=mark)
        refused = host.wait("log", text="forbidden: cannot create events in namespace "
                                        f"{self.namespace.name}", level="info")
        self.assertIn("optional", refused.text)
        self.assertEqual(host.count("events_total", "403"), 1)
        self.assertFalse([event for event in host.events if event.kind == "problem"])
        self.namespace.set_rules([*self.rules("list", "watch", "patch"), {
            "apiGroups": [""], "resources": ["events"], "verbs": ["create"]}])
        host.check()
        host.apply(GROUP, 5, ADDRESSES[2])
        self.wait_event("valkey-2", "PrimaryPromoted", "epoch 5")

    def test_none_are_sent_where_none_are_wanted(self) -> None:
        quiet, host = self.host(events="false"), self.host()
        quiet.apply(GROUP, 1, ADDRESSES[0])
        quiet.applied()
        host.apply(GROUP, 2, ADDRESSES[1])
        self.wait_event("valkey-1", "PrimaryPromoted")
        self.assertEqual(quiet.count("events_total"), 0)
        self.assertEqual(self.told("valkey-0"), ["PrimaryDemoted"])


@unittest.skipUnless(BACKEND == "fake", "only a fake is slow on demand")
class Trouble(EventCase):
    private = True

    def test_events_that_get_no_answer_delay_no_failover(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        host = self.host(request_timeout="1s")
        host.apply(GROUP, 1, ADDRESSES[0])
        host.applied()
        host.wait("count", name="events_total", value="ok")
        self.kubernetes.fault(r"POST /api/v1/.*/events.*", count=0, delay_ms=20000)
        mark = len(host.events)
        for epoch in range(2, 6):
            at = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(5, at)
        host.wait("count", name="events_total", value="timeout", mark=mark)
        at = host.apply(GROUP, 9, ADDRESSES[2])
        host.applied(5, at)
        self.assertFalse([event for event in host.events[mark:] if event.kind == "problem"])
        self.assertEqual(host.count("lists_total", mark=mark), 0)
        self.assertEqual(host.count("watches_total", mark=mark), 0)
        self.never_two()

    def test_few_are_under_way_at_once_and_the_others_wait(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.kubernetes.fault(r"POST /api/v1/.*/events.*", count=0, delay_ms=1000)
        host = self.host()
        for epoch in range(1, 9):
            mark = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(mark=mark)
        # Two for each move but the first, which takes no label off: none waits for its time to be up.
        wait_until(lambda: host.count("events_total", "ok") == 15, 20, "all of them are sent")
        wait_until(lambda: len(self.namespace.audit("create", "events")) == 15, 10, "and audited")
        steps = sorted(
            (line[time], step) for line in self.namespace.audit("create", "events")
            for time, step in (("requestReceivedTimestamp", 1), ("stageTimestamp", -1)))
        under_way = list(accumulate(step for _, step in steps))
        self.assertLessEqual(max(under_way), 4)

    def test_they_wait_while_another_group_is_made_right(self) -> None:
        self.assertGreater(self.wait_beside_another(slow_ms=2000), 0.5)
        self.assertEqual(self.namespace.labelled(), ["valkey-0", "valkey-1"])  # the slow one is done, too

    def test_they_wait_three_seconds_at_the_longest(self) -> None:
        self.assertGreater(self.wait_beside_another(slow_ms=9000), 2.5)
        self.assertEqual(self.namespace.labelled(), ["valkey-0"])

    def wait_beside_another(self, slow_ms: int) -> float:
        """Seconds from a group's label to its Event, while the only patch of another one is under way for so long."""
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.namespace.label("valkey-0", "group", "fast")
        self.namespace.label("valkey-1", "group", "slow")
        self.kubernetes.fault(r"PATCH /api/v1/.*/pods/valkey-1", delay_ms=slow_ms)
        host = self.enterContext(PluginHost("kubernetes", ["fast", "slow"], kubeconfig=self.namespace.kubeconfig(),
                                            selector="group={group}", request_timeout="20s"))
        host.wait("log", text="connected")
        host.apply("slow", 1, ADDRESSES[1])
        wait_until(lambda: any(fault["hits"] for fault in self.kubernetes.faults()), 10, "the patch is under way")
        host.applied(mark=host.apply("fast", 1, ADDRESSES[0]))
        applied = time.monotonic()
        self.wait_event("valkey-0", "PrimaryPromoted")
        return time.monotonic() - applied

    def test_who_fights_over_a_label_fills_no_api_server(self) -> None:
        host = self.host()
        for epoch in range(1, 16):
            mark = host.apply(GROUP, epoch, ADDRESSES[epoch % 3])
            host.applied(mark=mark)
        wait_until(lambda: host.count("events_total") == 15 + 14, 10, "each was sent or dropped")
        self.assertEqual(host.count("events_total", "ok"), 20)
        self.assertEqual(host.count("events_total", "dropped"), 9)


if __name__ == "__main__":
    main()
