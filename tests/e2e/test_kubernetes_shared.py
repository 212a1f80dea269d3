"""All groups of a target by one list and one watch: each sees its own pods, and what changes in
them; what is asked of the API server is counted there."""

from __future__ import annotations

import sys
import unittest
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.case import BACKEND, main  # noqa: E402
from lab.kube_client import Json  # noqa: E402
from lab.kube_rights import least_rules  # noqa: E402
from lab.kubernetes import (LABEL, FakeKubernetes, Kubernetes, Pod,  # noqa: E402
                            PrivateKubernetes, open_kubernetes)
from lab.plugin_host import PluginHost  # noqa: E402
from lab.processes import wait_until  # noqa: E402

MANY = 300
OF = "of-group"
SELECTOR = f"app.kubernetes.io/name=valkey,{OF}={{group}}"
READY_WITHIN = 180.0


def group_name(number: int) -> str:
    return f"group-{number:03}"


def address(number: int) -> str:
    return f"10.240.{number // 200}.{number % 200 + 1}"


class SharedCase(unittest.TestCase):
    def setUp(self) -> None:
        self.kubernetes: Kubernetes = open_kubernetes(BACKEND, private=True)
        self.addCleanup(self.kubernetes.close)
        self.namespace = self.kubernetes.namespace("shared")

    def pods(self, groups: int) -> None:
        for number in range(groups):
            self.namespace.add_pod(
                Pod(f"valkey-{number:03}", address(number), {OF: group_name(number)}))

    def host(self, groups: int, selector: str = SELECTOR, **settings: str) -> PluginHost:
        host = self.enterContext(
            PluginHost("kubernetes", [group_name(number) for number in range(groups)],
                       kubeconfig=self.namespace.kubeconfig(), selector=selector, events="false",
                       **settings))
        host.wait("log", text="connected", timeout=READY_WITHIN)
        return host

    def apply_all(self, host: PluginHost, groups: int) -> None:
        """Each group's own pod is its primary."""
        mark = len(host.events)
        for number in range(groups):
            host.apply(group_name(number), 1, address(number))

        def done() -> bool:
            return len({event.fields.get("group") for event in host.events[mark:]
                        if event.kind == "complete" and event.outcome == "applied"}) == groups

        wait_until(done, READY_WITHIN, "each group is applied")

    def lists(self) -> list[Json]:
        return [line for line in self.namespace.audit(verb="list", resource="pods")
                if "continue=" not in line["requestURI"] and self.is_ours(line)]

    @staticmethod
    def is_ours(line: Json) -> bool:
        return "serviceaccount" in line["user"]["username"]


class Shared(SharedCase):
    def test_many_groups_are_ready_by_one_list_and_one_watch(self) -> None:
        self.pods(MANY)
        # Who gets no answer in time lists, and so many patches at once may take a busy machine long.
        host = self.host(MANY, request_timeout="30s")
        self.apply_all(host, MANY)
        self.assertEqual(len(self.namespace.labelled()), MANY)
        self.assertEqual(host.count("lists_total"), 1)
        self.assertEqual(host.count("watches_total"), 1)
        self.assertEqual(len({line["auditID"] for line in self.lists()}), 1)

    def test_a_pod_that_is_relabelled_leaves_one_group_and_enters_another(self) -> None:
        self.pods(2)
        host = self.host(2)
        self.apply_all(host, 2)
        mark = len(host.events)
        self.namespace.add_pod(Pod("moved", "10.241.0.1", {OF: group_name(0)}))
        host.apply(group_name(0), 2, "10.241.0.1")
        host.applied(mark=mark, epoch="2")
        # Given to the other group, which leaves it alone: it remembers the first one's decision.
        mark = len(host.events)
        self.namespace.label("moved", OF, group_name(1))
        host.wait("changed", mark=mark, group=group_name(0))
        host.apply(group_name(0), 2, "10.241.0.1")
        host.wait("complete", mark=mark, outcome="rejected", text="no pod of the group is")
        mark = host.apply(group_name(1), 2, "10.241.0.1")
        host.wait("complete", mark=mark, outcome="rejected", text="belongs to group group-000")

    @unittest.skipUnless(BACKEND == "fake", "a real one sends no such objects")
    def test_an_object_that_cannot_be_read_costs_itself_alone(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.pods(2)
        host = self.host(2)
        self.apply_all(host, 2)
        server = self.kubernetes
        wait_until(lambda: any(OF in path for path in server.open_watches()), 10, "it watches")
        mark = len(host.events)
        server.watches(
            "send", line='{"type":"MODIFIED","object":{"metadata":{"name":"valkey-000"}}}\n')
        host.wait("log", mark=mark, text="it is left out")
        version = self.namespace.remove_label("valkey-001", "valkey-master")
        self.assertTrue(version)
        wait_until(lambda: "valkey-001" in self.namespace.labelled(), 10, "the watch goes on")
        self.assertEqual(host.count("lists_total", mark=mark), 0)
        self.assertEqual(host.count("watches_total", mark=mark), 0)

    def test_selectors_that_have_nothing_in_common_are_watched_each_by_its_own(self) -> None:
        for number in range(8):
            self.namespace.add_pod(
                Pod(f"valkey-{number:03}", address(number), {group_name(number): "yes"}))
        host = self.host(8, "{group}")
        self.apply_all(host, 8)
        self.assertEqual(host.count("lists_total"), 8)
        self.assertEqual(host.count("watches_total"), 8)

    @unittest.skipUnless(BACKEND == "fake", "only a fake is slow on demand")
    def test_four_lists_are_open_at_once_at_most(self) -> None:
        assert isinstance(self.kubernetes, FakeKubernetes)
        self.kubernetes.fault(r"LIST /api/v1/.*/pods", user=".*serviceaccount.*", count=0, delay_ms=500)
        self.host(12, "{group}")
        wait_until(lambda: len(self.lists()) == 12, 30, "each group's pods are listed")
        steps = sorted((line[time], step) for line in self.lists()
                       for time, step in (("requestReceivedTimestamp", 1), ("stageTimestamp", -1)))
        self.assertEqual(max(accumulate(step for _, step in steps)), 4)

    def test_a_list_of_one_group_that_shows_older_versions_renews_the_watch_of_all(self) -> None:
        """Restored from a backup: the watch that goes on from before would be silent."""
        assert isinstance(self.kubernetes, PrivateKubernetes)
        self.pods(2)
        host = self.host(2)
        self.apply_all(host, 2)
        self.kubernetes.back_up()
        for i in range(20):
            self.namespace.annotate("valkey-000", "x", str(i))
        mark = host.apply(group_name(0), 2, address(0))
        host.applied(mark=mark, epoch="2")
        self.seen_to_watch("valkey-001")
        mark = len(host.events)
        self.kubernetes.restore()
        host.wait("log", text="watch resumed", mark=mark, timeout=60)
        # Its pod is remembered as it was after the backup: a conflict, then a list of this group's alone.
        host.apply(group_name(0), 3, address(0))
        host.wait("log", text="versions went backwards", mark=mark, timeout=20)
        host.applied(20, mark, epoch="3")
        self.seen_to_watch("valkey-001")

    def seen_to_watch(self, pod: str) -> None:
        """It repairs what only a watch tells it: a resync is minutes away."""
        self.namespace.remove_label(pod, LABEL)
        wait_until(lambda: pod in self.namespace.labelled(), 20, "the watch goes on")


class WithoutWatch(SharedCase):
    """Groups that list before each change share their lists, too."""

    def test_many_that_list_at_once_are_served_together(self) -> None:
        rights = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"]}]
        self.namespace = self.kubernetes.namespace("shared", rights)
        self.pods(40)
        host = self.host(40)
        host.wait("problem", id="watch-refused")
        mark = len(host.events)
        self.apply_all(host, 40)
        self.assertEqual(len(self.namespace.labelled()), 40)
        self.assertLess(host.count("lists_total", mark=mark), 20)


class ThroughServices(unittest.TestCase):
    """Each group by its own Service; all Services, slices and pods by one watch of each kind."""

    def test_each_group_sees_its_own_service(self) -> None:
        kubernetes = open_kubernetes(BACKEND, private=True)
        self.addCleanup(kubernetes.close)
        for way, kinds in (("endpointslice", 3), ("service-selector", 2)):
            with self.subTest(way):
                namespace = kubernetes.namespace("services", least_rules(way))
                groups = [group_name(number) for number in range(3)]
                for number, group in enumerate(groups):
                    namespace.add_pod(Pod(f"valkey-{number:03}", address(number), {OF: group}))
                    selector = {"selector": {OF: group}} if way == "service-selector" else {}
                    kubernetes.admin.post(
                        f"{namespace.path}/services",
                        {"metadata": {"name": group},
                         "spec": {"ports": [{"name": "valkey", "port": 6379}], **selector}})
                host = self.enterContext(
                    PluginHost("kubernetes", groups, kubeconfig=namespace.kubeconfig(), publish=way,
                               selector=SELECTOR, service="{group}", events="false"))
                for number, group in enumerate(groups):
                    mark = host.apply(group, 1, address(number))
                    host.applied(mark=mark, group=group)
                self.assertEqual(host.count("lists_total"), kinds)
                self.assertEqual(host.count("watches_total"), kinds)
                # One that goes is missed by its own group alone.
                mark = len(host.events)
                kubernetes.admin.delete(f"{namespace.path}/services/{groups[1]}")
                host.wait("problem", id="no-service", group=groups[1], mark=mark)
                mark = host.apply(groups[2], 2, address(2))
                host.applied(mark=mark, group=groups[2])
                self.assertEqual({event.fields["group"] for event in host.events
                                  if event.kind == "problem" and event.fields["id"] == "no-service"},
                                 {groups[1]})


if __name__ == "__main__":
    main()
